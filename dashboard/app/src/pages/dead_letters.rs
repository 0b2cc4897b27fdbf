//! Dead letters: what failed and why, whether a replay would succeed now, and actions.
//!
//! | address | page |
//! |---|---|
//! | `/dead-letters` | groups and messages, with filters in the URL |
//! | `/dead-letters/ID` | one message: its body and its history |
//! | `/dead-letters/replay`, `/dead-letters/discard` | confirmation, with the expected result |
//!
//! Forms send to [`actions`].

mod actions;
mod data;
mod view;
mod words;

use crate::{
    components::{EmptyState, FormError, Title, load_archived, one_or_none},
    context::use_page,
    ports::use_ports,
};
use actions::{DISCARD, REPLAY, RESTORE};
use data::{Chosen, List, One, Selection};
use leptos::prelude::*;
use spillway_core::{failure::shortened, ids::MessageId};
use std::sync::Arc;

/// Bytes of an id in a title.
const MAX_ID: usize = 60;

/// The list of dead letters.
#[component]
pub fn DeadLetters() -> impl IntoView {
    let (page, ports) = (use_page(), use_ports());
    let asked = Arc::clone(&page);
    let list = async move { List::read(&asked, &ports.reads).await };
    let content = load_archived(list, view::list);
    view! {
        <Title text="Dead letters" hidden=true />
        <FormError action=REPLAY />
        <FormError action=DISCARD />
        <FormError action=RESTORE />
        {view::done_notice(&page)}
        {content}
    }
}

/// One dead letter.
#[component]
pub fn DeadLetterPage() -> impl IntoView {
    let (page, ports) = (use_page(), use_ports());
    let id = MessageId::new(page.path_parameter("id"));
    let title = format!("Dead letter {}", shortened(id.as_str(), MAX_ID));
    let content = load_archived(async move { One::read(&page, &id, &ports).await }, |one| {
        one_or_none(one, view::one, "There is no dead letter with this id.", "/dead-letters")
    });
    view! {
        <Title text=title hidden=true />
        <FormError action=REPLAY />
        <FormError action=RESTORE />
        {content}
    }
}

/// The confirmation of a replay, with the expected result.
#[component]
pub fn ReplayPage() -> impl IntoView {
    let ports = use_ports();
    let rate = ports.pipeline.settings.replay_rate_per_s;
    let path = async move { ports.replay_path().await };
    view! {
        <Title text="Replay dead letters" />
        <FormError action=REPLAY />
        {chosen(path, move |chosen, path| view::replay_form(chosen, path, rate))}
    }
}

/// The confirmation of a discard, with a field for the reason.
#[component]
pub fn DiscardPage() -> impl IntoView {
    view! {
        <Title text="Discard dead letters" />
        <FormError action=DISCARD />
        {chosen(async {}, |chosen, ()| view::discard_form(chosen))}
    }
}

/// The selection, if any of its messages is in the archive, with what else is read for the form.
fn chosen<T: Send + Sync + 'static>(
    more: impl Future<Output = T> + Send + 'static,
    draw: impl Fn(&Chosen, &T) -> AnyView + Clone + Send + Sync + 'static,
) -> impl IntoView {
    let (page, ports) = (use_page(), use_ports());
    // The error of a form is in the address, and must be seen.
    if let Some(fixed) = Selection::fixed(&page).filter(|_| page.failed.is_none()) {
        leptos_axum::redirect(&fixed);
    }
    let chosen = async move {
        let (chosen, more) = futures::join!(Chosen::read(&page, &ports.reads), more);
        Ok((chosen?, more))
    };
    load_archived(chosen, move |(chosen, more)| match chosen {
        chosen if chosen.selection.is_none() => view! {
            <EmptyState title="No message was selected.">
                <a href=view::origin()>"Go back to the list"</a>
                " and select messages."
            </EmptyState>
        }
        .into_any(),
        chosen if chosen.waiting == 0 => view! {
            <EmptyState title="None of these messages is in the archive now.">
                "They were replayed or discarded in the meantime.  "
                <a href=view::origin()>"Go back to the list"</a>
                "."
            </EmptyState>
        }
        .into_any(),
        chosen => draw(chosen, more),
    })
}
