//! The catalogue: how to read the metrics of the register as charts, what each chart means, and the traps in it.

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
    /// The function that takes events in.
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
    /// What is limited for the whole account.
    Account,
}

impl Stage {
    /// All of them, in the order in which an event passes them.
    pub const ALL: &'static [Self] = Self::VARIANTS;

    /// As it stands in a URL: `/metrics?stage=queue`.
    pub fn slug(self) -> &'static str {
        self.into()
    }

    /// As the page calls it.
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

    /// What it does, in a sentence.
    pub fn about(self) -> &'static str {
        match self {
            Self::Api => "Takes requests in and answers 202 once their events are in the queue.",
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

/// Which way is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Good {
    /// Less is better: errors, ages, durations.
    Low,
    /// More is better.
    High,
    /// It is as it is: traffic.
    Neither,
}

/// One chart: a metric with the statistics to look at, or a number reckoned from several.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// The stage whose page it is on.
    pub stage: Stage,
    /// Unique within its stage, for URLs and anchors: `latency`.
    pub key: &'static str,
    /// What it shows, in words.
    pub title: &'static str,
    /// What it means, and what to beware of.
    pub help: &'static str,
    /// The unit of all its lines.
    pub unit: Unit,
    /// Which way is better.
    pub good: Good,
    /// What a period without measurements means.
    pub gaps: Gaps,
    /// Its lines, the most important one first.
    pub lines: Vec<Line>,
}

impl Entry {
    /// What has to be read for it.
    pub fn queries(&self) -> Vec<MetricQuery> {
        self.lines.iter().flat_map(Line::queries).cloned().collect()
    }

    /// The metric's name as CloudWatch has it, or a list of those that the chart is computed from: first what is shown,
    /// then what that is a share of.
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

    /// How many things happened.
    fn count(&self, stage: Stage, key: &'static str, metric: Handle<R>, good: Good) -> Entry {
        let lines = vec![self.line("Sum", metric, Statistic::Sum)];
        let (title, help) = ("", "");
        Entry { stage, key, title, help, unit: metric.unit(), good, gaps: Gaps::Zero, lines }
    }

    /// How long things took, from usual to worst.
    fn duration(&self, stage: Stage, key: &'static str, metric: Handle<R>) -> Entry {
        let lines = vec![
            self.line("p99", metric, Statistic::P99),
            self.line("p90", metric, Statistic::P90),
            self.line("p50", metric, Statistic::P50),
            self.line("max", metric, Statistic::Maximum),
        ];
        Entry { gaps: Gaps::Unknown, lines, ..self.count(stage, key, metric, Good::Low) }
    }

    /// How much there is, at its worst.
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
