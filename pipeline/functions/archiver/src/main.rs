//! The archiver function's program.

use spillway_aws::clients::{Connection, in_function};
use spillway_aws::{DynamoReplayReports, DynamoReplays, S3Archive, SqsQueue, SystemClock};
use spillway_core::settings::PipelineSettings;
use spillway_core::usecases::archive::Archiver;
use spillway_core::usecases::replay::Carrier;
use spillway_functions_archiver::{Function, Settings, run};
use spillway_lambda::{Common, Error, Telemetry, serve, start};
use std::process::ExitCode;
use std::sync::Arc;

fn main() -> ExitCode {
    start(Settings::read, work)
}

async fn work(common: Common, settings: Settings) -> Result<(), Error> {
    let clock = Arc::new(SystemClock);
    let telemetry = Telemetry::new(&common, clock.clone());
    let calls = telemetry.calls.interceptor(spillway_aws::is_throttling);
    let clients = in_function(Connection::within(common.timeout).seen_by(calls));
    let names = settings.archive;
    let archive = Arc::new(S3Archive::new(clients.s3(), clients.dynamodb(), names.clone(), clock.clone()));
    let archiver = Archiver {
        archive: archive.clone(),
        replays: Arc::new(DynamoReplayReports::new(clients.dynamodb(), names.index.clone(), clock.clone())),
        clock: clock.clone(),
        version: common.version,
        max_receive_count: settings.max_receive_count,
    };
    let carrier = Carrier {
        replays: Arc::new(DynamoReplays::new(clients.dynamodb(), clients.s3(), names, clock.clone())),
        queue: Arc::new(SqsQueue::new(clients.sqs_of(&settings.queue_url), settings.queue_url)),
        clock,
    };
    let function = Function {
        archiver,
        index: archive,
        carrier,
        replay_rate_per_s: PipelineSettings::default().replay_rate_per_s,
        retention_s: PipelineSettings::default().retention_s,
        timeout: common.timeout,
        telemetry,
        queue: settings.queue,
    };
    serve(async |payload, invocation| Ok(run(&function, payload, invocation).await?)).await
}
