//! A fault that an operator switches on, to see how the system reacts.

use serde::{Deserialize, Serialize};
use spillway_core::Timestamp;
use std::time::Duration;

/// What goes wrong.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, strum::IntoStaticStr)]
#[serde(tag = "kind", rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum FaultKind {
    /// The event store answers every call with an error.
    StoreOutage,
    /// The event store has only this share of its capacity.
    StoreThrottle {
        /// Between 0 and 1.
        capacity: f64,
    },
    /// The event store answers later by this much.
    StoreLatency {
        /// Added to each call.
        #[serde(rename = "added_ms", with = "milliseconds")]
        added: Duration,
    },
    /// The consumer dies in this share of its invocations, half of them after the write.
    ConsumerCrash {
        /// Between 0 and 1.
        probability: f64,
    },
    /// The primary queue accepts nothing: the API answers 503.
    QueueOutage,
    /// The archiver fails each time, so that dead letters stay in the DLQ.
    ArchiverOutage,
}

impl FaultKind {
    /// The name on the command line, such as `store-outage`.
    pub fn name(&self) -> &'static str {
        self.into()
    }
}

/// A fault and when it is on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Fault {
    /// What goes wrong.
    #[serde(flatten)]
    pub kind: FaultKind,
    /// From when on.
    pub from: Timestamp,
    /// Until when; `None` until it is stopped.
    pub until: Option<Timestamp>,
}

impl Fault {
    /// Whether it is on at that time.
    pub fn is_on(&self, now: Timestamp) -> bool {
        self.from <= now && self.until.is_none_or(|until| now < until)
    }
}

mod milliseconds {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};
    use std::time::Duration;

    pub fn serialize<S: Serializer>(value: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
        u64::try_from(value.as_millis()).unwrap_or(u64::MAX).serialize(serializer)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
        u64::deserialize(deserializer).map(Duration::from_millis)
    }
}
