//! A table of data.

use leptos::prelude::*;

/// A table in a box that scrolls where the window is too narrow. The keyboard can scroll it as well.
#[component]
pub fn DataTable(
    /// The content, for screen readers.
    #[prop(into)]
    label: String,
    head: AnyView,
    /// The class of the box.
    #[prop(default = "table-scroll")]
    class: &'static str,
    /// The class of the table.
    #[prop(default = "table")]
    table_class: &'static str,
    children: Children,
) -> impl IntoView {
    view! {
        <div class=class tabindex="0" role="region" aria-label=label>
            <table class=table_class>
                <thead>
                    <tr>{head}</tr>
                </thead>
                <tbody>{children()}</tbody>
            </table>
        </div>
    }
}
