//! Chooses the range of time: plain links and a form, because it is all in the URL.

use crate::{
    components::{Icon, Sign},
    context::{Page, use_page},
    range::Preset,
};
use jiff::Timestamp;
use leptos::prelude::*;

/// What a page does with the range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Use {
    /// It shows what was in the range.
    Always,
    /// It shows everything, unless a range is asked for: what waits for somebody waits however old it is.
    IfAsked,
    /// It is about one thing, whenever that was.
    Never,
}

impl Use {
    fn on(path: &str) -> Self {
        match path {
            "/dead-letters" => Self::IfAsked,
            _ if ["/dead-letters/", "/replays", "/events"].iter().any(|of_one| path.starts_with(of_one)) => {
                Self::Never
            }
            _ => Self::Always,
        }
    }
}

/// A menu with the presets, and a form for any range. Pages to which the range means nothing have none.
#[component]
pub fn RangeMenu() -> impl IntoView {
    let page = use_page();
    let used = Use::on(&page.path);
    (used != Use::Never).then(|| menu(&page, used == Use::IfAsked))
}

fn menu(page: &Page, optional: bool) -> impl IntoView + use<> {
    let asked = ["range", "from", "to"].iter().any(|name| page.parameter(name).is_some());
    let unlimited = optional && !asked;
    let any_time = optional.then(|| {
        let href =
            page.with(&[("range", None), ("from", None), ("to", None), ("zone", None), ("after", None)]);
        let here = unlimited.then_some("true");
        view! { <li class="range-any"><a href=href aria-current=here>"Any time"</a></li> }
    });
    let links = Preset::ALL.map(|preset| {
        let href = page.with(&[
            ("range", Some(preset.name())),
            ("from", None),
            ("to", None),
            ("zone", None),
            ("after", None),
        ]);
        let here = (!unlimited && page.range.preset == Some(preset)).then_some("true");
        view! {
            <li>
                <a href=href aria-current=here>
                    {preset.label()}
                </a>
            </li>
        }
    });
    let field = |at: Timestamp| at.to_zoned(page.zone.clone()).strftime("%Y-%m-%dT%H:%M").to_string();
    let (from, to) = (field(page.range.from), field(page.range.to));
    let zone = page.zone.iana_name().unwrap_or("UTC").to_owned();
    let label = if unlimited {
        view! { <span>"Any"<span class="wide-only">" time"</span></span> }.into_any()
    } else {
        page.range.label(&page.zone).into_any()
    };
    // What else is in the URL stays there: a form's own query replaces the address's.
    let others = page.query.iter().filter(|(key, _)| {
        !key.starts_with("__") && !["range", "from", "to", "zone", "after"].contains(&key.as_str())
    });
    let others = others
        .map(|(key, value)| view! { <input type="hidden" name=key.clone() value=value.clone() /> })
        .collect_view();
    let zone_label = if zone == "UTC" { "UTC".to_owned() } else { zone.replace('_', " ") };
    view! {
        <details class="menu range-menu">
            <summary class="switch">
                <span class="visually-hidden">"Range: "</span>
                {label}
                <Icon sign=Sign::Chevron />
            </summary>
            <div class="menu-panel">
                <ul class="range-presets">{any_time}{links.into_iter().collect_view()}</ul>
                <form class="range-form" method="get" action=page.path.clone()>
                    {others}
                    <input type="hidden" name="zone" value=zone />
                    <label>"From " <input type="datetime-local" name="from" value=from required /></label>
                    <label>"To " <input type="datetime-local" name="to" value=to required /></label>
                    <p class="hint">"Times are " {zone_label} "."</p>
                    <button class="button primary">"Show this range"</button>
                </form>
            </div>
        </details>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_about_one_thing_have_no_range() {
        assert_eq!(Use::on("/"), Use::Always);
        assert_eq!(Use::on("/metrics"), Use::Always);
        assert_eq!(Use::on("/dead-letters"), Use::IfAsked);
        for path in ["/dead-letters/1", "/dead-letters/replay", "/replays", "/replays/1", "/events/1"] {
            assert_eq!(Use::on(path), Use::Never, "{path}");
        }
    }
}
