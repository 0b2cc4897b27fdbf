//! A fault that an operator switches on, to see how the system reacts.

use serde::{Deserialize, Serialize};
use spillway_core::Timestamp;
use std::time::Duration;

/// What goes wrong.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, strum::IntoStaticStr)]
#[serde(tag = "kind", rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum FaultKind {
    /// The event store answers with an error.
    StoreOutage {
        /// The share of the writes that fail, above 0 and at most 1.
        #[serde(default = "all", skip_serializing_if = "is_all")]
        share: f64,
    },
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
        /// The share of the calls that are late.
        #[serde(default = "all", skip_serializing_if = "is_all")]
        share: f64,
    },
    /// The consumer dies in this share of its invocations, half of them after the write.
    ConsumerCrash {
        /// Between 0 and 1.
        probability: f64,
    },
    /// The primary queue refuses messages: the API answers 503.
    QueueOutage {
        /// The share of the calls that are refused.
        #[serde(default = "all", skip_serializing_if = "is_all")]
        share: f64,
    },
    /// The archiver fails, so that dead letters stay in the DLQ.
    ArchiverOutage {
        /// The share of its invocations that fail.
        #[serde(default = "all", skip_serializing_if = "is_all")]
        share: f64,
    },
}

/// Faults from before there were shares affect every call.
fn all() -> f64 {
    1.0
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_all(share: &f64) -> bool {
    *share >= 1.0
}

impl FaultKind {
    /// The event store answers every call with an error.
    pub const STORE_OUTAGE: Self = Self::StoreOutage { share: 1.0 };
    /// The primary queue accepts nothing.
    pub const QUEUE_OUTAGE: Self = Self::QueueOutage { share: 1.0 };
    /// The archiver fails each time.
    pub const ARCHIVER_OUTAGE: Self = Self::ArchiverOutage { share: 1.0 };

    /// The event store answers every call later by that much.
    pub const fn store_latency(added: Duration) -> Self {
        Self::StoreLatency { added, share: 1.0 }
    }

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

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> FaultKind {
        serde_json::from_str::<Fault>(text).unwrap().kind
    }

    #[test]
    fn faults_from_before_there_were_shares_affect_every_call() {
        let times = r#""from":"2026-03-02T14:02:11Z","until":null"#;
        assert_eq!(read(&format!(r#"{{"kind":"store-outage",{times}}}"#)), FaultKind::STORE_OUTAGE);
        assert_eq!(read(&format!(r#"{{"kind":"queue-outage",{times}}}"#)), FaultKind::QUEUE_OUTAGE);
        assert_eq!(read(&format!(r#"{{"kind":"archiver-outage",{times}}}"#)), FaultKind::ARCHIVER_OUTAGE);
        let late = FaultKind::store_latency(Duration::from_millis(500));
        assert_eq!(read(&format!(r#"{{"kind":"store-latency","added_ms":500,{times}}}"#)), late);
    }

    #[test]
    fn a_share_is_kept_and_all_is_written_as_before() {
        let written = |kind| serde_json::to_string(&kind).unwrap();
        assert_eq!(written(FaultKind::STORE_OUTAGE), r#"{"kind":"store-outage"}"#);
        let some = FaultKind::StoreOutage { share: 0.05 };
        assert_eq!(written(some.clone()), r#"{"kind":"store-outage","share":0.05}"#);
        assert_eq!(serde_json::from_str::<FaultKind>(&written(some.clone())).unwrap(), some);
    }
}
