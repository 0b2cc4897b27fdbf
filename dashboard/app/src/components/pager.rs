//! Navigation between the pages of a long list.

use leptos::prelude::*;

/// Links to the first and the next page of a list. Lists are read by cursor, so there are no page numbers.
#[component]
pub fn Pager(
    /// What the links are, for screen readers.
    #[prop(default = "Pages of the list")]
    label: &'static str,
    /// The part that is shown, such as `50 of 203 messages`.
    #[prop(into)]
    shown: String,
    /// The first page, unless it is the current one.
    #[prop(optional_no_strip)]
    first: Option<String>,
    /// The next page, if there is one.
    #[prop(optional_no_strip)]
    next: Option<String>,
) -> impl IntoView {
    view! {
        <nav class="pager" aria-label=label>
            <span class="pager-shown">{shown}</span>
            {first.map(|href| view! { <a class="button" href=href>"First page"</a> })}
            {next.map(|href| view! { <a class="button" href=href rel="next">"Next page"</a> })}
        </nav>
    }
}
