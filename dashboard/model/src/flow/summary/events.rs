//! Sentences about events: whether any is lost, and where they are stuck.

use super::{Sentence, State, Target};
use crate::catalogue::Stage;
use crate::flow::{Fact, FlowSnapshot, Part, Phrase};
use crate::words::{ago, quoted, until};
use jiff::Timestamp;
use spillway_core::ledger::Uncertainty;
use spillway_dashboard_words::{counted, grouped};

pub(in crate::flow) fn accounted(flow: &FlowSnapshot) -> Sentence {
    let accepted = flow.ledger.accepted;
    let unaccounted = flow.ledger.unaccounted();
    let target = Target::Metrics(Stage::Queue);
    if unaccounted > 0 {
        let (events, are) = if unaccounted == 1 { ("event", "is") } else { ("events", "are") };
        let text = Phrase::default()
            .count(Fact::Unaccounted, flow)
            .text(format!(" {events} of "))
            .count(Fact::Accepted, flow)
            .text(format!(" accepted {are} unaccounted for."));
        return Sentence::new(State::Bad, text, target).todo(
            "Purge no queue, and do not change the data. Messages older than the queue's retention are lost. \
             Otherwise this is a defect in Spillway: read the log from the time when the number rose.",
        );
    }
    if unaccounted < 0 {
        let events = if unaccounted == -1 { "event" } else { "events" };
        let text = Phrase::new("The ledger finds ")
            .count(Fact::Unaccounted, flow)
            .text(format!(" {events} more than the "))
            .count(Fact::Accepted, flow)
            .text(" accepted.");
        return Sentence::new(State::Bad, text, target)
            .todo(
                "No event is missing. Did somebody put messages into the queue past the API? They are counted when they \
                 have left it. Otherwise some are counted twice. That is a defect in Spillway: do not change the data.",
            );
    }
    match accepted {
        0 => Sentence::new(State::Ok, "No events have been accepted yet.", Target::Metrics(Stage::Api)),
        1 => Sentence::new(State::Ok, "The one event accepted is accounted for.", target),
        _ => Sentence::new(
            State::Ok,
            Phrase::new("All ")
                .count(Fact::Accepted, flow)
                .text(format!(" events accepted are accounted for{}.", bound(flow))),
            target,
        ),
    }
}

/// The error bound in words; empty if the numbers are exact.
pub(in crate::flow) fn bound(flow: &FlowSnapshot) -> String {
    let Uncertainty { moving, repeated, in_doubt } = flow.ledger.uncertainty;
    let reasons = [
        (moving, "moved in the last minutes"),
        (repeated, "may be counted twice"),
        (in_doubt, "may have arrived without a promise"),
    ];
    let reasons: Vec<_> = reasons.into_iter().filter(|(count, _)| *count > 0).map(|(_, why)| why).collect();
    if reasons.is_empty() {
        return String::new();
    }
    let why = reasons.join(" or ");
    format!(", give or take {} that {why}", grouped(flow.ledger.uncertainty.total()))
}

pub(in crate::flow) fn dead_lettered(flow: &FlowSnapshot) -> Option<Sentence> {
    let waiting = flow.ledger.dead_lettered();
    if waiting == 0 {
        return None;
    }
    let wait = if waiting == 1 { " dead letter waits" } else { " dead letters wait" };
    let text = Phrase::default().count(Fact::DeadLetters, flow).text(format!("{wait} for a decision."));
    let Some(largest) = flow.groups.first() else {
        return Some(Sentence::new(State::Warn, text, Target::DeadLetters(None)));
    };
    let reason = quoted(&largest.message);
    let text = if flow.groups.len() == 1 && largest.count == waiting {
        text.text(if waiting == 1 { " The reason: " } else { " All for the same reason: " })
    } else if largest.count > waiting / 2 {
        text.text(format!(" Most, {}, for this reason: ", grouped(largest.count)))
    } else {
        text.text(format!(" Largest group: {}, ", grouped(largest.count)))
    };
    let text = text.text(format!("{reason}."));
    let todo = if largest.class.is_retryable() {
        "Once the table takes writes again, replay them."
    } else {
        "Retrying won't help. Fix the schema or the sender, then replay or discard them."
    };
    let fingerprint = (flow.groups.len() == 1).then(|| largest.fingerprint.clone());
    Some(Sentence::new(State::Warn, text, Target::DeadLetters(fingerprint)).todo(todo))
}

