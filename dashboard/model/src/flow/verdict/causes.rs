//! The incidents of a pipeline: each cause once, in the order of the pipeline, without what another one explains.

use super::super::summary::{events, stages};
use super::super::{FlowSnapshot, Trouble};
use super::{Action, Cause, Incident, Troubles, VerdictState, recovery, words};
use crate::flow::{Phrase, Sentence, State};
use jiff::Timestamp;

/// What is over is mentioned for this time, in seconds.
const NEWS_S: i64 = 3_600;

/// All incidents, in the order of the pipeline: disk, table, consumer, queue, ingest, archiver, then what has no stage.
pub(super) fn incidents(flow: &FlowSnapshot) -> Vec<Incident> {
    let mut found: Vec<Incident> = Vec::new();
    let troubles = Troubles::of(flow);
    if let Some(troubles) = &troubles {
        match words::disk(flow, troubles) {
            // While nothing can be written, every stage that writes fails.
            Some(disk) => found.push(disk),
            None => found.extend(of_stages(flow, troubles)),
        }
        found.extend(troubles.archiver.as_ref().and_then(|trouble| incident(flow, Cause::Archiver, trouble)));
        found.extend(
            troubles.dead_letters.as_ref().and_then(|trouble| incident(flow, Cause::DeadLetters, trouble)),
        );
    } else {
        found.extend(words::disk_without_outcomes(flow));
        found.extend(of_averages(flow));
    }
    found.extend(of_sentence(flow, Cause::Ledger, Some(events::accounted(flow))));
    let storing = [Cause::Disk, Cause::Table, Cause::Consumer];
    let explains =
        |found: &[Incident], causes: &[Cause]| found.iter().any(|incident| causes.contains(&incident.cause));
    if !explains(&found, &storing) {
        let waiting = [events::queue, events::countdown].into_iter().filter_map(|say| say(flow));
        let worst = waiting.max_by_key(|sentence| sentence.state);
        found.extend(of_sentence(flow, Cause::Waiting, worst));
    }
    if !explains(&found, &[Cause::Archiver]) {
        found.extend(of_sentence(flow, Cause::Archiver, events::dlq_stuck(flow)));
    }
    let capacity = || flow.activity.as_ref().and_then(stages::capacity);
    if !explains(&found, &[Cause::Table]) {
        found.extend(of_sentence(flow, Cause::Table, capacity()));
    }
    found.extend(of_sentence(flow, Cause::Evidence, events::stale(flow)));
    found.extend(of_sentence(flow, Cause::Schemas, events::schemas(flow)));
    found.extend(of_sentence(flow, Cause::Replays, events::astray(flow)));
    found
}

/// The stages on the path of an event that is stored.
fn of_stages(flow: &FlowSnapshot, troubles: &Troubles) -> Vec<Incident> {
    let of = |cause, trouble: &Option<Trouble>| {
        trouble.as_ref().and_then(|trouble| incident(flow, cause, trouble))
    };
    let is_present = |incident: &Option<Incident>| {
        incident.as_ref().is_some_and(|incident| incident.state > VerdictState::Recovering)
    };
    let mut found = Vec::new();
    let table = of(Cause::Table, &troubles.table);
    let slow = of(Cause::Table, &troubles.slow_table);
    let table = if is_present(&table) || !is_present(&slow) { table.or(slow) } else { slow };
    // An invocation that waits for the table runs out of time.
    let by_table = is_present(&table);
    found.extend(table);
    found.extend(of(Cause::Consumer, &troubles.consumer).filter(|_| !by_table));
    found.extend(troubles.refuses().and_then(|(cause, trouble)| incident(flow, cause, trouble)));
    found
}

/// Without outcomes, averages over minutes have to do.
fn of_averages(flow: &FlowSnapshot) -> Vec<Incident> {
    let Some(activity) = &flow.activity else { return Vec::new() };
    let sentences = stages::averages(activity, flow);
    let incident = |sentence: Sentence| {
        let cause = match sentence.target {
            crate::flow::Target::Metrics(crate::catalogue::Stage::Table) => Cause::Table,
            crate::flow::Target::Metrics(crate::catalogue::Stage::Consumer) => Cause::Consumer,
            crate::flow::Target::Metrics(crate::catalogue::Stage::Ingest) => Cause::Ingest,
            crate::flow::Target::Metrics(crate::catalogue::Stage::Archiver) => Cause::Archiver,
            _ => Cause::Queue,
        };
        of_sentence(flow, cause, Some(sentence))
    };
    sentences.into_iter().filter_map(incident).collect()
}

/// A sentence of the summary as an incident, if something is the matter.
fn of_sentence(flow: &FlowSnapshot, cause: Cause, sentence: Option<Sentence>) -> Option<Incident> {
    let sentence = sentence?;
    let state = match sentence.state {
        State::Ok => return None,
        State::Warn => VerdictState::Degrading,
        State::Bad => VerdictState::Failing,
    };
    let deadline = match cause {
        Cause::Waiting | Cause::Consumer | Cause::Table => words::first_dead_letter(flow),
        Cause::Archiver => words::first_loss(flow),
        _ => Phrase::new("none"),
    };
    let action = Action::new(sentence.todo.unwrap_or_default(), None);
    let text = sentence.text;
    Some(Incident { cause, state, since: None, text, deadline, action, done_by: None })
}

/// The incident that trouble of a stage is; `None` if it is over and nothing is left of it.
fn incident(flow: &FlowSnapshot, cause: Cause, trouble: &Trouble) -> Option<Incident> {
    if let Some(again) = trouble.over_since {
        let left = recovery::left(flow, cause, trouble);
        if trouble.is_settled && left.is_none() {
            return None;
        }
        return Some(Incident {
            cause,
            state: VerdictState::Recovering,
            since: Some(again),
            text: words::again(cause, trouble, again, left.as_ref()),
            deadline: words::deadline_of_recovery(flow, cause, left.as_ref()),
            action: Action::new("Nothing: it recovers by itself.", None),
            done_by: left.map(|left| left.done_by),
        });
    }
    let is_failing = trouble.is_failing() && cause != Cause::DeadLetters;
    Some(Incident {
        cause,
        state: if is_failing { VerdictState::Failing } else { VerdictState::Degrading },
        since: Some(trouble.since),
        text: words::trouble(flow, cause, trouble),
        deadline: words::deadline(flow, cause),
        action: words::action(cause, trouble),
        done_by: None,
    })
}

/// What was the matter in the last hour and is over, if nothing else is.
pub(super) fn after(flow: &FlowSnapshot, incidents: &[Incident]) -> Option<Phrase> {
    let troubles = Troubles::of(flow).filter(|_| incidents.is_empty())?;
    let all = [
        (Cause::Table, troubles.table.as_ref()),
        (Cause::Consumer, troubles.consumer.as_ref()),
        (Cause::Table, troubles.slow_table.as_ref()),
        troubles.refuses().map_or((Cause::Queue, None), |(cause, trouble)| (cause, Some(trouble))),
        (Cause::Archiver, troubles.archiver.as_ref()),
    ];
    let over = all.into_iter().filter_map(|(cause, trouble)| Some((cause, trouble?)));
    let is_news = |at: Timestamp| flow.at.as_second() - at.as_second() < NEWS_S;
    let last =
        over.filter(|(_, trouble)| is_news(trouble.last_at)).max_by_key(|(_, trouble)| trouble.last_at)?;
    Some(words::over(flow, last.0, last.1))
}
