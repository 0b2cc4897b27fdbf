//! Headings that keep what is of now apart from what is of the chosen range.

use crate::context::Page;
use leptos::prelude::*;

/// The heading of what is of now.
pub(crate) fn now_band() -> AnyView {
    view! { <h2 class="band" id="now">"Now"</h2> }.into_any()
}

/// The heading of charts over the page's range. A range that has ended says so.
pub(crate) fn range_band(page: &Page) -> AnyView {
    let is_past = page.range.preset.is_none();
    let label = page.range.label(page.now, &page.zone);
    let label = if is_past { label } else { format!("Last {label}") };
    let past = is_past.then(|| view! { <span class="band-note">" not now"</span> });
    view! { <h2 class="band" class:band-past=is_past id="over-time">{label} {past}</h2> }.into_any()
}
