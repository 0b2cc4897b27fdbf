//! Forms that narrow what a page shows. What they ask for is in the URL.

use crate::context::use_page;
use leptos::prelude::*;

/// Fields that narrow a list, with buttons to filter and to clear the filters.
#[component]
pub fn FilterForm(
    /// The list's path.
    action: &'static str,
    /// The form's class.
    class: &'static str,
    /// What it filters, for screen readers.
    label: &'static str,
    /// Parameters of the page that stay.
    keep: &'static [&'static str],
    /// The list without these filters, if there are any.
    clear: Option<String>,
    /// The fields.
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

/// Parameters of the page's query that stay when a form is sent: a form's own query replaces the address's.
#[component]
pub fn HiddenQuery<F: Fn(&str) -> bool + Send + 'static>(
    /// Whether the parameter of that name stays.
    keeps: F,
) -> impl IntoView {
    let page = use_page();
    let kept = page.query.iter().filter(|(name, _)| keeps(name));
    kept.map(|(name, value)| view! { <input type="hidden" name=name.clone() value=value.clone() /> })
        .collect_view()
}
