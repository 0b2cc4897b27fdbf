//! Tabs: views of the same page.

use leptos::prelude::*;

/// One tab.
pub struct Tab {
    /// Its link.
    pub href: String,
    /// Whether it is the current one.
    pub is_current: bool,
    /// Its name, and for example a count.
    pub content: AnyView,
}

/// A row of tabs.
#[component]
pub fn Tabs(
    /// Their purpose, for screen readers.
    label: &'static str,
    /// The class of their box.
    #[prop(default = "tabs")]
    class: &'static str,
    /// The value of `aria-current`: `page` where each tab is a separate page.
    #[prop(default = "true")]
    current: &'static str,
    tabs: Vec<Tab>,
) -> impl IntoView {
    let tabs = tabs.into_iter().map(|tab| {
        let is_current = tab.is_current.then_some(current);
        view! { <a href=tab.href aria-current=is_current>{tab.content}</a> }
    });
    view! { <nav class=class aria-label=label>{tabs.collect_view()}</nav> }
}
