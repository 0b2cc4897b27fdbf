//! The words of a verdict.

use super::super::outcomes::SLOW_MS;
use super::super::summary::{State, events, host};
use super::super::trouble::ALL;
use super::super::{Fact, FlowSnapshot, Part, Phrase, Trend, Trouble, TroubleKind};
use super::recovery::Left;
use super::{Action, Cause, Incident, Loss, Troubles, VerdictState};
use crate::words::percent;
use jiff::Timestamp;
use spillway_dashboard_words::{duration, grouped};

/// A sentence about a healthy pipeline.
pub(super) fn healthy(flow: &FlowSnapshot) -> Phrase {
    Phrase::new(match flow.ledger.accepted {
        0 => "Ready: no events have been accepted yet.",
        _ => "Events are accepted and stored. No part fails.",
    })
}

/// What to do with a healthy pipeline: decide on dead letters, if there are any.
pub(super) fn idle(flow: &FlowSnapshot) -> Action {
    let todo = events::dead_lettered(flow).and_then(|sentence| sentence.todo);
    match todo {
        Some(todo) => Action::new(format!("Decide on the dead letters. {todo}"), None),
        None => Action::new("Nothing.", None),
    }
}

/// Whether anything is lost.
pub(super) fn loss(flow: &FlowSnapshot) -> Loss {
    let said = events::accounted(flow);
    let accepted = flow.ledger.accepted;
    let text = match (said.state, accepted) {
        (State::Ok, 0) => Phrase::new("none: no event was accepted yet"),
        (State::Ok, 1) => Phrase::new("none: the one event accepted is accounted for"),
        (State::Ok, _) => Phrase::new("none: ")
            .count(Fact::Accepted, flow)
            .text(" of ")
            .count(Fact::Accepted, flow)
            .text(format!(" events are accounted for{}", events::bound(flow))),
        _ => as_part(said.text),
    };
    Loss { state: said.state, text }
}

/// A sentence as a part of a line: without a capital at its beginning and a full stop at its end.
fn as_part(mut phrase: Phrase) -> Phrase {
    if let Some(Part::Text(first)) = phrase.0.first_mut()
        && let Some(capital) = first.chars().next()
    {
        first.replace_range(..capital.len_utf8(), &capital.to_lowercase().to_string());
    }
    if let Some(Part::Text(last)) = phrase.0.last_mut() {
        last.truncate(last.trim_end_matches('.').len());
    }
    phrase
}

/// The incident of a data folder that takes no data.
pub(super) fn disk(flow: &FlowSnapshot, troubles: &Troubles) -> Option<Incident> {
    let since = [&troubles.table, &troubles.api].into_iter().flatten();
    let since = since.filter(|trouble| trouble.over_since.is_none()).map(|trouble| trouble.since).min();
    Some(Incident { since, ..disk_without_outcomes(flow)? })
}

/// The same, if outcomes are not known.
pub(super) fn disk_without_outcomes(flow: &FlowSnapshot) -> Option<Incident> {
    let what = host::disk_trouble(flow)?;
    Some(Incident {
        cause: Cause::Disk,
        state: VerdictState::Failing,
        since: None,
        text: Phrase::new(format!("{what}: no event can be accepted or stored.")),
        deadline: Phrase::new("now: clients get an error for what is refused, and have to send it again"),
        action: Action::new(
            "Free space, or make the folder writable. Spillway continues without a restart. Until then alarms and \
             sessions are kept in memory.",
            None,
        ),
        done_by: None,
    })
}

/// What happens now.
pub(super) fn trouble(flow: &FlowSnapshot, cause: Cause, trouble: &Trouble) -> Phrase {
    let share = percent(100.0 * trouble.share);
    let is_all = trouble.share >= ALL;
    let trend = match trouble.trend {
        Trend::Rising => ", rising.",
        Trend::Steady => ".",
        Trend::Falling => ", falling.",
    };
    let since = |text: String| Phrase::new(text).time(trouble.since).text(trend);
    let nothing = |what: &str, why: &str| {
        let from = trouble.last_ok.unwrap_or(trouble.since);
        Phrase::new(format!("Nothing {what} since ")).time(from).text(format!(": {why}."))
    };
    match (cause, trouble.kind) {
        (_, TroubleKind::Slow) => {
            since(format!("{share} of the writes to the table take longer than {SLOW_MS:.0} ms, since "))
        }
        (Cause::Table, TroubleKind::Throttles) if is_all => {
            nothing("stored", "the table throttles every write")
        }
        (Cause::Table, TroubleKind::Throttles) => {
            since(format!("The table throttles {share} of the writes since "))
        }
        (Cause::Table, _) if is_all => nothing("stored", "every write to the table fails"),
        (Cause::Table, _) => since(format!("{share} of the writes to the table fail since ")),
        (Cause::Consumer, _) if is_all => since("Every invocation of the consumer fails since ".to_owned()),
        (Cause::Consumer, _) => since(format!("{share} of the consumer's invocations fail since ")),
        (Cause::Ingest, _) if is_all => nothing("accepted", "every invocation of the ingest function fails"),
        (Cause::Ingest, _) => since(format!("{share} of the ingest function's invocations fail since ")),
        (Cause::Archiver, _) => {
            let wait = if flow.ledger.in_dlq == 1 { " dead letter waits" } else { " dead letters wait" };
            let fails = if is_all {
                "every invocation fails".to_owned()
            } else {
                format!("{share} of its invocations fail")
            };
            Phrase::new("The archiver fails since ")
                .time(trouble.since)
                .text(format!(": {fails}, and "))
                .count(Fact::InDlq, flow)
                .text(format!("{wait} in the DLQ."))
        }
        (Cause::DeadLetters, _) => {
            since(format!("{share} of the processed events become dead letters since "))
        }
        _ if is_all => nothing("accepted", "the queue refuses every event"),
        _ => since(format!(
            "The queue refuses events, so the API answers {share} of the requests with an error, since "
        )),
    }
}

