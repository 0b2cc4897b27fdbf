//! The verdict in sentences, and the ledger that proves the first of them.

use crate::{
    components::{Count, Icon, StatusSentence, Time},
    context::Page,
    links, stages,
};
use leptos::prelude::*;
use spillway_dashboard_model::catalogue::Stage;
use spillway_dashboard_model::flow::{FlowSnapshot, Sentence, State};

/// The first sentence large, the others below. Each has an action and a link to its evidence.
pub(super) fn sentences(sentences: &[Sentence], page: &Page) -> impl IntoView + use<> {
    let first = sentences.first().cloned().map(|first| {
        let todo = first.todo.map(|todo| view! { <p class="answer-todo">{todo}</p> });
        // A first sentence that is OK needs no link.
        let verdict = match first.state {
            State::Ok => first.text.into_any(),
            _ => view! { <a href=links::target(page, &first.target)>{first.text}</a> }.into_any(),
        };
        view! {
            <StatusSentence tone=stages::tone(first.state)>{verdict}</StatusSentence>
            {todo}
        }
    });
    let others = sentences.iter().skip(1).map(|sentence| item(sentence, page)).collect_view();
    let others = (sentences.len() > 1).then(|| view! { <ul class="answer-list">{others}</ul> });
    view! { <section class="answer" aria-label="Status">{first} {others}</section> }
}

fn item(sentence: &Sentence, page: &Page) -> impl IntoView + use<> {
    let tone = stages::tone(sentence.state);
    let (sign, word) = stages::sign(tone);
    let href = links::target(page, &sentence.target);
    let todo = sentence.todo.clone().map(|todo| view! { <span class="answer-todo">" " {todo}</span> });
    view! {
        <li data-tone=tone.name()>
            <Icon sign=sign />
            <p>
                <span class="visually-hidden">{word} ": "</span>
                <a href=href>{sentence.text.clone()}</a>
                {todo}
            </p>
        </li>
    }
}

/// One number of the ledger.
struct LedgerEntry {
    name: &'static str,
    title: &'static str,
    count: u64,
    href: Option<String>,
    tone: Option<&'static str>,
    /// One of the three numbers that a phone shows first.
    is_vital: bool,
}

/// Every accepted event is in exactly one of these places. The difference is unaccounted.
pub(super) fn ledger(flow: &FlowSnapshot, page: &Page) -> impl IntoView + use<> {
    let ledger = &flow.ledger;
    let unaccounted = ledger.unaccounted();
    let metrics = |stage, anchor| Some(links::metrics(page, stage, anchor));
    let place =
        |name, title, count, href| LedgerEntry { name, title, count, href, tone: None, is_vital: false };
    let warn = |count: u64| (count > 0).then_some("warning");
    let places = [
        place(
            "accepted",
            "Events that the API answered with 202, from the beginning.",
            ledger.accepted,
            metrics(Stage::Queue, "sent"),
        ),
        place("stored", "Events in the table.", ledger.stored, metrics(Stage::Consumer, "records")),
        place("queued", "In the queue, to be received.", ledger.queued, metrics(Stage::Queue, "visible")),
        place(
            "in flight",
            "Received and not settled: being processed, or waiting for the next attempt.",
            ledger.in_flight,
            metrics(Stage::Queue, "not-visible"),
        ),
        LedgerEntry {
            tone: warn(ledger.dead_lettered()),
            is_vital: true,
            ..place(
                "dead-lettered",
                "In the dead letter queue or in the archive, until an operator replays or discards them.",
                ledger.dead_lettered(),
                Some("/dead-letters".to_owned()),
            )
        },
        place(
            "replaying",
            "Put back from the archive, neither stored nor back yet.",
            ledger.replaying,
            Some("/replays".to_owned()),
        ),
        place(
            "discarded",
            "Discarded by an operator, with a reason.",
            ledger.discarded,
            Some("/dead-letters?state=discarded".to_owned()),
        ),
        LedgerEntry {
            tone: (unaccounted != 0).then_some("bad"),
            is_vital: true,
            ..place(
                if unaccounted < 0 { "too many" } else { "unaccounted" },
                "Accepted minus the sum of all places. It must be 0.",
                unaccounted.unsigned_abs(),
                None,
            )
        },
    ];
    let places = places.into_iter().map(number).collect_view();
    let oldest = match flow.queue.oldest_sent_at {
        Some(sent) => {
            let href = links::metrics(page, Stage::Queue, "age");
            view! { <a class="num-link" href=href><Time at=sent /></a> }.into_any()
        }
        None => view! { <span class="num none" title="No message is in the queue.">"none"</span> }.into_any(),
    };
    view! {
        <dl class="ledger places" aria-label="Where the accepted events are">
            {places}
            <div class="vital" title="When the oldest message in the queue was sent, at any receive count.">
                <dt>"oldest"</dt>
                <dd>{oldest}</dd>
            </div>
        </dl>
    }
}

fn number(place: LedgerEntry) -> impl IntoView {
    let LedgerEntry { name, title, count, href, tone, is_vital } = place;
    let value = match href {
        Some(href) => view! { <Count value=count href=href /> }.into_any(),
        None => view! { <Count value=count /> }.into_any(),
    };
    view! {
        <div class:vital=is_vital data-tone=tone title=title>
            <dt>{name}</dt>
            <dd>{value}</dd>
        </div>
    }
}
