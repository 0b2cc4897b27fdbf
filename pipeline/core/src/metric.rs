//! Metrics under CloudWatch's own names, and those that only the functions' code can see.

use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// Units, as CloudWatch spells them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Unit {
    /// How many.
    Count,
    /// How long, in ms.
    Milliseconds,
    /// How long, in s.
    Seconds,
    /// How large.
    Bytes,
    /// A share of 100.
    Percent,
    /// A number without a unit.
    None,
}

/// What a metric is called and what it is about.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct MetricId {
    /// Such as `AWS/SQS`.
    pub namespace: Cow<'static, str>,
    /// Such as `NumberOfMessagesSent`.
    pub name: Cow<'static, str>,
    /// Dimension names and values, in the catalogue's order.
    pub dimensions: Vec<(Cow<'static, str>, Cow<'static, str>)>,
}

impl MetricId {
    /// A metric with one dimension or none.
    pub fn new(namespace: &'static str, name: &'static str, dimensions: &[(&'static str, &str)]) -> Self {
        Self {
            namespace: namespace.into(),
            name: name.into(),
            dimensions: dimensions
                .iter()
                .map(|(name, value)| ((*name).into(), Cow::Owned((*value).to_owned())))
                .collect(),
        }
    }
}

/// One measured value.
#[derive(Clone, Debug, PartialEq)]
pub struct Measurement {
    /// Of what.
    pub metric: MetricId,
    /// The value, in the unit.
    pub value: f64,
    /// The unit.
    pub unit: Unit,
}

/// Namespace of the metrics that the functions' own code emits.
pub const NAMESPACE: &str = "Spillway";
/// Promises given by ingest: messages of which the queue has said that it has them. Raised before the answer goes out, so
/// that a 202 is never without it; the ledger of a deployment in AWS counts by it.
pub const EVENTS_ACCEPTED: &str = "EventsAccepted";
/// Distribution of `ApproximateReceiveCount` over records: the early warning before the DLQ.
pub const RECEIVE_COUNT: &str = "ReceiveCount";
/// Records stored.
pub const RECORDS_STORED: &str = "RecordsStored";
/// Records whose event was in the store already.
pub const RECORDS_ALREADY_STORED: &str = "RecordsAlreadyStored";
/// Records to be tried again.
pub const RECORDS_RETRIED: &str = "RecordsRetried";
/// Records put into the DLQ by the consumer.
pub const RECORDS_REJECTED: &str = "RecordsRejected";
/// Milliseconds from accepted to stored.
pub const ACCEPT_TO_STORED: &str = "AcceptToStoredLatency";
/// Records in a batch.
pub const BATCH_SIZE: &str = "BatchSize";
/// Age of the oldest dead letter in an archiver's batch, in seconds since its event was first sent.
pub const OLDEST_DEAD_LETTER_AGE: &str = "OldestDeadLetterAge";
/// Dead letters that are in the archive and could not be put into its index, by the last try to.
pub const DEAD_LETTERS_UNINDEXED: &str = "DeadLettersUnindexed";
/// Seconds until the oldest message that is in a queue expires, by the time at which its event was first sent.
pub const TIME_TO_LOSS: &str = "TimeToLoss";
/// Share of the month's budget that is spent, in percent.
pub const BUDGET_ACTUAL_PERCENT: &str = "BudgetActualPercent";
/// Share of the month's budget that will be spent by its end at the present pace, in percent.
pub const BUDGET_FORECAST_PERCENT: &str = "BudgetForecastPercent";
