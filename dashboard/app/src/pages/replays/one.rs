//! One replay, from its start until each message is stored or back.

use super::words;
use crate::{
    components::{Badge, Count, EmptyState, Pager, StatusSentence, Time, Title, load},
    context::{Page, use_page},
    format::{counted, duration, grouped},
    pages::dead_letters::{filters::href, unreadable, words::class_label},
};
use leptos::prelude::*;
use leptos_router::hooks::use_params_map;
use percent_encoding::percent_decode_str;
use spillway_core::{
    dead_letter::{self, DeadLetter},
    ids::ReplayId,
    ports::{ArchiveError, DeadLetters, Replays},
    replay::{Replay, ReplayItem, ReplayItemState, ReplayState},
};
use std::sync::Arc;

/// Messages on one page.
const PAGE: usize = 50;

struct Detail {
    replay: Replay,
    items: dead_letter::Page<ReplayItem>,
    /// The items' dead letters, in their order.
    letters: Vec<Option<DeadLetter>>,
}

impl Detail {
    async fn read(
        page: &Page,
        id: &ReplayId,
        replays: &dyn Replays,
        archive: &dyn DeadLetters,
    ) -> Result<Option<Self>, ArchiveError> {
        let Some(replay) = replays.get(id).await? else { return Ok(None) };
        let items = replays.items(id, page.parameter("after"), PAGE).await?;
        let mut letters = Vec::with_capacity(items.items.len());
        for item in &items.items {
            letters.push(archive.get(&item.dead_letter).await?);
        }
        Ok(Some(Self { replay, items, letters }))
    }
}

/// One replay.
#[component]
pub fn ReplayDetail() -> impl IntoView {
    let page = use_page();
    let id = use_params_map().get_untracked().get("id").unwrap_or_default();
    let id = ReplayId::new(percent_decode_str(&id).decode_utf8_lossy());
    let replays = expect_context::<Arc<dyn Replays>>();
    let archive = expect_context::<Arc<dyn DeadLetters>>();
    let content =
        load(async move { Detail::read(&page, &id, &*replays, &*archive).await }, |detail| match &*detail {
            Ok(Some(detail)) => draw(detail).into_any(),
            Ok(None) => unknown().into_any(),
            Err(error) => unreadable(error).into_any(),
        });
    view! {
        <Title text="Replay" hidden=true />
        {content}
    }
}

fn unknown() -> impl IntoView {
    if let Some(response) = use_context::<leptos_axum::ResponseOptions>() {
        response.set_status(http::StatusCode::NOT_FOUND);
    }
    view! {
        <EmptyState title="There is no replay with this id.">
            <a href="/replays">"Go to the list"</a>
            "."
        </EmptyState>
    }
}

