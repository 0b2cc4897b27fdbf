//! Replays: which were started, how far each is, and what became of every message.

mod one;
pub mod words;

pub use one::ReplayDetail;

use crate::{
    components::{Badge, Count, EmptyState, StatusSentence, Time, Title, Tone, load},
    context::{encode, use_page},
    format::counted,
    pages::dead_letters::unreadable,
};
use leptos::prelude::*;
use spillway_core::{
    ports::Replays,
    replay::{Replay, ReplayState},
};
use std::sync::Arc;

/// Replays on the page, the newest.
const SHOWN: usize = 100;

/// The list of replays.
#[component]
pub fn Replays() -> impl IntoView {
    let replays = expect_context::<Arc<dyn Replays>>();
    let content = load(async move { replays.list(SHOWN).await }, |replays| match &*replays {
        Err(error) => unreadable(error).into_any(),
        Ok(replays) if replays.is_empty() => view! {
            <EmptyState title="Nothing has been replayed yet.">
                "A replay puts " <a href="/dead-letters">"dead letters"</a> " back into the queue."
            </EmptyState>
        }
        .into_any(),
        Ok(replays) => table(replays).into_any(),
    });
    view! {
        <Title text="Replays" hidden=true />
        {content}
    }
}

fn table(replays: &[Replay]) -> AnyView {
    let running = replays.iter().any(|replay| replay.state == ReplayState::Running);
    let tone = if running { Tone::Busy } else { Tone::Neutral };
    let shown = match replays.len() {
        SHOWN => format!("The newest {SHOWN} replays."),
        count => counted(count as u64, "replay", "replays"),
    };
    let sentence = words::list_sentence(replays);
    view! {
        <StatusSentence tone=tone>{sentence}</StatusSentence>
        <div class="table-scroll rp-list" tabindex="0" role="region" aria-label="Replays">
            <table class="table">
                <thead>
                    <tr>
                        <th scope="col">"Started"</th>
                        <th scope="col">"State"</th>
                        <th scope="col" class="number">"Messages"</th>
                        <th scope="col" class="number">"Stored"</th>
                        <th scope="col" class="number">"Failed again"</th>
                        <th scope="col" class="number">"Under way"</th>
                        <th scope="col" class="wide">"By"</th>
                    </tr>
                </thead>
                <tbody>{replays.iter().map(row).collect_view()}</tbody>
            </table>
        </div>
        <p class="quiet">{shown}</p>
    }
    .into_any()
}

fn row(replay: &Replay) -> AnyView {
    let href = use_page().href(&format!("/replays/{}", encode(replay.id.as_str())), "");
    view! {
        <tr data-row="" data-key=replay.id.to_string() tabindex="-1">
            <td><a href=href><Time at=replay.started_at absolute=true /></a></td>
            <td><Badge tone=words::tone(replay) text=words::label(replay) /></td>
            <td class="number"><Count value=replay.total() /></td>
            <td class="number"><Count value=replay.stored /></td>
            <td class="number"><Count value=replay.returned /></td>
            <td class="number"><Count value=replay.waiting + replay.sent /></td>
            <td class="wide">{replay.by.clone()}</td>
        </tr>
    }
    .into_any()
}
