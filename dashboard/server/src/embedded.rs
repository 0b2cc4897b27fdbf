//! What the server gets from a pipeline on this machine.

use crate::{Secret, SignInError, SignIns};
use async_trait::async_trait;
use spillway_dashboard_app::ports::{Environment, Ports};
use spillway_dashboard_embedded::Sources;
use spillway_dashboard_model::alarms::CachedAlarms;
use spillway_embedded::Attached;
use spillway_embedded::db::DbError;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// The header of every page asks for the alarms, and rules are evaluated once a minute.
const KEEP_ALARMS: Duration = Duration::from_secs(1);

/// The ports of the pages, on the pipeline with that data folder.
pub fn ports(data_folder: &Path, pipeline: &Attached, environment: Environment) -> Ports {
    let sources = Sources::of(data_folder, pipeline);
    let alarms =
        Arc::new(CachedAlarms::new(Arc::clone(&sources.alarms), Arc::clone(&pipeline.clock), KEEP_ALARMS));
    Ports {
        clock: Arc::clone(&pipeline.clock),
        environment: Arc::new(environment),
        metrics: sources.metrics,
        traces: sources.traces,
        flow: sources.flow,
        alarms,
        events: Arc::clone(&pipeline.flow),
        archive: Arc::clone(&pipeline.archive),
        replays: Arc::clone(&pipeline.replays),
        ops: Arc::clone(&pipeline.ops),
        replayer: Arc::new(pipeline.replayer()),
        names: Arc::new(pipeline.names.clone()),
        settings: Arc::new(pipeline.settings.clone()),
    }
}

/// Sign-ins kept in the data folder, so that the command line tool can issue links.
pub struct EmbeddedSignIns(pub Arc<spillway_embedded::sign_ins::SignIns>);

#[async_trait]
impl SignIns for EmbeddedSignIns {
    async fn issue(&self) -> Result<Secret, SignInError> {
        self.0.issue().await.map(Secret::new).map_err(store)
    }

    async fn redeem(&self, token: &str) -> Result<Option<Secret>, SignInError> {
        self.0.redeem(token).await.map(|session| session.map(Secret::new)).map_err(store)
    }

    async fn check(&self, session: &str) -> Result<bool, SignInError> {
        self.0.check(session).await.map_err(store)
    }
}

fn store(error: DbError) -> SignInError {
    SignInError::Store(Box::new(error))
}
