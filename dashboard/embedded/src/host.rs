//! The machine that the pipeline runs on.

use async_trait::async_trait;
use spillway_dashboard_model::flow::{ClockJump, DiskTrouble, Host, HostReader};
use spillway_embedded::Local;
use spillway_embedded::db::DbError;

/// Reads the state of the machine: from memory in the process that runs the pipeline, as far as it can be seen in another.
pub struct EmbeddedHost(Local);

impl EmbeddedHost {
    /// The machine under a pipeline.
    pub fn new(local: Local) -> Self {
        Self(local)
    }
}

#[async_trait]
impl HostReader for EmbeddedHost {
    async fn host(&self) -> Host {
        let disk = self.0.db().trouble().map(|error| match error {
            DbError::Full => DiskTrouble::Full,
            error => DiskTrouble::NotWritable(error.to_string()),
        });
        let jump = self.0.last_jump().await;
        Host { disk, clock: jump.map(|jump| ClockJump { at: jump.at, by: jump.by }) }
    }
}
