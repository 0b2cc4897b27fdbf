//! The server on a pipeline on this machine.

use crate::{Secret, SignInError, Tokens};
use async_trait::async_trait;
use spillway_core::Pipeline;
use spillway_dashboard_app::ports::{Environment, Ports};
use spillway_dashboard_embedded::Sources;
use spillway_dashboard_model::alarms::CachedAlarms;
use spillway_dashboard_model::incidents::CachedIncidents;
use spillway_dashboard_model::{ReadLimits, Reads};
use spillway_embedded::Local;
use spillway_embedded::db::DbError;
use std::sync::Arc;
use std::time::Duration;

/// SQLite answers at once, so only reads at the same time are shared, and pages show each change at once. Only what reads
/// many letters or events is shared for some seconds.
const READS: ReadLimits = ReadLimits {
    keep: Duration::ZERO,
    keep_progress: Duration::ZERO,
    keep_searches: Duration::ZERO,
    counted: None,
    checked: 200,
    checked_groups: 20,
    spread: Some(2_000),
    keep_examples: Duration::from_secs(10),
    sparks: true,
};
/// How long alarms are cached. The header of every page reads them, and rules are evaluated once a minute.
const KEEP_ALARMS: Duration = Duration::from_secs(1);

/// The ports of the pages, on a pipeline on this machine.
pub fn ports(pipeline: &Pipeline, local: &Local, environment: Environment) -> Ports {
    let sources = Sources::of(pipeline, local);
    let alarms =
        Arc::new(CachedAlarms::new(Arc::clone(&sources.alarms), Arc::clone(&pipeline.clock), KEEP_ALARMS));
    Ports {
        pipeline: pipeline.clone(),
        reads: Arc::new(Reads::new(pipeline.clone(), READS)),
        environment: Arc::new(environment),
        metrics: sources.metrics,
        traces: sources.traces,
        flow: sources.flow,
        alarms,
        incidents: Arc::new(CachedIncidents::new(sources.incidents, pipeline, Duration::ZERO)),
    }
}

/// Tokens kept in the data folder, so that the command line tool can issue links.
pub struct EmbeddedTokens(pub spillway_dashboard_embedded::SignInTokens);

#[async_trait]
impl Tokens for EmbeddedTokens {
    async fn issue(&self) -> Result<Secret, SignInError> {
        self.0.issue().await.map(Secret::new).map_err(store)
    }

    async fn redeem(&self, token: &str) -> Result<bool, SignInError> {
        self.0.redeem(token).await.map_err(store)
    }
}

fn store(error: DbError) -> SignInError {
    SignInError::Store(Box::new(error))
}
