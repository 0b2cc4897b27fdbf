//! Dead letters: what failed and why, whether it would work now, and how to put it back.
//!
//! | address | page |
//! |---|---|
//! | `/dead-letters` | groups and messages, with filters in the URL ([`filters`]) |
//! | `/dead-letters/ID` | one message: its body, and what happened to it ([`history`]) |
//! | `/dead-letters/replay`, `/dead-letters/discard` | what would be done, before it is done ([`confirm`]) |
//!
//! Forms send to [`actions`].

mod actions;
mod body;
mod confirm;
mod detail;
pub mod filters;
pub(crate) mod history;
mod json;
mod list;
mod list_filters;
mod list_messages;
mod list_view;
mod notice;
mod outlook;
mod timeline;
mod wanted;
pub mod words;

pub use confirm::{DiscardPage, ReplayPage};
pub use detail::DeadLetterPage;
pub use list_view::DeadLetters;

pub(crate) use body::Body;
pub(crate) use timeline::Timeline;

use crate::components::ErrorState;
use leptos::prelude::*;
use spillway_core::ports::ArchiveError;

/// Data that could not be read, in words; the cause goes to the log.
pub(crate) fn unreadable(error: &ArchiveError) -> AnyView {
    tracing::warn!(error = %error, "dead letters or replays could not be read for a page");
    view! {
        <ErrorState title="The dead letters cannot be read just now." retry=true>
            "The archive does not answer. Nothing is lost by that; the page tries again by itself."
        </ErrorState>
    }
    .into_any()
}
