//! Replays: the list, the progress of each, and the result for every message.

mod data;
mod view;
mod words;

use crate::{
    components::{EmptyState, Title, load_archived, one_or_none},
    context::use_page,
    ports::use_ports,
};
use data::{Detail, SHOWN};
use leptos::prelude::*;
use spillway_core::ids::ReplayId;

/// The list of replays.
#[component]
pub fn Replays() -> impl IntoView {
    let ports = use_ports();
    let replays = async move { ports.reads.replays(SHOWN).await };
    let content = load_archived(replays, |replays| match replays.is_empty() {
        true => view! {
            <EmptyState title="Nothing has been replayed yet.">
                "A replay puts " <a href="/dead-letters">"dead letters"</a> " back into the queue."
            </EmptyState>
        }
        .into_any(),
        false => view::list(replays),
    });
    view! {
        <Title text="Replays" hidden=true />
        {content}
    }
}

/// One replay.
#[component]
pub fn ReplayDetail() -> impl IntoView {
    let (page, ports) = (use_page(), use_ports());
    let id = ReplayId::new(page.path_parameter("id"));
    let content = load_archived(async move { Detail::read(&page, &id, &ports).await }, |detail| {
        one_or_none(detail, view::one, "There is no replay with this id.", "/replays")
    });
    view! {
        <Title text="Replay" hidden=true />
        {content}
    }
}
