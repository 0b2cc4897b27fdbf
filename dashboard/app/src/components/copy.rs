//! Text that a reader may need elsewhere, such as an id or a command.

use leptos::prelude::*;

/// A text with a button that copies it. Without JavaScript there is no button, and a click selects all of the text.
#[component]
pub fn Copyable(
    /// An id that no other element of the page has.
    id: &'static str,
    /// The text.
    #[prop(into)]
    text: String,
    /// What it is, for screen readers: `the event's id`.
    what: &'static str,
) -> impl IntoView {
    let label = format!("Copy {what}");
    view! {
        <span class="copyable">
            <code class="copyable-text" id=id>{text}</code>
            <button type="button" class="copy needs-islands" data-copy=id aria-label=label>"Copy"</button>
        </span>
    }
}
