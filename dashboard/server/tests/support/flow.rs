//! The flow of a pipeline whose ledger is what a test says.

use async_trait::async_trait;
use spillway_core::ids::{EventId, EventSource};
use spillway_core::ledger::{Ledger, Place};
use spillway_core::ports::{FlowError, FlowReader, Location};
use spillway_dashboard_app::ports::Ports;
use spillway_dashboard_model::ReadError;
use spillway_dashboard_model::flow::{FlowSnapshots, FlowSources, Limits, Queue, QueueReader, QueueSnapshot};
use std::{sync::Arc, time::Duration};

/// A ledger, or `None` if it can't be read, beside empty queues.
struct FixedLedger(Option<Ledger>);

#[async_trait]
impl FlowReader for FixedLedger {
    async fn ledger(&self) -> Result<Ledger, FlowError> {
        self.0.ok_or_else(|| FlowError { reason: "the data folder is gone".into() })
    }

    async fn locate(&self, _: &EventId, _: Option<&EventSource>) -> Result<Vec<Location>, FlowError> {
        Ok(Vec::new())
    }

    async fn places(&self, ids: &[EventId]) -> Result<Vec<Option<Place>>, FlowError> {
        Ok(vec![None; ids.len()])
    }
}

#[async_trait]
impl QueueReader for FixedLedger {
    async fn snapshot(&self, _: Queue) -> Result<QueueSnapshot, ReadError> {
        Ok(QueueSnapshot::default())
    }
}

/// These ports, but with that ledger.
pub fn with_ledger(ports: Ports, ledger: Option<Ledger>) -> Ports {
    let sources = FlowSources {
        ledger: Arc::new(FixedLedger(ledger)),
        archive: Arc::clone(&ports.archive),
        queues: Arc::new(FixedLedger(None)),
        metrics: Arc::clone(&ports.metrics),
        clock: Arc::clone(&ports.clock),
        names: (*ports.names).clone(),
        limits: Limits { max_receive_count: 20, retention_s: 14 * 86_400 },
    };
    Ports { flow: Arc::new(FlowSnapshots::new(sources, Duration::ZERO)), ..ports }
}
