//! What the parts of a deployment are called: the values of CloudWatch's dimensions and of X-Ray's segments.

use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// The names of everything that has one. The defaults are Terraform's, with its `name` left at `spillway`.
///
/// Each is a `Cow`, so that the default names cost nothing to copy where each request is measured.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Names {
    /// Dimension `ApiName` of the REST API.
    pub api: Cow<'static, str>,
    /// Dimension `Stage` of the REST API.
    pub stage: Cow<'static, str>,
    /// `FunctionName` of the function that takes events in.
    pub ingest_function: Cow<'static, str>,
    /// `FunctionName` of the function that stores events.
    pub consumer_function: Cow<'static, str>,
    /// `FunctionName` of the function that archives dead letters.
    pub archiver_function: Cow<'static, str>,
    /// `QueueName` of the primary queue.
    pub queue: Cow<'static, str>,
    /// `QueueName` of the dead letter queue.
    pub dead_letter_queue: Cow<'static, str>,
    /// `TableName` of the event store.
    pub table: Cow<'static, str>,
}

impl Default for Names {
    fn default() -> Self {
        Self {
            api: "spillway".into(),
            stage: "live".into(),
            ingest_function: "spillway-ingest".into(),
            consumer_function: "spillway-consumer".into(),
            archiver_function: "spillway-archiver".into(),
            queue: "spillway-events".into(),
            dead_letter_queue: "spillway-events-dlq".into(),
            table: "spillway-events".into(),
        }
    }
}
