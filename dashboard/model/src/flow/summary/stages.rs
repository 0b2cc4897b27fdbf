//! Sentences about stages with problems.

use super::{Sentence, State, Target};
use crate::catalogue::Stage;
use crate::flow::{Activity, FlowSnapshot, FunctionActivity};
use crate::words::percent;
use spillway_dashboard_words::{counted, grouped};

/// Fewer failures than this may be chance.
const FEWEST_FAILURES: f64 = 3.0;

/// Whether a stage fails in all it does or in most of it, and needs attention now.
fn is_failing(failed: f64, all: f64) -> bool {
    failed >= all || (failed >= FEWEST_FAILURES && failed >= all / 2.0)
}

/// From this use of the capacity on, bursts are throttled.
const CAPACITY_NEAR: f64 = 80.0;

pub(super) fn table(activity: &Activity, flow: &FlowSnapshot) -> Option<Sentence> {
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
        let span = if flow.countdown().messages == 0 {
            "Events that cannot be stored become dead letters after some hours, and can be replayed."
        } else {
            "Events that become dead letters can be replayed when the table works again."
        };
        return Some(Sentence::new(State::Bad, text, target).todo(format!("Fix the table. {span}")));
    }
    if refused > 0.0 && 100.0 * refused / all >= 2.0 {
        let (verb, todo) = if of.throttled >= of.failed {
            ("throttles", "Raise its write capacity, or wait if it is a burst: throttled events are retried.")
        } else {
            ("fails", "Check the table service's health. The events are retried.")
        };
        let share = percent(100.0 * refused / all);
        let text = format!(
            "The table {verb} {share} of the writes ({} in the last {minutes}).",
            grouped(refused as u64)
        );
        let state = if is_failing(refused, all) { State::Bad } else { State::Warn };
        return Some(Sentence::new(state, text, target).todo(todo));
    }
    let used = of.capacity_use.filter(|used| *used >= CAPACITY_NEAR)?;
    let text = format!("The table uses {} of its write capacity.", percent(used));
    Some(Sentence::new(State::Warn, text, target).todo("Raise its write capacity before it throttles."))
}

/// With fewer requests, one error would be many percent.
const FEWEST_REQUESTS: f64 = 10.0;

pub(super) fn api(activity: &Activity) -> Option<Sentence> {
    let of = &activity.api;
    if of.requests < FEWEST_REQUESTS {
        return None;
    }
    let share = 100.0 * of.server_errors / of.requests;
    if share < 1.0 {
        return None;
    }
    let state = if share >= 5.0 { State::Bad } else { State::Warn };
    let text = format!(
        "{} of the requests are refused with a server error. Their events were not accepted; clients have to send them again.",
        percent(share)
    );
    let todo =
        "Check the ingest function and the queue: the API refuses events that the queue does not accept.";
    Some(Sentence::new(state, text, Target::Metrics(Stage::Api)).todo(todo))
}

pub(super) fn function(stage: Stage, of: &FunctionActivity, activity: &Activity) -> Option<Sentence> {
    let name = match stage {
        Stage::Ingest => "ingest function",
        Stage::Archiver => "archiver",
        _ => "consumer",
    };
    let minutes = minutes(activity);
    let target = Target::Metrics(stage);
    if of.errors > 0.0 && 100.0 * of.errors / of.invocations.max(of.errors) >= 1.0 {
        let is_failing = is_failing(of.errors, of.invocations) && stage != Stage::Archiver;
        let state = if is_failing { State::Bad } else { State::Warn };
        let text = format!(
            "The {name} ended without an answer in {} of {} invocations in the last {minutes}.",
            grouped(of.errors as u64),
            grouped(of.invocations.max(of.errors) as u64)
        );
        let todo = match stage {
            Stage::Ingest => "Check its log. The clients got an error and have to send again.",
            _ => {
                "Check its log. Its messages become visible again automatically, with a higher receive count."
            }
        };
        return Some(Sentence::new(state, text, target).todo(todo));
    }
    if of.throttles > 0.0 {
        let text = format!(
            "The {name} was throttled {} in the last {minutes}.",
            counted(of.throttles as u64, "time", "times")
        );
        return Some(Sentence::new(State::Warn, text, target).todo("Raise its concurrency limit."));
    }
    None
}

fn minutes(activity: &Activity) -> String {
    format!("{:.0} min", (activity.window_s / 60.0).ceil())
}