fn draw(detail: &Detail) -> AnyView {
    let page = use_page();
    let replay = &detail.replay;
    let trouble = replay.trouble.as_ref().map(|why| {
        view! { <p class="stale-note">"Held up: " {why.clone()} ". It is tried again by itself."</p> }
    });
    let took = replay.ended_at.map(|ended| {
        let took =
            duration((ended.as_millisecond() - replay.started_at.as_millisecond()).max(0) as f64 / 1e3);
        view! { ", ended " <Time at=ended /> " after " {took} }
    });
    // With scripts the page keeps itself up to date.
    let again = (replay.state == ReplayState::Running).then(|| {
        let here = page.here();
        view! { <noscript><a class="button" href=here>"Look again"</a></noscript> }
    });
    let counts = [
        ("waiting", replay.waiting, None),
        ("on the way", replay.sent, None),
        ("stored", replay.stored, None),
        ("failed again", replay.returned, (replay.returned > 0).then_some("bad")),
    ];
    let ledger = counts
        .map(|(name, count, tone)| {
            view! { <div data-tone=tone><dt>{name}</dt><dd><Count value=count /></dd></div> }
        })
        .into_iter()
        .collect_view();
    let (items, total) = (&detail.items, detail.items.total);
    let shown = match items.items.len() as u64 {
        shown if shown == total => counted(total, "message", "messages"),
        shown => format!("{} of {}", grouped(shown), counted(total, "message", "messages")),
    };
    let first = page.parameter("after").map(|_| page.with(&[("after", None)]));
    let next = items.next.as_deref().map(|next| page.with(&[("after", Some(next))]));
    let rows = items.items.iter().zip(&detail.letters).map(|(item, letter)| row(item, letter.as_ref()));
    let (tone, sentence) = (words::tone(replay), words::sentence(replay));
    view! {
        <nav class="row dl-neighbours" aria-label="In the list"><a href="/replays">"Replays"</a></nav>
        <StatusSentence tone=tone>{sentence}</StatusSentence>
        {trouble}
        <p class="quiet">
            "Started " <Time at=replay.started_at absolute=true /> " by " {replay.by.clone()} {took} "."
        </p>
        {again}
        {progress(replay)}
        <dl class="ledger">{ledger}</dl>
        <section class="section" aria-labelledby="rp-messages">
            <h2 id="rp-messages">"Messages"</h2>
            <div class="table-scroll" tabindex="0" role="region" aria-label="Messages">
                <table class="table dl-table">
                    <thead>
                        <tr>
                            <th scope="col">"Event"</th>
                            <th scope="col">"State"</th>
                            <th scope="col" class="wide">"Failure"</th>
                            <th scope="col" class="number">"Since"</th>
                        </tr>
                    </thead>
                    <tbody>{rows.collect_view()}</tbody>
                </table>
            </div>
            <Pager shown=shown first=first next=next />
        </section>
    }
    .into_any()
}

/// A bar, drawn as SVG because widths in style attributes are not allowed here.
fn progress(replay: &Replay) -> AnyView {
    const WIDTH: f64 = 1000.0;
    let total = replay.total().max(1) as f64;
    let mut left = 0.0;
    let parts = [("stored", replay.stored), ("returned", replay.returned), ("sent", replay.sent)]
        .map(|(name, count)| {
            let width = count as f64 / total * WIDTH;
            let x = left;
            left += width;
            view! { <rect class=format!("rp-{name}") x=format!("{x:.1}") y="0" width=format!("{width:.1}") height="8" /> }
        })
        .into_iter()
        .collect_view();
    let ended = replay.state == ReplayState::Ended;
    let label = format!(
        "{} of {} have ended",
        grouped(replay.stored + replay.returned),
        counted(replay.total(), "message", "messages")
    );
    (!ended)
        .then(|| {
            view! {
                <svg
                    class="rp-progress"
                    viewBox="0 0 1000 8"
                    preserveAspectRatio="none"
                    role="img"
                    aria-label=label
                >
                    {parts}
                </svg>
            }
        })
        .into_any()
}

fn row(item: &ReplayItem, letter: Option<&DeadLetter>) -> AnyView {
    let (tone, text) = words::item(item.state);
    let id = item.dead_letter.to_string();
    let name = letter
        .and_then(|letter| letter.event_type.as_ref())
        .map_or_else(|| "unknown type".to_owned(), ToString::to_string);
    let event =
        letter.and_then(|letter| letter.key.as_ref()).map_or_else(|| id.clone(), |key| key.id.to_string());
    let failure = letter
        .filter(|_| item.state == ReplayItemState::Returned)
        .and_then(DeadLetter::last_failure)
        .map(|failure| format!("{}: {}", class_label(failure.class), failure.message));
    view! {
        <tr data-row="" data-key=id tabindex="-1">
            <td class="dl-event">
                <a href=href(&item.dead_letter, "")>{name}</a>
                <span class="mono quiet small dl-id">{event}</span>
            </td>
            <td><Badge tone=tone text=text /></td>
            <td class="wide dl-failure">{failure}</td>
            <td class="number"><Time at=item.at /></td>
        </tr>
    }
    .into_any()
}
