//! Spillway itself: the gateway with its socket, on a pipeline on disk with a running consumer.

use super::{Kept, Running};
use anyhow::{Result, ensure};
use spillway_core::schema::{FixedSchemas, SchemaSet};
use spillway_core::settings::PipelineSettings;
use spillway_embedded::gateway::{self, Gateway, Ports};
use spillway_embedded::{Options, Pipeline, RealClock, runtime};
use std::path::Path;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

/// The settings of production, but without rate limits in the API and the store.
pub(crate) fn settings() -> PipelineSettings {
    PipelineSettings {
        api_rate_per_s: 1e6,
        api_burst: 1e6,
        write_capacity_units: 1e9,
        ..PipelineSettings::default()
    }
}

pub(super) async fn start(folder: &Path) -> Result<Running> {
    let options = Options {
        settings: settings(),
        schemas: Arc::new(FixedSchemas(Arc::new(SchemaSet::compile(&spillway_traffic::schemas())?))),
        ..Options::at(Arc::new(RealClock))
    };
    let pipeline = Arc::new(Pipeline::open(folder, options).await?);
    let ports = Ports::of(&pipeline);
    let gateway = Arc::new(Gateway::new(ports, &pipeline.ports.settings, &pipeline.ports.names));
    let running = runtime::start(&pipeline);
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let (stop, stopped) = oneshot::channel();
    let served = tokio::spawn(async move {
        let shutdown = async {
            let _ = stopped.await;
        };
        gateway::serve(listener, gateway, shutdown).await;
        let ledger = pipeline.ports.ledger.ledger().await?;
        ensure!(ledger.unaccounted() == 0, "events are unaccounted for: {ledger:?}");
        drop(running);
        Ok(Kept { accepted: ledger.accepted, stored: Some(ledger.stored) })
    });
    Ok(Running { address, stop, served })
}
