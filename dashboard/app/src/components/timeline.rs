//! Draws a timeline, from top to bottom.

mod history;

pub use history::{Note, Step, attempt, steps};

use super::Time;
use crate::{context::use_page, links};
use leptos::prelude::*;

/// Steps, oldest first.
#[component]
pub fn Timeline(
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
            let href = links::replay(&use_page(), &id);
            view! { <p class="small"><a href=href>"See the replay"</a></p> }.into_any()
        }
    }
}
