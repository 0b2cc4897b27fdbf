//! The consumer function's program.

use spillway_aws::clients::{Clients, Connection, in_function};
use spillway_aws::{DynamoReplayReports, SqsRedelivery, SystemClock, event_store, load_schema_set};
use spillway_core::ports::Schemas;
use spillway_core::schema::FixedSchemas;
use spillway_core::usecases::store::Consumer;
use spillway_functions_consumer::{Function, SchemaSettings, Settings, run};
use spillway_lambda::sqs::queue_name;
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
    let consumer = Consumer {
        store: event_store::open(&clients, &settings.event_store),
        redelivery: Arc::new(SqsRedelivery::new(
            clients.sqs_of(&settings.queue_url),
            &*settings.queue_url,
            settings.dlq_url,
        )),
        replays: Arc::new(DynamoReplayReports::new(clients.dynamodb(), settings.index, clock.clone())),
        schemas: schemas(&clients, settings.schemas).await?,
        clock,
        version: common.version,
        max_receive_count: settings.max_receive_count,
        retry: settings.retry,
    };
    let function = Function { consumer, telemetry, queue: queue_name(&settings.queue_url).to_owned() };
    serve(async |payload, invocation| Ok(run(&function, payload, invocation).await?)).await
}

/// Without schemas a consumer would store what it should refuse. So it does not start without the schemas
/// that its settings name.
async fn schemas(clients: &Clients, settings: Option<SchemaSettings>) -> Result<Arc<dyn Schemas>, Error> {
    let Some(SchemaSettings { bucket, key, version }) = settings else {
        return Ok(Arc::new(FixedSchemas::default()));
    };
    let set = load_schema_set(&clients.s3(), &bucket, &key, &version).await?;
    Ok(Arc::new(FixedSchemas(Arc::new(set))))
}
