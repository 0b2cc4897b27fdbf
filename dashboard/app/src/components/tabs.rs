//! Tabs: views of the same page.

use leptos::prelude::*;

/// One tab.
pub struct Tab {
    /// Where it leads.
    pub href: String,
    /// Whether it is shown now.
    pub is_current: bool,
    /// Its name, and what belongs to it.
    pub content: AnyView,
}

/// Tabs, side by side.
#[component]
pub fn Tabs(
    /// What they choose, for screen readers.
    label: &'static str,
    /// The class of their box.
    #[prop(default = "tabs")]
    class: &'static str,
    /// What the current one is called to screen readers: `page` where each tab is a page of its own.
    #[prop(default = "true")]
    current: &'static str,
    /// In their order.
    tabs: Vec<Tab>,
) -> impl IntoView {
    let tabs = tabs.into_iter().map(|tab| {
        let is_current = tab.is_current.then_some(current);
        view! { <a href=tab.href aria-current=is_current>{tab.content}</a> }
    });
    view! { <nav class=class aria-label=label>{tabs.collect_view()}</nav> }
}
