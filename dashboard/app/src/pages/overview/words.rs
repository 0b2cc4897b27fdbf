//! The texts of the flow's diagram: each stage's numbers and health, and what passed between the stages in the last minute.

use crate::{components::Tone, stages};
use spillway_dashboard_charts::Unit;
use spillway_dashboard_model::catalogue::Stage;
use spillway_dashboard_model::flow::{
    Activity, Counted, Fact, FlowSnapshot, FunctionActivity, LastMinute, Outcomes, Part, Phrase, Verdict,
};
use spillway_dashboard_words::{counted, duration, grouped};

/// The diagram's contents.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::pages::overview) struct Pipeline {
    /// Which time the numbers are of.
    pub window: Phrase,
    /// API, ingest, queue, consumer, table: the path of an event that is stored.
    pub main: [Card; 5],
    /// The rates from each of them to the next.
    pub main_rates: [Rate; 4],
    /// How many went from the queue to the dead letter queue.
    pub dropped: Rate,
    /// DLQ, archiver, archive: the path of a dead letter.
    pub side: [Card; 3],
    /// The rates from each of them to the next.
    pub side_rates: [Rate; 2],
}

/// What passed from one stage to the next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::pages::overview) struct Rate {
    /// A rate per second or, of little, a count in a time.
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
    pub main: Phrase,
    /// Its other numbers.
    pub other: Phrase,
}

/// The text for unknown values.
const UNKNOWN: &str = "not known";

/// Less than this a second is written as a count.
const FEW_PER_SECOND: f64 = 0.95;

/// Where the numbers come from: the outcomes that the verdict is made of or, without them, averages over minutes.
enum Source<'a> {
    LastMinute(LastMinute<'a>, Option<&'a Activity>),
    Averages(&'a Activity),
    Nothing,
}

impl Source<'_> {
    /// What passed.
    fn rate(&self, counted: Counted, average: fn(&Activity) -> f64) -> String {
        match self {
            Self::LastMinute(minute, _) => passed(minute.sum(counted).ok, minute.seconds()),
            Self::Averages(activity) => passed(average(activity) as u64, activity.window_s),
            Self::Nothing => UNKNOWN.to_owned(),
        }
    }

    /// The outcomes of a stage.
    fn of(&self, stage: Stage) -> Option<Outcomes> {
        let counts = |ok: f64, failed: f64| Outcomes {
            ok: (ok - failed).max(0.0) as u64,
            failed: failed as u64,
            ..Outcomes::default()
        };
        let function = |of: &FunctionActivity| counts(of.invocations, of.errors);
        match self {
            Self::LastMinute(minute, _) => Some(minute.of(stage)),
            Self::Averages(all) => Some(match stage {
                Stage::Api => counts(all.api.requests, all.api.server_errors),
                Stage::Ingest => function(&all.ingest),
                Stage::Consumer => function(&all.consumer),
                Stage::Archiver => function(&all.archiver),
                _ => Outcomes {
                    ok: all.table.writes as u64,
                    failed: all.table.failed as u64,
                    throttled: all.table.throttled as u64,
                    ..Outcomes::default()
                },
            }),
            Self::Nothing => None,
        }
    }

    /// The 99th percentile of a stage's latency in the newest minute, if it worked in the time that is shown.
    fn p99(&self, stage: Stage) -> Option<f64> {
        let activity = match self {
            Self::LastMinute(_, activity) => (*activity)?,
            Self::Averages(activity) => activity,
            Self::Nothing => return None,
        };
        match stage {
            Stage::Api => activity.api.p99_ms,
            Stage::Ingest => activity.ingest.p99_ms,
            Stage::Consumer => activity.consumer.p99_ms,
            Stage::Archiver => activity.archiver.p99_ms,
            _ => activity.table.p99_ms,
        }
        .filter(|_| self.of(stage).is_some_and(|of| of.all() > 0))
    }

    /// The share of the consumer's records that are to be retried, in percent; `None` if none is.
    fn retried_percent(&self) -> Option<f64> {
        let (retried, others) = match self {
            Self::LastMinute(minute, _) => {
                (minute.sum(Counted::Retried).ok as f64, minute.of(Stage::Dlq).all() as f64)
            }
            Self::Averages(all) => (all.records.retried, all.records.stored + all.records.rejected),
            Self::Nothing => return None,
        };
        (retried > 0.0).then(|| 100.0 * retried / (retried + others))
    }
}

