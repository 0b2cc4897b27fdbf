//! What the server gets from a pipeline on this machine.

use crate::{Secret, SignInError, SignIns};
use async_trait::async_trait;
use spillway_core::replay::ReplayState;
use spillway_dashboard_app::ports::{Badges, Environment, HeaderSource, Ports};
use spillway_dashboard_embedded::Sources;
use spillway_embedded::Attached;
use spillway_embedded::db::DbError;
use spillway_telemetry::flow::FlowSource;
use std::path::Path;
use std::sync::Arc;

/// Replays that are looked at for the header. Older ones that still run are rare enough to be left out of a badge.
const REPLAYS: usize = 50;

/// The ports of the pages, on the pipeline with that data folder.
pub fn ports(data_folder: &Path, pipeline: &Attached, environment: Environment) -> Ports {
    let sources = Sources::of(data_folder, pipeline);
    Ports {
        clock: Arc::clone(&pipeline.clock),
        header: Arc::new(Header { flow: Arc::clone(&sources.flow), pipeline: pipeline.clone() }),
        environment: Arc::new(environment),
        metrics: sources.metrics,
        traces: sources.traces,
        flow: sources.flow,
        events: Arc::clone(&pipeline.flow),
        archive: Arc::clone(&pipeline.archive),
        replays: Arc::clone(&pipeline.replays),
        ops: Arc::clone(&pipeline.ops),
        replayer: Arc::new(pipeline.replayer()),
        names: Arc::new(pipeline.names.clone()),
        settings: Arc::new(pipeline.settings.clone()),
    }
}

struct Header {
    flow: Arc<dyn FlowSource>,
    pipeline: Attached,
}

#[async_trait]
impl HeaderSource for Header {
    async fn badges(&self) -> Badges {
        let running = |replays: Vec<spillway_core::replay::Replay>| {
            replays.iter().filter(|replay| replay.state == ReplayState::Running).count() as u64
        };
        let snapshot = self.flow.snapshot().await.ok();
        Badges {
            dead_letters: snapshot.map(|snapshot| snapshot.ledger.archived),
            running_replays: self.pipeline.replays.list(REPLAYS).await.ok().map(running),
        }
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
