//! Replays: the list, the progress of each, and the result for every message.

mod data;
mod view;
mod words;

use crate::{
    components::{EmptyState, NotFoundState, Title, UnreadableArchive, load},
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
    let content = load(async move { ports.pipeline.replays.list(SHOWN).await }, |replays| match &*replays {
        Err(error) => view! { <UnreadableArchive error=error /> }.into_any(),
        Ok(replays) if replays.is_empty() => view! {
            <EmptyState title="Nothing has been replayed yet.">
                "A replay puts " <a href="/dead-letters">"dead letters"</a> " back into the queue."
            </EmptyState>
        }
        .into_any(),
        Ok(replays) => view::list(replays),
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
    let content = load(async move { Detail::read(&page, &id, &ports).await }, |detail| match &*detail {
        Ok(Some(detail)) => view::one(detail),
        Ok(None) => view! {
            <NotFoundState title="There is no replay with this id.">
                <a href="/replays">"Go to the list"</a>
                "."
            </NotFoundState>
        }
        .into_any(),
        Err(error) => view! { <UnreadableArchive error=error /> }.into_any(),
    });
    view! {
        <Title text="Replay" hidden=true />
        {content}
    }
}
