//! Draws what happened, from top to bottom.

use super::history::{Note, Step};
use crate::{
    components::{Badge, Time, Tone},
    context::{encode, use_page},
};
use leptos::prelude::*;
use spillway_core::dead_letter::DeadLetterState;

/// What has become of a dead letter, in a word.
pub(crate) fn state_badge(state: &DeadLetterState) -> AnyView {
    let (tone, text) = match state {
        DeadLetterState::Archived => (Tone::Warning, "waiting"),
        DeadLetterState::Replaying { .. } => (Tone::Busy, "replaying"),
        DeadLetterState::Stored { .. } => (Tone::Good, "stored"),
        DeadLetterState::Discarded { .. } => (Tone::Neutral, "discarded"),
    };
    view! { <Badge tone=tone text=text /> }.into_any()
}

/// Steps, oldest first.
#[component]
pub(crate) fn Timeline(
    /// What happened.
    steps: Vec<Step>,
) -> impl IntoView {
    let items = steps
        .into_iter()
        .map(|step| {
            let when = step.at.map(|at| view! { <p class="timeline-when"><Time at=at absolute=true /></p> });
            view! {
                <li data-tone=step.tone.name()>
                    <p>{step.title}</p>
                    {step.notes.into_iter().map(note).collect_view()}
                    {when}
                </li>
            }
        })
        .collect_view();
    view! { <ol class="timeline">{items}</ol> }
}

fn note(note: Note) -> impl IntoView {
    match note {
        Note::Text(text) => view! { <p class="quiet small">{text}</p> }.into_any(),
        Note::Quote(text) => view! { <p class="mono dl-quote">{text}</p> }.into_any(),
        Note::Between(first, last) => view! {
            <p class="quiet small">"from " <Time at=first absolute=true /> " to " <Time at=last absolute=true /></p>
        }
        .into_any(),
        Note::Replay(id) => {
            let href = use_page().href(&format!("/replays/{}", encode(id.as_str())), "");
            view! { <p class="small"><a href=href>"See the replay"</a></p> }.into_any()
        }
    }
}
