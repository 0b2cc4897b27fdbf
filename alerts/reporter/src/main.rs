//! The reporter function's program.

use spillway_alerts_reporter::aws::{
    CloudWatchStates, DynamoSentLog, OneBudget, S3Pictures, SnsMail, SqsWaiting,
};
use spillway_alerts_reporter::{Function, Settings, Watch, run};
use spillway_aws::SystemClock;
use spillway_aws::clients::{Clients, Connection, in_function};
use spillway_dashboard_aws::CloudWatchMetrics;
use spillway_dashboard_aws::budgets::Budgets;
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
    let watch = watch(&clients, &settings).await?;
    let function = Function {
        watch,
        states: Arc::new(CloudWatchStates::new(clients.cloudwatch())),
        metrics: Arc::new(CloudWatchMetrics::new(clients.cloudwatch(), clock.clone())),
        sent_log: Arc::new(DynamoSentLog::new(clients.dynamodb(), settings.ops_table, clock, common.timeout)),
        pictures: Arc::new(S3Pictures::new(clients.s3(), &settings.bucket, settings.digests_prefix)),
        mail: Arc::new(SnsMail::new(aws_sdk_sns::Client::new(clients.config()), settings.low_topic)),
        spending: Arc::new(OneBudget {
            budgets: Budgets::in_account(&settings.account, &settings.partition, &clients),
            name: settings.budget,
        }),
        waiting: Arc::new(SqsWaiting { client: clients.sqs(), url: settings.dlq_url }),
        retention: settings.retention,
        telemetry,
    };
    serve(async |payload, _| Ok(run(&function, payload).await?)).await
}

/// Reads the alarms that Terraform recorded. When they change, the function starts again.
async fn watch(clients: &Clients, settings: &Settings) -> Result<Watch, Error> {
    let object = clients.s3().get_object().bucket(&settings.bucket).key(&settings.alarms_key).send().await?;
    Ok(Watch::parse(&object.body.collect().await?.into_bytes())?)
}