/// A loss within this time needs attention now.
const LOSS_IS_NEAR_S: i64 = 3 * 86_400;

fn is_near(loss: Timestamp, now: Timestamp) -> bool {
    loss.as_second() - now.as_second() < LOSS_IS_NEAR_S
}

/// The archiver takes dead letters within seconds. After this time it must be failing.
const DLQ_STUCK_AFTER_S: u64 = 300;

pub(in crate::flow) fn dlq_stuck(flow: &FlowSnapshot) -> Option<Sentence> {
    // SQS's age may leave out the very messages that are stuck, so failures of the archiver count as well.
    let fails = flow.activity.as_ref().is_some_and(|activity| activity.archiver.errors > 0.0);
    let old = flow.dlq.oldest_age_s >= DLQ_STUCK_AFTER_S || flow.dlq.received_at_least(3) > 0;
    if flow.dlq.is_empty() || !(fails || old) {
        return None;
    }
    let (waits, takes) = if flow.dlq.len() == 1 { ("waits", "it") } else { ("wait", "them") };
    let noun = if flow.ledger.in_dlq == 1 { "dead letter" } else { "dead letters" };
    let mut text = Phrase::default()
        .count(Fact::InDlq, flow)
        .text(format!(" {noun} {waits} in the dead letter queue and the archiver does not take {takes}."));
    let mut state = State::Warn;
    if let Some(loss) = flow.first_loss_at(&flow.dlq) {
        if is_near(loss, flow.at) {
            state = State::Bad;
        }
        text = text.text(format!(" The first is lost {} unless it is archived.", until(loss, flow.at)));
    }
    let target = Target::Metrics(Stage::Archiver);
    Some(
        Sentence::new(state, text, target)
            .todo("Check the archiver's errors. It takes the dead letters when it works again."),
    )
}

/// A first dead letter within this time needs attention now.
const DEAD_LETTER_IS_NEAR_S: i64 = 15 * 60;

pub(in crate::flow) fn countdown(flow: &FlowSnapshot) -> Option<Sentence> {
    let countdown = flow.countdown();
    if countdown.messages == 0 {
        return None;
    }
    let (are, them) = if countdown.messages == 1 { ("is", "it") } else { ("are", "the first one") };
    let text = Phrase::new(format!(
        "{} {are} at attempt {} or more of {}",
        counted(countdown.messages, "message", "messages"),
        countdown.from_attempt,
        countdown.max_receive_count
    ));
    let is_near = |first: Timestamp| first.as_second() - flow.at.as_second() < DEAD_LETTER_IS_NEAR_S;
    let state = if countdown.first_at.is_some_and(is_near) { State::Bad } else { State::Warn };
    let text = match countdown.first_at {
        Some(first) => text
            .text(format!("; {them} moves to the DLQ at "))
            .with(Part::Moment(Fact::FirstDeadLetter, first))
            .text("."),
        None => text.text("."),
    };
    Some(Sentence::new(state, text, Target::Metrics(Stage::Consumer)).todo(
        "Find out why storing fails. If the cause is fixed before then, they are stored automatically. If \
         not, they can be replayed.",
    ))
}

/// The ages from which waiting events need attention: in business hours, or now.
const AGE_WARN_S: i64 = 5 * 60;
const AGE_BAD_S: i64 = 60 * 60;
/// If messages are visible and not received for this time, no consumer receives.
const UNRECEIVED_S: i64 = 60;

