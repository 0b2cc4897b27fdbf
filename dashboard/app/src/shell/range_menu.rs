//! Chooses the range of time: plain links and a form, because it is all in the URL.

use crate::{
    components::{Icon, Sign},
    context::use_page,
    range::Preset,
};
use jiff::Timestamp;
use leptos::prelude::*;

/// A menu with the presets, and a form for any range.
#[component]
pub fn RangeMenu() -> impl IntoView {
    let page = use_page();
    let links = Preset::ALL.map(|preset| {
        let href = page.with(&[("range", Some(preset.name())), ("from", None), ("to", None), ("zone", None)]);
        let here = (page.range.preset == Some(preset)).then_some("true");
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
    let label = page.range.label(&page.zone);
    // What else is in the URL stays there: a form's own query replaces the address's.
    let others = page.query.iter().filter(|(key, _)| {
        !key.starts_with("__") && !["range", "from", "to", "zone"].contains(&key.as_str())
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
                <ul class="range-presets">{links.into_iter().collect_view()}</ul>
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
