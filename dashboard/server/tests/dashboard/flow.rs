//! The flow of a pipeline with a made-up ledger.

use async_trait::async_trait;
use spillway_core::Pipeline;
use spillway_core::ledger::Ledger;
use spillway_core::ports::{LedgerError, LedgerReader, QueueKind};
use spillway_dashboard_app::ports::Ports;
use spillway_dashboard_model::ReadError;
use spillway_dashboard_model::flow::{FlowSnapshots, FlowSources, QueueReader, QueueSnapshot};
use std::{sync::Arc, time::Duration};

/// A ledger with empty queues; `None` is a ledger that cannot be read.
struct FixedLedger(Option<Ledger>);

#[async_trait]
impl LedgerReader for FixedLedger {
    async fn ledger(&self) -> Result<Ledger, LedgerError> {
        self.0.ok_or_else(|| LedgerError { reason: "the data folder is gone".into(), is_passing: false })
    }
}

#[async_trait]
impl QueueReader for FixedLedger {
    async fn snapshot(&self, _: QueueKind) -> Result<QueueSnapshot, ReadError> {
        Ok(QueueSnapshot::default())
    }
}

/// These ports with that ledger.
pub fn with_ledger(ports: Ports, ledger: Option<Ledger>) -> Ports {
    let sources = FlowSources {
        pipeline: Pipeline { ledger: Arc::new(FixedLedger(ledger)), ..ports.pipeline.clone() },
        queues: Arc::new(FixedLedger(None)),
        metrics: Arc::clone(&ports.metrics),
        has_short_periods: true,
        host: None,
    };
    Ports { flow: Arc::new(FlowSnapshots::new(sources, Duration::ZERO)), ..ports }
}