/// Computes the diagram's texts.
pub(in crate::pages::overview) fn pipeline(flow: &FlowSnapshot, verdict: &Verdict) -> Pipeline {
    let source = match (&flow.outcomes, &flow.activity) {
        (Some(outcomes), activity) => Source::LastMinute(outcomes.last_minute(), activity.as_ref()),
        (None, Some(activity)) => Source::Averages(activity),
        (None, None) => Source::Nothing,
    };
    let rate = |chart, counted, average| Rate { text: source.rate(counted, average), chart };
    let card = |title, stage, (main, other)| Card {
        title,
        stage: Some(stage),
        tone: stages::health_tone(verdict.health(stage, flow)),
        main,
        other,
    };
    let of = |stage| of_stage(&source, stage);
    let requests = |text: &Source<'_>| match text {
        Source::LastMinute(minute, _) => passed(minute.of(Stage::Api).all(), minute.seconds()),
        Source::Averages(all) => passed(all.api.requests as u64, all.window_s),
        Source::Nothing => UNKNOWN.to_owned(),
    };
    Pipeline {
        window: window(&source),
        main: [
            card("API", Stage::Api, of(Stage::Api)),
            card("Ingest λ", Stage::Ingest, of(Stage::Ingest)),
            card("Queue", Stage::Queue, queue(flow)),
            card("Consumer λ", Stage::Consumer, consumer(&source)),
            card("Table", Stage::Table, table(&source)),
        ],
        main_rates: [
            Rate { text: requests(&source), chart: (Stage::Api, "requests") },
            rate((Stage::Ingest, "accepted"), Counted::Accepted, |all| all.queue.sent),
            rate((Stage::Queue, "received"), Counted::Received, |all| all.queue.received),
            rate((Stage::Consumer, "records"), Counted::Of(Stage::Dlq), |all| all.records.stored),
        ],
        dropped: Rate { text: dropped(&source), chart: (Stage::Dlq, "sent") },
        side: [
            card("DLQ", Stage::Dlq, dlq(flow)),
            card("Archiver λ", Stage::Archiver, of(Stage::Archiver)),
            archive(flow),
        ],
        side_rates: [
            rate((Stage::Dlq, "received"), Counted::ToArchiver, |all| all.dlq.received),
            rate((Stage::Dlq, "deleted"), Counted::Archived, |all| all.dlq.deleted),
        ],
    }
}

/// Which time the rates are of.
fn window(source: &Source<'_>) -> Phrase {
    match source {
        Source::LastMinute(minute, _) => {
            let length = duration(minute.seconds().min(60.0));
            Phrase::new(format!("Rates and errors: the last {length}, until ")).time(minute.to()).text(".")
        }
        Source::Averages(activity) => Phrase::new(format!(
            "Rates and errors: averages of the last {}. The last minute is not known.",
            duration(activity.window_s)
        )),
        Source::Nothing => Phrase::new("Rates and errors are not known."),
    }
}

/// `2/s`, or of little `12 in 1 min`.
fn passed(count: u64, seconds: f64) -> String {
    let per_second = count as f64 / seconds.max(1.0);
    if count == 0 {
        "0/s".to_owned()
    } else if per_second < FEW_PER_SECOND {
        format!("{} in {}", grouped(count), duration(seconds))
    } else {
        Unit::PerSecond.format(per_second)
    }
}

fn of_stage(source: &Source<'_>, stage: Stage) -> (Phrase, Phrase) {
    let Some(of) = source.of(stage) else { return (UNKNOWN.into(), Phrase::default()) };
    let (one, many) = if stage == Stage::Api { ("5xx", "5xx") } else { ("error", "errors") };
    let errors = match of.bad() {
        0 => format!("no {many}"),
        _ if of.ok == 0 => format!("all {many}"),
        some => format!("{}, {}", counted(some, one, many), Unit::Percent.format(of.bad_percent())),
    };
    (p99(source, stage, &of), errors.into())
}

fn consumer(source: &Source<'_>) -> (Phrase, Phrase) {
    let (main, other) = of_stage(source, Stage::Consumer);
    let failed = source.of(Stage::Consumer).map_or(0, |of| of.bad());
    match source.retried_percent() {
        Some(all) if failed == 0 && all >= 100.0 => (main, "all retried".into()),
        Some(some) if failed == 0 => (main, format!("{} retried", share(some)).into()),
        _ => (main, other),
    }
}

