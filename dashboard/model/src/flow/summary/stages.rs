//! Sentences about stages with problems: by their last outcomes or, where those are not known, by averages over minutes.

use super::{Sentence, State, Target};
use crate::catalogue::Stage;
use crate::flow::outcomes::SLOW_MS;
use crate::flow::trouble::ALL;
use crate::flow::verdict::Troubles;
use crate::flow::{Activity, FlowSnapshot, FunctionActivity, Trouble, TroubleKind};
use crate::words::percent;
use spillway_dashboard_words::{counted, duration, grouped};

/// Fewer failures than this may be chance.
const FEWEST_FAILURES: f64 = 3.0;

/// Whether a stage fails in all it does or in most of it, and needs attention now.
fn is_failing(failed: f64, all: f64) -> bool {
    failed >= all || (failed >= FEWEST_FAILURES && failed >= all / 2.0)
}

/// From this use of the capacity on, bursts are throttled.
const CAPACITY_NEAR: f64 = 80.0;

/// What to do about a table that refuses every write.
fn fix_the_table(flow: &FlowSnapshot) -> String {
    let span = if flow.countdown().messages == 0 {
        "Events that cannot be stored become dead letters after some hours, and can be replayed."
    } else {
        "Events that become dead letters can be replayed when the table works again."
    };
    format!("Fix the table. {span}")
}

/// What a table does with some of the writes, and what to do about it.
fn refusal(is_throttling: bool) -> (&'static str, &'static str) {
    if is_throttling {
        ("throttles", "Raise its write capacity, or wait if it is a burst: throttled events are retried.")
    } else {
        ("fails", "Check the table service's health. The events are retried.")
    }
}

/// The stages with problems, by averages over minutes.
pub(in crate::flow) fn averages(activity: &Activity, flow: &FlowSnapshot) -> Vec<Sentence> {
    let functions = [
        (Stage::Ingest, &activity.ingest),
        (Stage::Consumer, &activity.consumer),
        (Stage::Archiver, &activity.archiver),
    ];
    let functions = functions.into_iter().filter_map(|(stage, of)| function(stage, of, activity));
    table(activity, flow).into_iter().chain(api(activity)).chain(functions).collect()
}

/// The stages with problems, by their last outcomes. Throttles and the use of the capacity are averages.
pub(in crate::flow) fn judged(
    flow: &FlowSnapshot,
    troubles: &Troubles,
    activity: Option<&Activity>,
) -> Vec<Sentence> {
    let present = |trouble: &Option<Trouble>| trouble.filter(|trouble| trouble.over_since.is_none());
    let lasting =
        |trouble: &Trouble| duration((flow.at.as_second() - trouble.since.as_second()).max(1) as f64);
    let state = |trouble: &Trouble| if trouble.is_failing() { State::Bad } else { State::Warn };
    let mut sentences = Vec::new();
    let target = || Target::Metrics(Stage::Table);
    if let Some(trouble) = present(&troubles.table) {
        let (verb, todo) = refusal(trouble.kind == TroubleKind::Throttles);
        let lasting = lasting(&trouble);
        sentences.push(if trouble.share >= ALL {
            let text = format!(
                "The table {verb} every write, for {lasting}. Accepted events stay in the queue and are retried."
            );
            Sentence::new(State::Bad, text, target()).todo(fix_the_table(flow))
        } else {
            let text = format!("The table {verb} {} of the writes, for {lasting}.", percent(100.0 * trouble.share));
            Sentence::new(state(&trouble), text, target()).todo(todo)
        });
    } else if let Some(trouble) = present(&troubles.slow_table) {
        let share = percent(100.0 * trouble.share);
        let text =
            format!("{share} of the writes take longer than {SLOW_MS:.0} ms, for {}.", lasting(&trouble));
        sentences
            .push(Sentence::new(State::Warn, text, target()).todo("Check the table's latency and its load."));
    } else {
        sentences.extend(activity.and_then(capacity));
    }
    if let Some(trouble) = present(&troubles.api) {
        sentences.push(refused(state(&trouble), 100.0 * trouble.share));
    }
    for (stage, trouble) in [
        (Stage::Ingest, &troubles.ingest),
        (Stage::Consumer, &troubles.consumer),
        (Stage::Archiver, &troubles.archiver),
    ] {
        if let Some(trouble) = present(trouble) {
            let (share, lasting) = (percent(100.0 * trouble.share), lasting(&trouble));
            let text = format!(
                "The {} ends without an answer in {share} of its invocations, for {lasting}.",
                name(stage)
            );
            sentences.push(Sentence::new(state(&trouble), text, Target::Metrics(stage)).todo(todo(stage)));
        } else {
            sentences.extend(activity.and_then(|activity| throttled(stage, activity)));
        }
    }
    sentences
}

