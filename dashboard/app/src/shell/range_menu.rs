//! The menu for the time range: links and a form, because the range is in the URL.

use crate::{
    components::{HiddenQuery, Icon, Sign},
    context::{Page, use_page},
    range::Preset,
};
use jiff::Timestamp;
use leptos::prelude::*;
use spillway_dashboard_pages::{RangeUse, page_at};

/// Parameters that the form sets, or that are valid for the old range only.
const OWN: [&str; 5] = ["range", "from", "to", "zone", "after"];

/// A menu with the presets, and a form for any range. Pages without a range have no menu.
#[component]
pub fn RangeMenu() -> impl IntoView {
    let page = use_page();
    // An unknown address keeps the range.
    let used = page_at(&page.path).map_or(RangeUse::Always, |entry| entry.range);
    (used != RangeUse::Never).then(|| menu(&page, used == RangeUse::IfAsked))
}

fn menu(page: &Page, optional: bool) -> impl IntoView + use<> {
    let unlimited = optional && !page.has_range();
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
        page.range.label(page.now, &page.zone).into_any()
    };
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
                    <HiddenQuery keeps=|name| !name.starts_with("__") && !OWN.contains(&name) />
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
