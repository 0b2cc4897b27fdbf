//! The verdict of a stage without problems.

use spillway_dashboard_charts::Unit;
use spillway_dashboard_model::catalogue::Stage;
use spillway_dashboard_model::flow::{Activity, FlowSnapshot, FunctionActivity};
use spillway_dashboard_words::{counted, duration};

/// The state of a stage, with the number that proves it.
pub(super) fn normal(stage: Stage, flow: Option<&FlowSnapshot>) -> String {
    let Some(flow) = flow else {
        return "The state of this stage cannot be read now.".to_owned();
    };
    match stage {
        Stage::Account => {
            return "These numbers are for the whole AWS account, not for Spillway alone.".to_owned();
        }
        Stage::Queue if flow.queue.is_empty() => return "The queue is empty.".to_owned(),
        Stage::Queue => {
            let waiting = counted(flow.queue.len(), "event is", "events are");
            let oldest = flow
                .oldest_age_s()
                .map_or_else(String::new, |age| format!(", the oldest for {}", duration(age as f64)));
            return format!("{waiting} in the queue{oldest}.");
        }
        Stage::Dlq if flow.dlq.is_empty() => return "The dead letter queue is empty.".to_owned(),
        Stage::Dlq => {
            let waiting = counted(flow.dlq.len(), "dead letter is", "dead letters are");
            return format!("{waiting} on the way to the archive.");
        }
        _ => {}
    }
    let Some(activity) = &flow.activity else {
        return "The numbers of the last minutes cannot be read.".to_owned();
    };
    let text = match stage {
        Stage::Api => api(activity),
        Stage::Ingest => function("The ingest function", &activity.ingest),
        Stage::Consumer => function("The consumer", &activity.consumer),
        Stage::Archiver => function("The archiver", &activity.archiver),
        _ => table(activity),
    };
    format!("{text}.")
}

/// A stage's short name.
pub(super) fn short(stage: Stage) -> &'static str {
    match stage {
        Stage::Ingest => "Ingest",
        Stage::Consumer => "Consumer",
        Stage::Dlq => "DLQ",
        Stage::Archiver => "Archiver",
        Stage::Account => "Account",
        stage => stage.title(),
    }
}

/// What a stage's charts leave out, and the chart that shows it.
pub(super) fn caveat(stage: Stage) -> Option<(&'static str, (Stage, &'static str), &'static str)> {
    match stage {
        Stage::Queue => Some((
            "The age leaves out messages that were received three times or more. They appear in the consumer's",
            (Stage::Consumer, "receive-count"),
            "receive counts",
        )),
        Stage::Dlq => Some((
            "Messages sent stays 0 when the queue itself moves messages here after their last receive. Every \
             dead letter appears in messages waiting and in the archiver's",
            (Stage::Archiver, "invocations"),
            "invocations",
        )),
        Stage::Account => Some((
            "User errors have no dimension, so they may be another table's. Spillway's own refusals appear in",
            (Stage::Table, "error-share"),
            "share of writes refused",
        )),
        _ => None,
    }
}

fn api(all: &Activity) -> String {
    let of = &all.api;
    if of.requests == 0.0 {
        return format!("No requests in the last {}", duration(all.window_s));
    }
    let errors = match of.server_errors as u64 {
        0 => "none refused with a server error".to_owned(),
        some => format!("{some} refused with a server error"),
    };
    let requests = rate(of.per_second, "request", "requests");
    format!("The API takes {requests}, {errors}{}", slowest(of.p99_ms))
}

fn function(name: &str, of: &FunctionActivity) -> String {
    if of.invocations == 0.0 {
        return format!("{name} had no work in the last minutes");
    }
    let errors = match of.errors as u64 {
        0 => "without an error".to_owned(),
        some => format!("with {}", counted(some, "error", "errors")),
    };
    let times = rate(of.per_second, "time", "times");
    format!("{name} runs {times}, {errors}{}", slowest(of.p99_ms))
}

fn table(all: &Activity) -> String {
    let of = &all.table;
    if of.writes == 0.0 {
        return format!("No writes in the last {}", duration(all.window_s));
    }
    let refused = match (of.throttled + of.failed) as u64 {
        0 => "none refused".to_owned(),
        some => format!("{some} refused"),
    };
    let used = of.capacity_use.map_or_else(String::new, |used| {
        format!("; {} of the write capacity is used", Unit::Percent.format(used))
    });
    let per_second = if all.window_s > 0.0 { of.writes / all.window_s } else { 0.0 };
    let slowest = slowest(of.p99_ms);
    let writes = rate(per_second, "write", "writes");
    format!("The table takes {writes}, {refused}{slowest}{used}")
}

/// `1 write a second`, `0.9 writes a second`.
fn rate(per_second: f64, one: &str, many: &str) -> String {
    let number = Unit::Number.format(per_second);
    let noun = if number == "1" { one } else { many };
    format!("{number} {noun} a second")
}

fn slowest(p99_ms: Option<f64>) -> String {
    p99_ms.map_or_else(String::new, |ms| format!("; p99 {}", Unit::Milliseconds.format(ms)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use spillway_core::names::Names;
    use spillway_dashboard_model::catalogue::of_stage;

    #[test]
    fn every_caveat_links_to_an_existing_chart() {
        for (_, (stage, key), _) in Stage::ALL.iter().copied().filter_map(caveat) {
            assert!(of_stage(stage, &Names::default()).iter().any(|entry| entry.key == key), "{key}");
        }
        assert!(caveat(Stage::Dlq).is_some_and(|(text, ..)| text.contains("stays 0")));
    }

    #[test]
    fn the_activity_of_a_stage_has_numbers() {
        let of = FunctionActivity {
            invocations: 540.0,
            errors: 1.0,
            per_second: 2.0,
            p99_ms: Some(9.0),
            ..FunctionActivity::default()
        };
        let text = "The consumer runs 2 times a second, with 1 error; p99 9\u{a0}ms";
        assert_eq!(function("The consumer", &of), text);
        let idle = function("The archiver", &FunctionActivity::default());
        assert_eq!(idle, "The archiver had no work in the last minutes");
        assert!(normal(Stage::Api, None).contains("cannot be read"));
        assert_eq!(
            [0.9, 1.0].map(|rate_of| rate(rate_of, "write", "writes")),
            ["0.9 writes a second", "1 write a second"]
        );
    }
}