pub(in crate::flow) fn queue(flow: &FlowSnapshot) -> Option<Sentence> {
    let age = flow.oldest_age_s()?;
    if flow.queue.is_empty() {
        return None;
    }
    let sent_at = flow.queue.oldest_sent_at?;
    let oldest = |text: &str| {
        Phrase::new(format!("{text}; the oldest was sent ")).with(Part::Ago(Fact::Oldest, sent_at))
    };
    let target = Target::Metrics(Stage::Queue);
    let is_unreceived = flow.activity.as_ref().is_some_and(|activity| activity.queue.received == 0.0);
    // Old numbers count only for the time before they were read.
    let unread_s = flow.at.as_second() - flow.freshness.read_at.as_second();
    if is_unreceived && flow.queue.visible > 0 && age - unread_s.max(0) >= UNRECEIVED_S {
        let text = oldest("Events wait in the queue and no consumer receives them").text(".");
        return Some(
            Sentence::new(State::Bad, text, target)
                .todo("Check that the consumer runs and that its connection to the queue is switched on."),
        );
    }
    if age < AGE_WARN_S {
        return None;
    }
    let state = if age >= AGE_BAD_S { State::Bad } else { State::Warn };
    let is_majority = flow.queue.not_visible > flow.queue.visible + flow.queue.delayed;
    let text = if is_majority {
        oldest("Events wait to be stored, most for their next attempt").text(".")
    } else {
        oldest("Events wait to be stored").text(".")
    };
    let text = match flow.first_loss_at(&flow.queue).filter(|loss| is_near(*loss, flow.at)) {
        Some(loss) => text.text(format!(" The first is lost {} unless it is stored.", until(loss, flow.at))),
        None => text,
    };
    Some(
        Sentence::new(state, text, target)
            .todo("Check the consumer and the table: storing fails or is too slow."),
    )
}

/// Schemas that are named. The command line names all.
const SCHEMAS: usize = 3;

pub(in crate::flow) fn schemas(flow: &FlowSnapshot) -> Option<Sentence> {
    let problems = &flow.schema_problems;
    let count = problems.len() as u64;
    let named: Vec<_> = problems.iter().take(SCHEMAS).map(|problem| quoted(problem)).collect();
    let more = match problems.len().saturating_sub(SCHEMAS) {
        0 => String::new(),
        more => format!("; and {more} more"),
    };
    let text = format!("{} can't be used: {}{more}.", counted(count, "schema", "schemas"), named.join("; "));
    (count > 0).then(|| {
        Sentence::new(State::Warn, text, Target::DeadLetters(None)).todo(
            "Fix the file: `spillway schemas check` names all. Until then the version before it is active. Without \
             one, events of that type become dead letters.",
        )
    })
}

pub(in crate::flow) fn replaying(flow: &FlowSnapshot) -> Option<Sentence> {
    let replaying = flow.ledger.replaying;
    let are = if replaying == 1 { " dead letter is" } else { " dead letters are" };
    let text = Phrase::default().count(Fact::Replaying, flow).text(format!("{are} being replayed."));
    (replaying > 0).then(|| Sentence::new(State::Ok, text, Target::Replays))
}

pub(in crate::flow) fn foreign(flow: &FlowSnapshot) -> Option<Sentence> {
    let were = if flow.ledger.foreign == 1 { "was" } else { "were" };
    let text = format!(
        "{} {were} put into a queue past the API, and not promised to anybody.",
        counted(flow.ledger.foreign, "message", "messages")
    );
    (flow.ledger.foreign > 0).then(|| Sentence::new(State::Ok, text, Target::Metrics(Stage::Queue)))
}

pub(in crate::flow) fn astray(flow: &FlowSnapshot) -> Option<Sentence> {
    if flow.astray == 0 {
        return None;
    }
    let (are, its) = if flow.astray == 1 { ("is", "its message is") } else { ("are", "their messages are") };
    let text = format!(
        "{} {are} in a replay for more than an hour, and {its} in no queue.",
        counted(flow.astray, "dead letter", "dead letters")
    );
    Some(Sentence::new(State::Warn, text, Target::Replays).todo(
        "Was a queue purged, or did messages expire? Put them back into the archive with spillway dlq \
         release, then replay them again.",
    ))
}

pub(in crate::flow) fn stale(flow: &FlowSnapshot) -> Option<Sentence> {
    let error = flow.freshness.error.as_ref()?;
    let reason = quoted(&error.to_string());
    let text = match &flow.activity {
        Some(_) => format!("Rates and errors are from {}: {reason}.", ago(flow.freshness.read_at, flow.at)),
        None => format!("Rates and errors are not known: {reason}."),
    };
    Some(
        Sentence::new(State::Warn, text, Target::Metrics(Stage::Api))
            .todo("The ledger and the queues above are current. The page retries automatically."),
    )
}
