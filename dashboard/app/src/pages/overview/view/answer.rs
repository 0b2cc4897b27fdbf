//! The verdict as a card, and the ledger that proves that nothing is lost.

use crate::{
    components::{Count, Icon, phrase},
    context::Page,
    links, stages,
};
use leptos::prelude::*;
use spillway_dashboard_model::catalogue::Stage;
use spillway_dashboard_model::flow::{Fact, FlowSnapshot, Incident, Part, Phrase, Sentence, State, Verdict};
use spillway_dashboard_words::{counted, duration};

/// The verdict as a card: state, loss, deadline, what to do. What the same cause explains is folded under it. Below the card is
/// what else is true.
pub(super) fn verdict(verdict: &Verdict, page: &Page) -> AnyView {
    let tone = stages::verdict_tone(verdict.state);
    let (sign, _) = stages::sign(tone);
    let after = verdict.after.as_ref().map(|after| view! { <p class="verdict-note">{phrase(after)}</p> });
    let (lines, after) = (lines(verdict, page), after.into_any());
    let incidents = verdict.incidents.iter().skip(1).map(|incident| other_incident(incident, page));
    let others = verdict.others.iter().map(|sentence| item(sentence, page).into_any());
    let others: Vec<AnyView> = incidents.chain(others).collect();
    let others = (!others.is_empty()).then(|| view! { <ul class="answer-list verdict-others">{others}</ul> });
    let card = view! {
        <section class="verdict" data-tone=tone.name() aria-label="Verdict">
            <Icon sign=sign />
            <div class="verdict-body">{lines} {after} {evidence(verdict)} {symptoms(verdict, page)}</div>
        </section>
    };
    view! { {card.into_any()} {others.into_any()} }.into_any()
}

/// The four lines.
fn lines(verdict: &Verdict, page: &Page) -> AnyView {
    let text = phrase(&verdict.text);
    // A healthy pipeline needs no link.
    let text = match verdict.target() {
        Some(target) => view! { <a href=links::target(page, &target)>{text}</a> }.into_any(),
        None => text,
    };
    let word = format!("{}: ", stages::verdict_word(verdict.state));
    let loss = (verdict.loss.state != State::Ok).then_some("bad");
    let runbook = verdict.action.runbook.map(|name| {
        let href = page.href(&format!("/runbooks/{name}"), "");
        view! { " Runbook: " <a class="verdict-runbook" href=href>{name}</a> }
    });
    let (deadline, loss_text) = (phrase(&verdict.deadline), phrase(&verdict.loss.text));
    let runbook = runbook.into_any();
    view! {
        <dl class="verdict-lines">
            <div class="verdict-state">
                <dt class="visually-hidden">"State"</dt>
                <dd><span class="verdict-word">{word}</span> {text}</dd>
            </div>
            <div data-tone=loss class="verdict-loss"><dt>"Loss"</dt><dd>{loss_text}</dd></div>
            <div><dt>"Deadline"</dt><dd>{deadline}</dd></div>
            <div><dt>"Do"</dt><dd>{verdict.action.text.clone()} {runbook}</dd></div>
        </dl>
    }
    .into_any()
}

/// What the same cause explains, folded.
fn symptoms(verdict: &Verdict, page: &Page) -> AnyView {
    let items: Vec<AnyView> =
        verdict.symptoms.iter().map(|sentence| item(sentence, page).into_any()).collect();
    if items.is_empty() {
        return ().into_any();
    }
    let title = counted(items.len() as u64, "symptom of the same cause", "symptoms of the same cause");
    view! {
        <details class="verdict-symptoms" id="verdict-symptoms">
            <summary>{title}</summary>
            <ul class="answer-list">{items}</ul>
        </details>
    }
    .into_any()
}

/// How old the evidence is: a verdict that is not of now must say so.
fn evidence(verdict: &Verdict) -> AnyView {
    let text = match verdict.evidence_age_s {
        Some(age) => format!("Evidence: {} old", duration(age as f64)),
        None => "Evidence: averages over minutes. The last outcomes are not known.".to_owned(),
    };
    view! { <p class="verdict-note" data-evidence-age=verdict.evidence_age_s>{text}</p> }.into_any()
}

/// An incident with another cause.
fn other_incident(incident: &Incident, page: &Page) -> AnyView {
    let tone = stages::verdict_tone(incident.state);
    let (sign, word) = stages::sign(tone);
    let href = links::target(page, &incident.cause.target());
    let todo = incident.action.text.clone();
    view! {
        <li data-tone=tone.name()>
            <Icon sign=sign />
            <p>
                <span class="visually-hidden">{word} ": "</span>
                <a href=href>{phrase(&incident.text)}</a>
                <span class="answer-todo">" " {todo}</span>
            </p>
        </li>
    }
    .into_any()
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
                <a href=href>{phrase(&sentence.text)}</a>
                {todo}
            </p>
        </li>
    }
}

/// One number of the ledger.
struct LedgerEntry {
    name: &'static str,
    title: &'static str,
    fact: Fact,
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
        |name, title, fact, href| LedgerEntry { name, title, fact, href, tone: None, is_vital: false };
    let warn = |count: u64| (count > 0).then_some("warning");
    let places = [
        place(
            "accepted",
            "Events that the API answered with 202, from the beginning.",
            Fact::Accepted,
            metrics(Stage::Ingest, "accepted"),
        ),
        place("stored", "Events in the table.", Fact::Stored, metrics(Stage::Consumer, "records")),
        place("queued", "In the queue, to be received.", Fact::Queued, metrics(Stage::Queue, "visible")),
        place(
            "in flight",
            "Received and not settled: being processed, or waiting for the next attempt.",
            Fact::InFlight,
            metrics(Stage::Queue, "not-visible"),
        ),
        LedgerEntry {
            tone: warn(ledger.dead_lettered()),
            is_vital: true,
            ..place(
                "dead-lettered",
                "In the dead letter queue or in the archive, until an operator replays or discards them.",
                Fact::DeadLetters,
                Some("/dead-letters".to_owned()),
            )
        },
        place(
            "replaying",
            "Put back from the archive, neither stored nor back yet.",
            Fact::Replaying,
            Some("/replays".to_owned()),
        ),
        place(
            "discarded",
            "Discarded by an operator, with a reason.",
            Fact::Discarded,
            Some("/dead-letters?state=discarded".to_owned()),
        ),
        LedgerEntry {
            tone: (unaccounted != 0).then_some("bad"),
            is_vital: true,
            ..place(
                if unaccounted < 0 { "too many" } else { "unaccounted" },
                "Accepted minus the sum of all places. It must be 0.",
                Fact::Unaccounted,
                None,
            )
        },
    ];
    let places = places.into_iter().map(|place| number(place, flow)).collect_view();
    let oldest = match flow.queue.oldest_sent_at {
        Some(sent) => {
            let href = links::metrics(page, Stage::Queue, "oldest");
            let oldest = phrase(&Phrase(vec![Part::Ago(Fact::Oldest, sent)]));
            view! { <a class="num-link" href=href>{oldest}</a> }.into_any()
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

fn number(place: LedgerEntry, flow: &FlowSnapshot) -> impl IntoView + use<> {
    let LedgerEntry { name, title, fact, href, tone, is_vital } = place;
    let count = fact.count(flow).unwrap_or(0);
    let value = match href {
        Some(href) => view! { <Count value=count fact=fact href=href /> }.into_any(),
        None => view! { <Count value=count fact=fact /> }.into_any(),
    };
    view! {
        <div class:vital=is_vital data-tone=tone title=title>
            <dt>{name}</dt>
            <dd>{value}</dd>
        </div>
    }
}
