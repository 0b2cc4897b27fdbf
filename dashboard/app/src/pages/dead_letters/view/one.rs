//! One dead letter: its body and its history.

use super::{
    state_badge,
    why::{breakdown, compared, why},
};
use crate::{
    components::{Body, Copyable, Fact, Facts, StatusSentence, Time, Timeline, Tone, steps},
    context::{Page, encode, use_page},
    links,
    pages::dead_letters::{
        actions::{REPLAY, RESTORE},
        data::{Neighbour, One, carried, caveats},
        words::one_sentence,
    },
};
use leptos::prelude::*;
use spillway_core::{
    dead_letter::{DeadLetter, DeadLetterState},
    trace::TraceHeader,
};
use spillway_dashboard_words::grouped;

pub(in crate::pages::dead_letters) fn one(detail: &One) -> AnyView {
    let page = use_page();
    let letter = &detail.letter;
    let tone = match letter.state {
        DeadLetterState::Archived => Tone::Warning,
        DeadLetterState::Replaying { .. } => Tone::Busy,
        DeadLetterState::Stored { .. } => Tone::Good,
        DeadLetterState::Discarded { .. } => Tone::Neutral,
    };
    let sentence = one_sentence(letter);
    view! {
        {neighbours(detail, &page)}
        <StatusSentence tone=tone>{sentence}</StatusSentence>
        {why(&detail.why, &page, !letter.is_lost)}
        {actions(detail, &page)}
        <div class="split dl-detail">
            <div class="stack">
                {detail.why.explanation.compared.as_ref().map(|other| compared(other, &page))}
                <Body text=letter.body.clone() failing=detail.why.explanation.place.clone() />
                {attributes(letter)}
            </div>
            <div class="stack">
                <section aria-labelledby="dl-history">
                    <h2 id="dl-history">"History"</h2>
                    <Timeline steps=steps(letter, &detail.audit) />
                </section>
                {facts(letter, &page)}
                {detail.why.spread.as_ref().map(|spread| breakdown(spread, &page))}
            </div>
        </div>
    }
    .into_any()
}

fn neighbours(detail: &One, page: &Page) -> AnyView {
    let carried = carried(page);
    let list = links::with_query("/dead-letters", &carried);
    let link = |other: &Option<Neighbour>, rel: &'static str, text: &'static str| {
        let href = other.as_ref().map(|other| links::dead_letter(&other.id, &other.carried));
        href.map(|href| view! { <a href=href rel=rel>{text}</a> })
    };
    let number = detail.number.map(|(number, of)| {
        view! { <span class="quiet">{format!("{} of {}", grouped(number), grouped(of))}</span> }
    });
    view! {
        <nav class="row dl-neighbours" aria-label="In the list">
            <a href=list>"Dead letters"</a>
            {link(&detail.previous, "prev", "Previous")}
            {link(&detail.next, "next", "Next")}
            {number}
        </nav>
    }
    .into_any()
}

fn actions(detail: &One, page: &Page) -> AnyView {
    let letter = &detail.letter;
    let id = letter.id.to_string();
    match &letter.state {
        DeadLetterState::Archived => {
            let preflight = detail.preflight.clone().unwrap_or_default();
            let reason = preflight.reasons.first().map(|(reason, _)| {
                view! { " " <span class="mono">{reason.clone()}</span> }
            });
            let caveats = caveats(std::slice::from_ref(letter))
                .into_iter()
                .map(|text| view! { <p class="quiet">{text}</p> })
                .collect_view();
            let class = if preflight.failing() == 0 { "button primary" } else { "button" };
            let discard = format!("/dead-letters/discard?id={}&back={}", encode(&id), encode(&page.here()));
            view! {
                <div class="panel stack dl-actions" data-tone=preflight.tone().name()>
                    <p>{preflight.sentence()} {reason}</p>
                    {caveats}
                    <form method="post" action=REPLAY class="row">
                        <input type="hidden" name="ids[]" value=id.clone() />
                        <input type="hidden" name="first" value=id />
                        <button class=class>"Replay this message"</button>
                        <a class="button" href=discard>"Discard…"</a>
                    </form>
                </div>
            }
            .into_any()
        }
        DeadLetterState::Replaying { replay_id } | DeadLetterState::Stored { replay_id, .. } => {
            let href = links::replay(page, replay_id);
            view! { <p class="row"><a class="button" href=href>"See the replay"</a></p> }.into_any()
        }
        DeadLetterState::Discarded { reason, at, .. } => view! {
            <div class="panel stack dl-actions">
                <p><Time at=*at /> ": " {reason.clone()}</p>
                <form method="post" action=RESTORE class="row">
                    <input type="hidden" name="ids[]" value=id />
                    <input type="hidden" name="back" value=page.here() />
                    <button class="button primary">"Restore this message"</button>
                </form>
            </div>
        }
        .into_any(),
    }
    .into_any()
}

fn attributes(letter: &DeadLetter) -> AnyView {
    let facts =
        letter.attributes.iter().map(|(name, value)| Fact::attribute(name, value.to_string())).collect();
    let content = if letter.attributes.is_empty() {
        view! { <p class="quiet">"The message has none."</p> }.into_any()
    } else {
        view! { <Facts facts=facts /> }.into_any()
    };
    view! {
        <section aria-labelledby="dl-attributes">
            <h2 id="dl-attributes">"Message attributes"</h2>
            {content}
        </section>
    }
    .into_any()
}

fn facts(letter: &DeadLetter, page: &Page) -> AnyView {
    let mut facts = vec![Fact::new("State", state_badge(&letter.state))];
    if letter.is_lost {
        facts.push(Fact::new("Content", "Gone from the archive. spillway dlq recover restores it."));
    }
    if letter.is_foreign {
        facts.push(Fact::new("Origin", "Put into a queue past the API."));
    }
    facts.extend(letter.event_type.as_ref().map(|name| {
        let same = format!("/dead-letters?type={}", encode(name.as_str()));
        Fact::new("Type", view! { <a href=same>{name.to_string()}</a> })
    }));
    if let Some(key) = &letter.key {
        let source = encode(key.source.as_str());
        let link = page.href(&format!("/events/{}", encode(key.id.as_str())), &format!("source={source}"));
        let id = view! { <Copyable id="copy-event" text=key.id.to_string() what="the event's id" /> };
        facts.push(Fact::code("Event", view! { {id} " " <a href=link>"See the event"</a> }));
        facts.push(Fact::code("Source", key.source.to_string()));
    }
    let message = view! { <Copyable id="copy-message" text=letter.id.to_string() what="the message's id" /> };
    facts.push(Fact::code("Message", message));
    facts.push(Fact::new("Receives", letter.receive_count));
    facts.push(Fact::new("Replays", letter.replays.len()));
    let trace = letter.trace_header.as_deref().and_then(TraceHeader::parse);
    facts.extend(trace.map(|header| Fact::code("Trace", header.root)));
    let alike = format!("/dead-letters?group={}", encode(letter.fingerprint.as_str()));
    facts.push(Fact::new("Group", view! { <a href=alike>"Same failure"</a> }));
    view! {
        <section aria-labelledby="dl-facts">
            <h2 id="dl-facts">"Facts"</h2>
            <Facts facts=facts />
        </section>
    }
    .into_any()
}
