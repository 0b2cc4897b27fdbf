//! The queues of a pipeline on this machine.

use async_trait::async_trait;
use spillway_core::ports::QueueKind;
use spillway_dashboard_model::ReadError;
use spillway_dashboard_model::flow::{QueueReader, QueueSnapshot};
use spillway_embedded::queue::Queues;
use std::sync::Arc;

/// Reads the queues of a pipeline.
pub struct EmbeddedQueues(Arc<Queues>);

impl EmbeddedQueues {
    /// Reads these queues.
    pub fn new(queues: Arc<Queues>) -> Self {
        Self(queues)
    }
}

#[async_trait]
impl QueueReader for EmbeddedQueues {
    async fn snapshot(&self, queue: QueueKind) -> Result<QueueSnapshot, ReadError> {
        self.0.snapshot(queue).await.map_err(|error| ReadError::Unavailable { reason: error.to_string() })
    }
}