/// What works again.
pub(super) fn again(cause: Cause, trouble: &Trouble, since: Timestamp, left: Option<&Left>) -> Phrase {
    let what = match (cause, trouble.kind) {
        (_, TroubleKind::Slow) => "Writes to the table are fast again since ",
        (Cause::Table | Cause::Consumer, _) => "Storing again since ",
        (Cause::Archiver, _) => "Archiving again since ",
        (Cause::DeadLetters, _) => "No new dead letters since ",
        _ => "Accepting again since ",
    };
    let phrase = Phrase::new(what).time(since);
    match left {
        Some(left) => phrase
            .text("; ")
            .with(match cause {
                Cause::Archiver => Part::Count(Fact::InDlq, left.events),
                _ => Part::Text(grouped(left.events)),
            })
            .text(" left, done by about ")
            .time(left.done_by)
            .text("."),
        None => phrase.text("."),
    }
}

/// What was the matter, and is over.
pub(super) fn over(flow: &FlowSnapshot, cause: Cause, trouble: &Trouble) -> Phrase {
    let share = percent(100.0 * trouble.share);
    let what = match (cause, trouble.kind) {
        (_, TroubleKind::Slow) => format!("{share} of the writes to the table were slow"),
        (Cause::Table, TroubleKind::Throttles) => format!("the table throttled {share} of the writes"),
        (Cause::Table, _) => format!("{share} of the writes to the table failed"),
        (Cause::Consumer, _) => format!("{share} of the consumer's invocations failed"),
        (Cause::Ingest, _) => format!("{share} of the ingest function's invocations failed"),
        (Cause::Archiver, _) => format!("{share} of the archiver's invocations failed"),
        _ => format!("the API refused {share} of the requests"),
    };
    let lasted = duration((trouble.last_at.as_second() - trouble.since.as_second()).max(1) as f64);
    let lost = if flow.ledger.unaccounted() > 0 { "" } else { " Nothing is lost." };
    Phrase::new("Recovered: from ")
        .time(trouble.since)
        .text(" to ")
        .time(trouble.last_at)
        .text(format!(" ({lasted}) {what}.{lost}"))
}

/// Until when something must happen.
pub(super) fn deadline(flow: &FlowSnapshot, cause: Cause) -> Phrase {
    match cause {
        Cause::Table | Cause::Consumer => first_dead_letter(flow),
        Cause::Archiver => first_loss(flow),
        Cause::Queue | Cause::Ingest => {
            Phrase::new("now: clients get an error for what is refused, and have to send it again")
        }
        _ => Phrase::new("none: dead letters wait until you replay or discard them"),
    }
}

/// The same, if it works again.
pub(super) fn deadline_of_recovery(flow: &FlowSnapshot, cause: Cause, left: Option<&Left>) -> Phrase {
    let first = flow.queue.first_dead_letter_at.filter(|_| matches!(cause, Cause::Table | Cause::Consumer));
    match left {
        Some(left) if first.is_some_and(|first| first < left.done_by) => first_dead_letter(flow),
        _ => Phrase::new("none"),
    }
}

/// When the first event becomes a dead letter.
pub(super) fn first_dead_letter(flow: &FlowSnapshot) -> Phrase {
    if let Some(first) = flow.queue.first_dead_letter_at {
        return Phrase::new("first event moves to the DLQ at ")
            .with(Part::Moment(Fact::FirstDeadLetter, first))
            .text(", and can be replayed even then");
    }
    match flow.first_loss_at(&flow.queue) {
        Some(loss) => Phrase::new("first event is lost at ").time(loss).text(", unless it is stored before"),
        None => Phrase::new("none: no event waits"),
    }
}

/// When the first dead letter is lost.
pub(super) fn first_loss(flow: &FlowSnapshot) -> Phrase {
    match flow.first_loss_at(&flow.dlq) {
        Some(loss) => {
            Phrase::new("first dead letter is lost at ").time(loss).text(", unless it is archived before")
        }
        None if flow.dlq.is_empty() => Phrase::new("none: no dead letter waits"),
        None => Phrase::new("a dead letter is lost when its retention ends, unless it is archived before"),
    }
}

/// What to do.
pub(super) fn action(cause: Cause, trouble: &Trouble) -> Action {
    let (text, runbook) = match (cause, trouble.kind) {
        (_, TroubleKind::Slow) => ("Check the table's latency and its load.", "table-latency"),
        (Cause::Table, TroubleKind::Throttles) => {
            ("Raise the table's write capacity, or wait if it is a burst.", "table-throttles")
        }
        (Cause::Table, _) => ("Check the table service's health.", "table-system-errors"),
        (Cause::Consumer, _) => ("Read the consumer's log, and undo its last release.", "consumer-errors"),
        (Cause::Ingest, _) => ("Read the ingest function's log, and undo its last release.", "ingest-errors"),
        (Cause::Archiver, _) => ("Check the archiver's errors.", "archiver-errors"),
        (Cause::DeadLetters, _) => {
            ("Look at the new dead letters. Fix the sender or the schema.", "records-rejected")
        }
        _ => ("Check the queue: the API refuses what the queue does not accept.", "api-5xx"),
    };
    Action::new(text, Some(runbook))
}
