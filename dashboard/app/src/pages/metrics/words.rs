//! What is said about a stage when nothing is wrong with it.

use crate::format::{Unit, counted, duration};
use spillway_telemetry::catalogue::Stage;
use spillway_telemetry::flow::{Activity, FlowSnapshot, FunctionActivity};

/// How a stage is, with the number that proves it.
pub(super) fn normal(stage: Stage, flow: Option<&FlowSnapshot>) -> String {
    let Some(flow) = flow else {
        return "How this stage is just now cannot be read.".to_owned();
    };
    match stage {
        Stage::Account => return "What counts for the whole account, not for Spillway alone.".to_owned(),
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
        return "What this stage did in the last minutes cannot be read.".to_owned();
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

fn api(all: &Activity) -> String {
    let of = &all.api;
    if of.requests == 0.0 {
        return format!("No requests in the last {}", duration(all.window_s));
    }
    let errors = match of.server_errors as u64 {
        0 => "none refused with a server error".to_owned(),
        some => format!("{some} refused with a server error"),
    };
    format!(
        "The API takes {} requests, {errors}{}",
        Unit::PerSecond.format(of.per_second),
        slowest(of.p99_ms)
    )
}

fn function(name: &str, of: &FunctionActivity) -> String {
    if of.invocations == 0.0 {
        return format!("{name} had nothing to do in the last minutes");
    }
    let errors = match of.errors as u64 {
        0 => "without an error".to_owned(),
        some => format!("with {}", counted(some, "error", "errors")),
    };
    format!("{name} runs {} {errors}{}", Unit::PerSecond.format(of.per_second), slowest(of.p99_ms))
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
    let rate = if all.window_s > 0.0 { of.writes / all.window_s } else { 0.0 };
    format!("The table takes {} writes, {refused}{used}", Unit::PerSecond.format(rate))
}

fn slowest(p99_ms: Option<f64>) -> String {
    p99_ms.map_or_else(String::new, |ms| format!("; 99 of 100 end within {}", Unit::Milliseconds.format(ms)))
}
