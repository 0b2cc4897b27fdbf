//! Icons beside words. They are never alone: colour and shape only repeat the word.

use leptos::prelude::*;

/// The kinds of icons.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sign {
    /// OK.
    Check,
    /// It needs attention.
    Warning,
    /// Failed.
    Cross,
    /// In progress.
    Clock,
    /// Unknown.
    Question,
    /// Opens a menu.
    Chevron,
    /// Theme: light or dark.
    Contrast,
    /// The product's logo.
    Dam,
}

/// Draws an icon at the size of the surrounding text. Screen readers skip it, because they read the word.
#[component]
pub fn Icon(sign: Sign) -> impl IntoView {
    let path = match sign {
        Sign::Check => "M8 1.5a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13Zm3.2 4.9-3.9 4.3-2.5-2.4",
        Sign::Warning => "M8 2 1.6 13.4h12.8ZM8 6.2v3.6M8 11.4v.6",
        Sign::Cross => {
            "M5.3 1.5h5.4l3.8 3.8v5.4l-3.8 3.8H5.3l-3.8-3.8V5.3ZM5.7 5.7l4.6 4.6M10.3 5.7l-4.6 4.6"
        }
        Sign::Clock => "M8 1.5a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13ZM8 4.5V8l2.4 1.8",
        Sign::Question => {
            "M8 1.5a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13ZM6.2 6.3c.2-2.3 3.8-2.2 3.7 0-.1 1.4-1.9 1.4-1.9 2.9M8 11v.6"
        }
        Sign::Chevron => "m4.5 6.5 3.5 3.5 3.5-3.5",
        Sign::Contrast => {
            "M8 1.5a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13ZM8 1.5v13M8 4.5h4.8M8 8h6.4M8 11.5h4.8"
        }
        Sign::Dam => "M1.5 4.5h4l3 7h6M1.5 4.5v9h13M5 1.8c.8.8 1.7.8 2.5 0s1.7-.8 2.5 0",
    };
    view! {
        <svg class="icon" viewBox="0 0 16 16" aria-hidden="true" focusable="false">
            <path d=path />
        </svg>
    }
}
