//! The catalogue: the metrics of the register as charts, with the meaning and the caveats of each.

mod api;
mod functions;
mod overview;
mod queues;
mod read;
mod table;

pub use overview::overview;
pub use read::{ChartNumbers, Charts, read};

use crate::metrics::{Gaps, Line, LineValue};
use spillway_core::names::Names;
use spillway_metrics::{Handle, MetricQuery, Resource, Statistic, Unit};
use strum::{IntoStaticStr, VariantArray};

/// The stages of the pipeline, each a page of charts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "lowercase")]
pub enum Stage {
    /// The REST API.
    Api,
    /// The function that accepts events.
    Ingest,
    /// The primary queue.
    Queue,
    /// The function that stores events.
    Consumer,
    /// The table.
    Table,
    /// The dead letter queue.
    Dlq,
    /// The function that archives dead letters.
    Archiver,
    /// Limits of the whole account.
    Account,
}

impl Stage {
    /// All of them, in the order in which an event passes them.
    pub const ALL: &'static [Self] = Self::VARIANTS;

    /// The value in a URL: `/metrics?stage=queue`.
    pub fn slug(self) -> &'static str {
        self.into()
    }

    /// The title on the page.
    pub fn title(self) -> &'static str {
        match self {
            Self::Api => "API",
            Self::Ingest => "Ingest function",
            Self::Queue => "Queue",
            Self::Consumer => "Consumer function",
            Self::Table => "Table",
            Self::Dlq => "Dead letter queue",
            Self::Archiver => "Archiver function",
            Self::Account => "Account limits",
        }
    }

    /// Its task, in a sentence.
    pub fn about(self) -> &'static str {
        match self {
            Self::Api => "Receives requests and answers 202 when their events are in the queue.",
            Self::Ingest => "Checks each request and puts its events into the queue.",
            Self::Queue => "Keeps accepted events until they are stored.",
            Self::Consumer => "Receives batches from the queue and stores their events.",
            Self::Table => "Keeps the stored events.",
            Self::Dlq => "Keeps events that could not be stored until the archiver takes them.",
            Self::Archiver => "Moves dead letters to the archive, from which they can be replayed.",
            Self::Account => "Limits and errors of the table service that are counted for the whole account.",
        }
    }

    /// The stage with that slug.
    pub fn parse(slug: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|stage| stage.slug() == slug)
    }
}

/// Which direction is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Good {
    /// Less is better: errors, ages, durations.
    Low,
    /// More is better.
    High,
    /// Neither: traffic.
    Neither,
}

/// One chart: a metric with its statistics, or a number computed from several metrics.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// The stage that it belongs to.
    pub stage: Stage,
    /// Unique within its stage, for URLs and anchors: `latency`.
    pub key: &'static str,
    /// Its title.
    pub title: &'static str,
    /// Its meaning and its caveats.
    pub help: &'static str,
    /// The unit of all its lines.
    pub unit: Unit,
    /// Which direction is better.
    pub good: Good,
    /// The meaning of a period without measurements.
    pub gaps: Gaps,
    /// Its lines, the most important one first.
    pub lines: Vec<Line>,
}

impl Entry {
    /// The queries for it.
    pub fn queries(&self) -> Vec<MetricQuery> {
        self.lines.iter().flat_map(Line::queries).cloned().collect()
    }

    /// The names of the chart's metrics in CloudWatch: first the shown metric, then those that it is a share of.
    pub fn metric_names(&self) -> String {
        let values = || self.lines.iter().map(|line| &line.value);
        let queries = values().flat_map(LineValue::shown).chain(values().flat_map(LineValue::whole));
        let mut names: Vec<&str> = Vec::new();
        for query in queries {
            if !names.contains(&&*query.metric.name) {
                names.push(&query.metric.name);
            }
        }
        names.join(", ")
    }
}

/// Every chart, stage by stage, in the order in which a page shows them.
pub fn catalogue(names: &Names) -> Vec<Entry> {
    Stage::ALL.iter().flat_map(|stage| of_stage(*stage, names)).collect()
}

/// The charts of one stage.
pub fn of_stage(stage: Stage, names: &Names) -> Vec<Entry> {
    match stage {
        Stage::Api => api::entries(names),
        Stage::Ingest => functions::ingest(names),
        Stage::Queue => queues::primary(names),
        Stage::Consumer => functions::consumer(names),
        Stage::Table => table::entries(names),
        Stage::Dlq => queues::dead_letters(names),
        Stage::Archiver => functions::archiver(names),
        Stage::Account => table::account(),
    }
}

/// A resource whose metrics are shown.
struct Source<R>(R);

impl<R: Resource> Source<R> {
    fn query(&self, metric: Handle<R>, statistic: Statistic) -> MetricQuery {
        metric.query(&self.0, statistic)
    }

    fn line(&self, label: &'static str, metric: Handle<R>, statistic: Statistic) -> Line {
        Line { label, value: LineValue::Statistic(self.query(metric, statistic)) }
    }

    /// A chart of counts.
    fn count(&self, stage: Stage, key: &'static str, metric: Handle<R>, good: Good) -> Entry {
        let lines = vec![self.line("Sum", metric, Statistic::Sum)];
        let (title, help) = ("", "");
        Entry { stage, key, title, help, unit: metric.unit(), good, gaps: Gaps::Zero, lines }
    }

    /// A chart of durations, from the median to the worst.
    fn duration(&self, stage: Stage, key: &'static str, metric: Handle<R>) -> Entry {
        let lines = vec![
            self.line("p99", metric, Statistic::P99),
            self.line("p90", metric, Statistic::P90),
            self.line("p50", metric, Statistic::P50),
            self.line("max", metric, Statistic::Maximum),
        ];
        Entry { gaps: Gaps::Unknown, lines, ..self.count(stage, key, metric, Good::Low) }
    }

    /// A chart of a level, by its maximum.
    fn gauge(&self, stage: Stage, key: &'static str, metric: Handle<R>, good: Good) -> Entry {
        let lines = vec![self.line("Maximum", metric, Statistic::Maximum)];
        Entry { gaps: Gaps::Unknown, lines, ..self.count(stage, key, metric, good) }
    }
}

impl Entry {
    fn titled(self, title: &'static str, help: &'static str) -> Self {
        Self { title, help, ..self }
    }
}

#[cfg(test)]
mod tests;
