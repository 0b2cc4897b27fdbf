//! The archiver function's program.

use async_trait::async_trait;
use spillway_functions_archiver::{Function, MendIndex, Mended, Settings, run};
use spillway_aws::clients::{Connection, in_function};
use spillway_aws::{ArchiveNames, IndexNames, S3Archive, SystemClock};
use spillway_core::ports::ArchiveError;
use spillway_core::usecases::archive::Archiver;
use spillway_lambda::{Common, Error, Telemetry, serve, start};
use std::process::ExitCode;
use std::sync::Arc;

/// Most dead letters that one invocation puts into the index: each takes some 50 ms, one after the other.
const MOST_MENDED: usize = 300;

fn main() -> ExitCode {
    start(Settings::read, work)
}

async fn work(common: Common, settings: Settings) -> Result<(), Error> {
    let clock = Arc::new(SystemClock);
    let telemetry = Telemetry::new(&common, clock.clone());
    let connection = Connection::within(settings.timeout).seen_by(telemetry.calls.interceptor());
    let clients = in_function(connection);
    let names = ArchiveNames {
        bucket: settings.bucket,
        prefix: settings.prefix,
        unindexed_prefix: settings.unindexed_prefix,
        index: IndexNames {
            table: settings.index_table,
            ops_table: settings.ops_table,
            shards: settings.index_shards,
        },
    };
    let archive = Arc::new(S3Archive::new(clients.s3(), clients.dynamodb(), names, clock.clone()));
    let archiver = Archiver {
        archive: archive.clone(),
        clock,
        version: common.version,
        max_receive_count: settings.max_receive_count,
    };
    let index = Arc::new(Index(archive));
    let function = Function { archiver, index, telemetry, queue: settings.queue };
    serve(async |payload, invocation| Ok(run(&function, payload, invocation).await?)).await
}

/// The adapter's index, as the function asks for it.
struct Index(Arc<S3Archive>);

#[async_trait]
impl MendIndex for Index {
    async fn mend_index(&self) -> Result<Mended, ArchiveError> {
        let mended = self.0.mend_index(MOST_MENDED).await?;
        Ok(Mended { indexed: mended.mended, failed: mended.failed })
    }
}
