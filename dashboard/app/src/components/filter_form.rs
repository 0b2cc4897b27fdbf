//! Forms that filter a list. The filters are in the URL.

use crate::context::use_page;
use leptos::prelude::*;

/// A form with filter fields, and buttons to filter and to clear the filters.
#[component]
pub fn FilterForm(
    /// The list's path.
    action: &'static str,
    class: &'static str,
    /// The form's purpose, for screen readers.
    label: &'static str,
    /// Parameters of the page that the form keeps.
    keep: &'static [&'static str],
    /// The list without filters, if any filter is set.
    clear: Option<String>,
    children: Children,
) -> impl IntoView {
    view! {
        <form class=class method="get" action=action role="search" aria-label=label>
            <HiddenQuery keeps=move |name| keep.contains(&name) />
            {children()}
            <button class="button">"Filter"</button>
            {clear.map(|href| view! { <a class="button" href=href>"Clear the filters"</a> })}
        </form>
    }
}

/// Hidden fields for parameters of the page's query. A form's query replaces that of the URL, so it has to repeat them.
#[component]
pub fn HiddenQuery<F: Fn(&str) -> bool + Send + 'static>(
    /// Whether to keep the parameter of that name.
    keeps: F,
) -> impl IntoView {
    let page = use_page();
    let kept = page.query.iter().filter(|(name, _)| keeps(name));
    kept.map(|(name, value)| view! { <input type="hidden" name=name.clone() value=value.clone() /> })
        .collect_view()
}