/// A share that is not all is never written as all.
fn share(percent: f64) -> String {
    Unit::Percent.format(if percent < 100.0 { percent.min(99.0) } else { percent })
}

fn table(source: &Source<'_>) -> (Phrase, Phrase) {
    let Some(of) = source.of(Stage::Table) else { return (UNKNOWN.into(), Phrase::default()) };
    let slowest = p99(source, Stage::Table, &of);
    if of.bad() > 0 {
        let is_throttled = of.throttled > of.failed;
        let main = match (of.ok, is_throttled) {
            (0, false) => "every write fails".to_owned(),
            (0, true) => "every write throttled".to_owned(),
            (_, false) => format!("{} of {} failed", grouped(of.bad()), grouped(of.all())),
            (_, true) => format!("{} of {} throttled", grouped(of.bad()), grouped(of.all())),
        };
        let slowest = if of.ok == 0 { Phrase::new(format!("{} tried", grouped(of.all()))) } else { slowest };
        return (main.into(), slowest);
    }
    let activity = match source {
        Source::LastMinute(_, activity) => *activity,
        Source::Averages(activity) => Some(*activity),
        Source::Nothing => None,
    };
    let used = activity.and_then(|all| Some((all.table.capacity_use?, all.window_s)));
    let used = used.map(|(used, window_s)| {
        Phrase::new(format!("{} of capacity, {} average", Unit::Percent.format(used), duration(window_s)))
    });
    (slowest, used.unwrap_or_else(|| "no errors".into()))
}

/// The queue by the ledger: events, without what replays have put back.
fn queue(flow: &FlowSnapshot) -> (Phrase, Phrase) {
    let main = Phrase::default()
        .count(Fact::Queued, flow)
        .text(" queued, ")
        .count(Fact::InFlight, flow)
        .text(" in flight");
    let main = match flow.ledger.replaying {
        0 => main,
        _ => main.text(", ").count(Fact::Replaying, flow).text(" replaying"),
    };
    let oldest = flow.queue.oldest_sent_at.filter(|_| !flow.queue.is_empty());
    let other = match oldest {
        Some(sent) => Phrase::new("oldest ").with(Part::Ago(Fact::Oldest, sent)),
        None => "empty".into(),
    };
    (main, other)
}

fn dlq(flow: &FlowSnapshot) -> (Phrase, Phrase) {
    let main = Phrase::default().count(Fact::InDlq, flow).text(" in the DLQ");
    let oldest = i64::try_from(flow.dlq.oldest_age_s).ok().filter(|_| !flow.dlq.is_empty());
    (main, oldest.map_or_else(|| "empty".into(), |age| format!("oldest {}", duration(age as f64)).into()))
}

fn archive(flow: &FlowSnapshot) -> Card {
    let archived = flow.ledger.archived;
    Card {
        title: "Archive",
        stage: None,
        tone: if archived > 0 { Tone::Warning } else { Tone::Good },
        main: Phrase::default().count(Fact::Archived, flow).text(" archived"),
        other: if archived > 0 { "to replay or discard".into() } else { "nothing to replay".into() },
    }
}

/// SQS does not count messages that it moves itself as sent, so this also counts arrivals at the archive.
fn dropped(source: &Source<'_>) -> String {
    let (came, seconds) = match source {
        Source::LastMinute(minute, _) => {
            let archived = minute.sum(Counted::Archived).ok;
            (minute.of(Stage::Dlq).failed.max(archived), minute.seconds())
        }
        Source::Averages(all) => (all.dlq.sent.max(all.dlq.deleted) as u64, all.window_s),
        Source::Nothing => return UNKNOWN.to_owned(),
    };
    format!("{} in {}", grouped(came), duration(seconds))
}

fn p99(source: &Source<'_>, stage: Stage, of: &Outcomes) -> Phrase {
    match source.p99(stage) {
        Some(ms) => format!("p99 {}", Unit::Milliseconds.format(ms)).into(),
        None if of.all() == 0 => "idle".into(),
        None => "p99 not known".into(),
    }
}

#[cfg(test)]
mod tests;
