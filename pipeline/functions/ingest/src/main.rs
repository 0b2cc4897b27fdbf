//! The ingest function's program.

use spillway_aws::clients::{Connection, in_function};
use spillway_aws::{SqsQueue, SystemClock};
use spillway_functions_ingest::{Function, Settings, run};
use spillway_ingest::Ingest;
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
    let queue = Arc::new(SqsQueue::new(clients.sqs_of(&settings.queue_url), settings.queue_url));
    let function = Function { ingest: Ingest::new(queue, clock, settings.ingest), telemetry };
    serve(async |payload, invocation| Ok(run(&function, payload, invocation).await?)).await
}
