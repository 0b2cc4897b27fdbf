//! The pages of dead letters.

mod confirm;
mod list;
mod messages;
mod notice;
mod one;
mod why;

pub(super) use confirm::{discard_form, origin, replay_form};
pub(super) use list::list;
pub(super) use notice::done_notice;
pub(super) use one::one;

use crate::components::{Badge, Tone};
use leptos::prelude::*;
use spillway_core::dead_letter::DeadLetterState;

/// The state of a dead letter, in a word.
fn state_badge(state: &DeadLetterState) -> AnyView {
    let (tone, text) = match state {
        DeadLetterState::Archived => (Tone::Warning, "waiting"),
        DeadLetterState::Replaying { .. } => (Tone::Busy, "replaying"),
        DeadLetterState::Stored { .. } => (Tone::Good, "stored"),
        DeadLetterState::Discarded { .. } => (Tone::Neutral, "discarded"),
    };
    view! { <Badge tone=tone text=text /> }.into_any()
}
