//! The list of replays, and the page of one replay.

use super::data::{Detail, SHOWN};
use super::words;
use crate::{
    components::{Badge, Count, DataTable, Pager, StatusSentence, Time, Tone, phrase},
    context::use_page,
    links,
    words::{class_label, event_names},
};
use leptos::prelude::*;
use spillway_core::{
    dead_letter::DeadLetter,
    replay::{Replay, ReplayItem, ReplayItemState, ReplayState},
};
use spillway_dashboard_words::{counted, duration, grouped};

pub(super) fn list(replays: &[Replay]) -> AnyView {
    let running = replays.iter().any(|replay| replay.state == ReplayState::Running);
    let tone = if running { Tone::Busy } else { Tone::Neutral };
    let shown = match replays.len() {
        SHOWN => format!("The newest {SHOWN} replays."),
        count => counted(count as u64, "replay", "replays"),
    };
    let sentence = words::list_sentence(replays);
    let rows = replays.iter().map(row).collect_view();
    let head = view! {
        <th scope="col">"Started"</th>
        <th scope="col">"State"</th>
        <th scope="col" class="number">"Messages"</th>
        <th scope="col" class="number">"Stored"</th>
        <th scope="col" class="number">"Failed again"</th>
        <th scope="col" class="number">"In progress"</th>
        <th scope="col" class="wide">"By"</th>
    };
    view! {
        <StatusSentence tone=tone>{sentence}</StatusSentence>
        <DataTable label="Replays" class="table-scroll rp-list" head=head.into_any()>
            {rows}
        </DataTable>
        <p class="quiet">{shown}</p>
    }
    .into_any()
}

fn row(replay: &Replay) -> AnyView {
    let href = links::replay(&use_page(), &replay.id);
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

pub(super) fn one(detail: &Detail) -> AnyView {
    let page = use_page();
    let replay = &detail.replay;
    let blocked = replay.error.as_ref().map(|why| {
        view! { <p class="stale-note">"Blocked: " {why.clone()} ". The replay retries automatically."</p> }
    });
    let took = replay.ended_at.map(|ended| {
        let took =
            duration((ended.as_millisecond() - replay.started_at.as_millisecond()).max(0) as f64 / 1e3);
        view! { ", ended " <Time at=ended /> " after " {took} }
    });
    let last_end = detail
        .items
        .items
        .iter()
        .filter(|item| matches!(item.state, ReplayItemState::Stored | ReplayItemState::Returned));
    // Of a longer list, the last to end may be on another page.
    let last_end = (detail.items.items.len() as u64 == detail.items.total)
        .then(|| last_end.map(|item| item.at).max().unwrap_or(replay.started_at));
    let stalled = words::stalled(replay, last_end, &detail.path, page.now).map(|why| {
        view! { <p class="stale-note" role="status">{phrase(&why)}</p> }
    });
    // With scripts the page refreshes automatically.
    let again = (replay.state == ReplayState::Running).then(|| {
        let here = page.here();
        view! { <noscript><a class="button" href=here>"Refresh"</a></noscript> }
    });
    let counts = [
        ("waiting", replay.waiting, None),
        ("in progress", replay.sent, None),
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
    let rows = items.items.iter().zip(&*detail.letters).map(|(item, letter)| item_row(item, letter.as_ref()));
    let rows = rows.collect_view();
    let head = view! {
        <th scope="col">"Event"</th>
        <th scope="col">"State"</th>
        <th scope="col" class="wide">"Failure"</th>
        <th scope="col" class="number">"Since"</th>
    };
    let (tone, sentence) = (words::tone(replay), words::sentence(replay));
    view! {
        <nav class="row dl-neighbours" aria-label="In the list"><a href="/replays">"Replays"</a></nav>
        <StatusSentence tone=tone>{sentence}</StatusSentence>
        {blocked}
        <p class="quiet">
            "Started " <Time at=replay.started_at absolute=true /> " by " {replay.by.clone()} {took} "."
        </p>
        {again}
        {progress(replay)}
        {stalled}
        <dl class="ledger">{ledger}</dl>
        <section class="section" aria-labelledby="rp-messages">
            <h2 id="rp-messages">"Messages"</h2>
            <DataTable label="Messages" table_class="table dl-table" head=head.into_any()>
                {rows}
            </DataTable>
            <Pager shown=shown first=first next=next />
        </section>
    }
    .into_any()
}

/// A progress bar, full when all are stored. What was only sent is hatched. It is SVG, because the content security policy
/// allows no `style` attributes.
fn progress(replay: &Replay) -> AnyView {
    const WIDTH: f64 = 1000.0;
    if replay.state == ReplayState::Ended {
        return ().into_any();
    }
    let total = replay.total().max(1) as f64;
    let mut left = 0.0;
    let parts = [("stored", replay.stored), ("returned", replay.returned), ("sent", replay.sent)].map(|(name, count)| {
        let width = count as f64 / total * WIDTH;
        let x = left;
        left += width;
        let fill = (name == "sent").then_some("url(#rp-hatch)");
        view! { <rect class=format!("rp-{name}") fill=fill x=format!("{x:.1}") y="0" width=format!("{width:.1}") height="8" /> }
    });
    let parts = parts.into_iter().collect_view();
    let label = format!(
        "{} of {} stored, {} sent and not stored yet, {} failed again",
        grouped(replay.stored),
        counted(replay.total(), "message", "messages"),
        grouped(replay.sent),
        grouped(replay.returned)
    );
    let key = [("stored", "stored"), ("sent", "sent, not stored yet"), ("returned", "failed again")].map(|(name, text)| {
        let fill = (name == "sent").then_some("url(#rp-hatch)");
        view! {
            <span>
                <svg viewBox="0 0 16 8" aria-hidden="true"><rect class=format!("rp-{name}") fill=fill width="16" height="8" /></svg>
                {text}
            </span>
        }
    });
    view! {
        <svg class="rp-progress" viewBox="0 0 1000 8" preserveAspectRatio="none" role="img" aria-label=label>
            <defs>
                <pattern id="rp-hatch" width="8" height="8" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
                    <line class="rp-hatch-line" x1="0" y1="0" x2="0" y2="8" />
                </pattern>
            </defs>
            {parts}
        </svg>
        <p class="rp-key">{key.into_iter().collect_view()}</p>
    }
    .into_any()
}

fn item_row(item: &ReplayItem, letter: Option<&DeadLetter>) -> AnyView {
    let (tone, text) = words::item(item.state);
    let id = item.dead_letter.to_string();
    let (name, event) = letter.map_or_else(|| ("unknown type".to_owned(), id.clone()), event_names);
    let failure = letter
        .filter(|_| item.state == ReplayItemState::Returned)
        .and_then(DeadLetter::last_failure)
        .map(|failure| format!("{}: {}", class_label(failure.class), failure.message));
    view! {
        <tr data-row="" data-key=id tabindex="-1">
            <td class="dl-event">
                <a href=links::dead_letter(&item.dead_letter, "")>{name}</a>
                <span class="mono quiet small dl-id">{event}</span>
            </td>
            <td><Badge tone=tone text=text /></td>
            <td class="wide dl-failure">{failure}</td>
            <td class="number"><Time at=item.at /></td>
        </tr>
    }
    .into_any()
}
