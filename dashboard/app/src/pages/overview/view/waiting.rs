//! Messages that approach the dead letter queue, and dead letters that wait for a decision.

use crate::{
    components::{Badge, EmptyState, Time, Tone, phrase},
    context::{Page, encode},
    links,
    words::MAX_FAILURE,
};
use leptos::prelude::*;
use spillway_core::dead_letter::DeadLetterGroup;
use spillway_core::failure::{FailureClass, shortened};
use spillway_dashboard_charts::{Size, receive_counts};
use spillway_dashboard_model::catalogue::Stage;
use spillway_dashboard_model::flow::{Fact, FlowSnapshot, Part, Phrase};
use spillway_dashboard_words::{counted, grouped};

/// Wide enough for three digits above each of 20 bars.
const WIDE: Size = Size { width: 480, height: 130 };

/// How many messages approach the dead letter queue, and when the first arrives there.
pub(super) fn countdown(flow: &FlowSnapshot, page: &Page) -> impl IntoView + use<> {
    let countdown = flow.countdown();
    let href = links::metrics(page, Stage::Consumer, "receive-count");
    let (from, of) = (countdown.from_attempt, countdown.max_receive_count);
    let is_known = !flow.queue.receive_counts.is_empty() || flow.queue.is_empty();
    let text = match (countdown.messages, countdown.first_at) {
        _ if !is_known => view! {
            <p>
                "The queue does not report receive counts. The consumer measures them: see  "
                <a href=href>"receive counts"</a> "."
            </p>
        }
        .into_any(),
        (0, _) => view! {
            <p class="quiet">
                "No message in the queue is at attempt " {from} " of " {of} " or beyond now. " <a href=href>"Receive counts"</a>
            </p>
        }
        .into_any(),
        (messages, first) => {
            let first = first.map(|at| phrase(&Phrase(vec![
                Part::Text(", the first one moves to the DLQ at ".to_owned()),
                Part::Moment(Fact::FirstDeadLetter, at),
            ])));
            view! {
                <p>
                    <a href=href>
                        "Attempt " {from} " or more of " {of} ": "
                        <strong class="num">{counted(messages, "message", "messages")}</strong>
                    </a>
                    {first}
                    "."
                </p>
            }
            .into_any()
        }
    };
    let drawn =
        countdown.by_attempt.iter().any(|count| *count > 0).then(|| by_attempt(&countdown.by_attempt));
    view! {
        <section aria-labelledby="countdown">
            <h2 id="countdown">"Countdown to the dead letter queue"</h2>
            {text}
            {drawn}
        </section>
    }
}

/// One drawing for each width: the text of the wide one would be too small on a phone.
fn by_attempt(counts: &[u64]) -> impl IntoView + use<> {
    let [wide, narrow] = [WIDE, Size::PHONE].map(|size| receive_counts(counts, Size { height: 130, ..size }));
    view! {
        <div class="countdown-bars chart-when-wide" inner_html=wide></div>
        <div class="countdown-bars chart-when-narrow" inner_html=narrow></div>
        <p class="quiet small">"Messages in the queue by attempt"</p>
    }
}

/// The newest dead letters, grouped by reason.
pub(super) fn dead_letters(flow: &FlowSnapshot) -> impl IntoView + use<> {
    let newest = flow.newest.clone();
    let waiting = flow.ledger.dead_lettered();
    let replays = match flow.ledger.replaying {
        0 => Phrase::new("No replay is running"),
        _ => Phrase::default().count(Fact::Replaying, flow).text(" being replayed"),
    };
    let list = if newest.is_empty() && waiting == 0 {
        view! { <EmptyState title="No dead letters.">"Every event was stored or is being retried."</EmptyState> }
            .into_any()
    } else {
        let rows = newest.into_iter().map(group).collect_view();
        let noun = if waiting == 1 { " dead letter" } else { " dead letters" };
        let all = phrase(&Phrase::new("All ").count(Fact::DeadLetters, flow).text(noun));
        let replays = phrase(&replays);
        view! {
            <ul class="dead-letter-groups">{rows}</ul>
            <p class="row"><a href="/dead-letters">{all}</a> <a href="/replays">{replays}</a></p>
        }
        .into_any()
    };
    view! {
        <section class="section" aria-labelledby="newest-dead-letters">
            <h2 id="newest-dead-letters">"Newest dead letters"</h2>
            {list}
        </section>
    }
}

fn group(group: DeadLetterGroup) -> impl IntoView {
    let href = format!("/dead-letters?group={}", encode(group.fingerprint.as_str()));
    let kind = group.event_type.as_ref().map_or("several types", |one| one.as_str()).to_owned();
    let more = match group.count {
        0 | 1 => None,
        count => Some(format!("{} more, the newest  ", grouped(count - 1))),
    };
    view! {
        <li data-key=group.fingerprint.to_string()>
            <Badge tone=Tone::Neutral text=class_words(group.class) />
            <span class="dead-letter-type mono">{kind}</span>
            <a class="dead-letter-reason" href=href>{shortened(&group.message, MAX_FAILURE)}</a>
            <span class="dead-letter-when">{more} <Time at=group.last_at /></span>
        </li>
    }
}

/// The kind of failure in a word or two.
fn class_words(class: FailureClass) -> &'static str {
    match class {
        FailureClass::Malformed => "malformed",
        FailureClass::Schema => "breaks its schema",
        FailureClass::TooLarge => "too large",
        FailureClass::StoreThrottled => "throttled",
        FailureClass::StoreUnavailable => "table unavailable",
        FailureClass::StoreTimeout => "table too slow",
        FailureClass::ConsumerCrash => "consumer crashed",
        FailureClass::Unprocessed => "never received",
    }
}