pub(in crate::flow) fn table(activity: &Activity, flow: &FlowSnapshot) -> Option<Sentence> {
    let of = &activity.table;
    let (refused, all) = (of.throttled + of.failed, of.writes + of.throttled + of.failed);
    let target = Target::Metrics(Stage::Table);
    let minutes = minutes(activity);
    if of.is_down() {
        let why = match (of.failed > 0.0, of.throttled > 0.0) {
            (true, false) => "fails every write",
            (false, true) => "throttles every write",
            _ => "refuses every write",
        };
        let text = format!(
            "The table {why}: {} in the last {minutes}. Accepted events stay in the queue and are retried.",
            counted(refused as u64, "write", "writes")
        );
        return Some(Sentence::new(State::Bad, text, target).todo(fix_the_table(flow)));
    }
    if refused > 0.0 && 100.0 * refused / all >= 2.0 {
        let (verb, todo) = refusal(of.throttled >= of.failed);
        let share = percent(100.0 * refused / all);
        let text = format!(
            "The table {verb} {share} of the writes ({} in the last {minutes}).",
            grouped(refused as u64)
        );
        let state = if is_failing(refused, all) { State::Bad } else { State::Warn };
        return Some(Sentence::new(state, text, target).todo(todo));
    }
    capacity(activity)
}

/// A table whose capacity is nearly used.
pub(in crate::flow) fn capacity(activity: &Activity) -> Option<Sentence> {
    let used = activity.table.capacity_use.filter(|used| *used >= CAPACITY_NEAR)?;
    let text = format!("The table uses {} of its write capacity.", percent(used));
    let target = Target::Metrics(Stage::Table);
    Some(Sentence::new(State::Warn, text, target).todo("Raise its write capacity before it throttles."))
}

/// With fewer requests, one error would be many percent.
const FEWEST_REQUESTS: f64 = 10.0;

pub(in crate::flow) fn api(activity: &Activity) -> Option<Sentence> {
    let of = &activity.api;
    if of.requests < FEWEST_REQUESTS {
        return None;
    }
    let share = 100.0 * of.server_errors / of.requests;
    if share < 1.0 {
        return None;
    }
    Some(refused(if share >= 5.0 { State::Bad } else { State::Warn }, share))
}

fn refused(state: State, share: f64) -> Sentence {
    let text = format!(
        "{} of the requests are refused with a server error. Their events were not accepted; clients have to send them again.",
        percent(share)
    );
    let todo =
        "Check the ingest function and the queue: the API refuses events that the queue does not accept.";
    Sentence::new(state, text, Target::Metrics(Stage::Api)).todo(todo)
}

fn name(stage: Stage) -> &'static str {
    match stage {
        Stage::Ingest => "ingest function",
        Stage::Archiver => "archiver",
        _ => "consumer",
    }
}

fn todo(stage: Stage) -> &'static str {
    match stage {
        Stage::Ingest => "Check its log. The clients got an error and have to send again.",
        _ => "Check its log. Its messages become visible again automatically, with a higher receive count.",
    }
}

pub(in crate::flow) fn function(
    stage: Stage,
    of: &FunctionActivity,
    activity: &Activity,
) -> Option<Sentence> {
    if of.errors > 0.0 && 100.0 * of.errors / of.invocations.max(of.errors) >= 1.0 {
        let is_failing = is_failing(of.errors, of.invocations) && stage != Stage::Archiver;
        let state = if is_failing { State::Bad } else { State::Warn };
        let text = format!(
            "The {} ended without an answer in {} of {} invocations in the last {}.",
            name(stage),
            grouped(of.errors as u64),
            grouped(of.invocations.max(of.errors) as u64),
            minutes(activity)
        );
        return Some(Sentence::new(state, text, Target::Metrics(stage)).todo(todo(stage)));
    }
    throttled(stage, activity)
}

/// A function that is invoked more often at once than it may be.
fn throttled(stage: Stage, activity: &Activity) -> Option<Sentence> {
    let of = match stage {
        Stage::Ingest => &activity.ingest,
        Stage::Archiver => &activity.archiver,
        _ => &activity.consumer,
    };
    if of.throttles == 0.0 {
        return None;
    }
    let text = format!(
        "The {} was throttled {} in the last {}.",
        name(stage),
        counted(of.throttles as u64, "time", "times"),
        minutes(activity)
    );
    Some(Sentence::new(State::Warn, text, Target::Metrics(stage)).todo("Raise its concurrency limit."))
}

fn minutes(activity: &Activity) -> String {
    format!("{:.0} min", (activity.window_s / 60.0).ceil())
}
