//! The texts of the flow's diagram: each stage's numbers and health, and the rates between the stages.

use crate::{components::Tone, stages};
use spillway_dashboard_charts::Unit;
use spillway_dashboard_model::catalogue::Stage;
use spillway_dashboard_model::flow::{Activity, FlowSnapshot, FunctionActivity, QueueSnapshot, Sentence};
use spillway_dashboard_words::{counted, duration, grouped};

/// The diagram's contents.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::pages::overview) struct Pipeline {
    /// API, ingest, queue, consumer, table: the path of an event that is stored.
    pub main: [Card; 5],
    /// The rates from each of them to the next.
    pub main_rates: [Rate; 4],
    /// The rate from the queue to the dead letter queue.
    pub dropped: Rate,
    /// DLQ, archiver, archive: the path of a dead letter.
    pub side: [Card; 3],
    /// The rates from each of them to the next.
    pub side_rates: [Rate; 2],
}

/// The rate from one stage to the next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::pages::overview) struct Rate {
    /// A rate per second, or a count in a period.
    pub text: String,
    /// The chart that shows it over time: its stage and its key in the catalogue.
    pub chart: (Stage, &'static str),
}

/// One stage.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::pages::overview) struct Card {
    /// Its name.
    pub title: &'static str,
    /// The stage whose metrics it links to; the archive has none.
    pub stage: Option<Stage>,
    /// Its health.
    pub tone: Tone,
    /// Its main number.
    pub main: String,
    /// Its other numbers.
    pub other: String,
}

/// The text for unknown values.
const UNKNOWN: &str = "–";

/// Computes the diagram's texts.
pub(in crate::pages::overview) fn pipeline(flow: &FlowSnapshot, sentences: &[Sentence]) -> Pipeline {
    let activity = flow.activity.as_ref();
    let of = |say: fn(&Activity) -> (String, String)| {
        activity.map_or_else(|| (UNKNOWN.to_owned(), String::new()), say)
    };
    let rate = |chart, of: fn(&Activity) -> f64| Rate {
        text: activity.map_or_else(|| UNKNOWN.to_owned(), |all| Unit::PerSecond.format(of(all))),
        chart,
    };
    let card = |title, stage, (main, other)| Card {
        title,
        stage: Some(stage),
        tone: stages::health(stage, flow, sentences),
        main,
        other,
    };
    Pipeline {
        main: [
            card("API", Stage::Api, of(api)),
            card("Ingest λ", Stage::Ingest, of(|all| function(&all.ingest))),
            card("Queue", Stage::Queue, queue(&flow.queue, flow.oldest_age_s())),
            card("Consumer λ", Stage::Consumer, of(consumer)),
            card("Table", Stage::Table, of(table)),
        ],
        main_rates: [
            rate((Stage::Api, "requests"), |all| all.api.per_second),
            rate((Stage::Queue, "sent"), |all| all.queue.sent_per_second),
            rate((Stage::Queue, "received"), |all| per_window(all.queue.received, all)),
            rate((Stage::Consumer, "records"), |all| all.records.stored_per_second),
        ],
        dropped: Rate {
            text: activity.map_or_else(|| UNKNOWN.to_owned(), dropped),
            chart: (Stage::Dlq, "sent"),
        },
        side: [
            card("DLQ", Stage::Dlq, queue(&flow.dlq, i64::try_from(flow.dlq.oldest_age_s).ok())),
            card("Archiver λ", Stage::Archiver, of(|all| function(&all.archiver))),
            archive(flow),
        ],
        side_rates: [
            rate((Stage::Dlq, "received"), |all| per_window(all.dlq.received, all)),
            rate((Stage::Dlq, "deleted"), |all| all.dlq.deleted_per_second),
        ],
    }
}

fn api(all: &Activity) -> (String, String) {
    let refused = if all.api.requests > 0.0 { 100.0 * all.api.server_errors / all.api.requests } else { 0.0 };
    let errors =
        if refused > 0.0 { format!("{} 5xx", Unit::Percent.format(refused)) } else { "no 5xx".to_owned() };
    (p99(all.api.p99_ms), errors)
}

fn function(of: &FunctionActivity) -> (String, String) {
    (p99(of.p99_ms), errors(of))
}

fn consumer(all: &Activity) -> (String, String) {
    let retried = all.records.retried;
    if all.consumer.errors == 0.0 && retried > 0.0 {
        return (p99(all.consumer.p99_ms), format!("{} retried", Unit::Count.format(retried)));
    }
    function(&all.consumer)
}

fn table(all: &Activity) -> (String, String) {
    let of = &all.table;
    let refused = of.throttled + of.failed;
    let main = match of.capacity_use {
        Some(used) => format!("{} of capacity", Unit::Percent.format(used)),
        None => p99(of.p99_ms),
    };
    let other = if refused > 0.0 {
        format!("{} refused", Unit::Count.format(refused))
    } else if of.capacity_use.is_some() {
        p99(of.p99_ms)
    } else {
        "none refused".to_owned()
    };
    (main, other)
}

fn queue(of: &QueueSnapshot, oldest_s: Option<i64>) -> (String, String) {
    let mut main = format!("{} waiting", grouped(of.visible + of.delayed));
    if of.not_visible > 0 {
        main += &format!(", {} in flight", grouped(of.not_visible));
    }
    let oldest = oldest_s.filter(|_| !of.is_empty());
    (main, oldest.map_or_else(|| "empty".to_owned(), |age| format!("oldest {}", duration(age as f64))))
}

fn archive(flow: &FlowSnapshot) -> Card {
    let archived = flow.ledger.archived;
    let other = flow.newest_dead_letter_at().map_or_else(
        || "nothing to replay".to_owned(),
        |newest| {
            let age = flow.at.as_second() - newest.as_second();
            format!("newest {}", spillway_dashboard_words::relative(age.max(0)))
        },
    );
    Card {
        title: "Archive",
        stage: None,
        tone: if archived > 0 { Tone::Warning } else { Tone::Good },
        main: counted(archived, "dead letter", "dead letters"),
        other,
    }
}

/// SQS does not count messages that it moves itself as sent, so this also counts arrivals at the archive.
fn dropped(all: &Activity) -> String {
    let came = all.dlq.sent.max(all.dlq.deleted);
    format!("{} in {}", Unit::Count.format(came), duration(all.window_s))
}

fn errors(of: &FunctionActivity) -> String {
    match (of.errors > 0.0, of.throttles > 0.0) {
        (true, _) => counted(of.errors as u64, "error", "errors"),
        (false, true) => counted(of.throttles as u64, "throttle", "throttles"),
        _ => "no errors".to_owned(),
    }
}

fn p99(ms: Option<f64>) -> String {
    ms.map_or_else(|| "idle".to_owned(), |ms| format!("p99 {}", Unit::Milliseconds.format(ms)))
}

fn per_window(count: f64, all: &Activity) -> f64 {
    if all.window_s > 0.0 { count / all.window_s } else { 0.0 }
}

#[cfg(test)]
mod tests;
