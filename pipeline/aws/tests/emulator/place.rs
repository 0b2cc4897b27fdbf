//! A deployment's queues, tables and bucket, each test its own, as Terraform would make them.

use aws_config::{BehaviorVersion, Region};
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, GlobalSecondaryIndex, KeySchemaElement, KeyType, Projection,
    ProjectionType, ScalarAttributeType,
};
use aws_sdk_s3::types::{BucketLocationConstraint, CreateBucketConfiguration};
use jiff::SignedDuration;
use serde_json::{Value, json};
use spillway_aws::operator::{Deployment, archive_names};
use spillway_aws::{Clients, DynamoReplayReports, SystemClock, Topology};
use spillway_core::trace::segment_id;
use std::sync::Arc;

const REGION: &str = "eu-central-1";

/// Clients of the emulator.
#[expect(clippy::disallowed_methods, reason = "the task that starts the emulator passes its address")]
pub async fn clients() -> Clients {
    let endpoint = std::env::var("SPILLWAY_EMULATOR_ENDPOINT")
        .expect("SPILLWAY_EMULATOR_ENDPOINT is not set: run this through `cargo xtask test`");
    let config = aws_config::defaults(BehaviorVersion::latest())
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .region(Region::new(REGION))
        .credentials_provider(aws_sdk_sqs::config::Credentials::new("test", "test", None, None, "a test"))
        .endpoint_url(endpoint)
        .load()
        .await;
    Clients::from_config(config)
}

/// A separate deployment.
pub async fn deployment() -> Deployment {
    let clients = clients().await;
    let name = format!("t{}", segment_id());
    let mut topology: Value = serde_json::from_str(include_str!("../recorded/topology.json")).expect("JSON");
    for (part, table) in [("table", "events"), ("dead_letter_index", "dead-letters"), ("ops_log", "ops")] {
        topology[part]["name"] = format!("{name}-{table}").into();
    }
    topology["archive"]["bucket"] = name.as_str().into();
    for (function, member) in [("ingest", "ingest"), ("consumer", "consumer"), ("archiver", "archiver")] {
        topology["functions"][member]["name"] = format!("{name}-{function}").into();
    }
    for (queue, member) in [("events", "primary"), ("dlq", "dlq")] {
        let name = format!("{name}-{queue}");
        let made = clients.sqs().create_queue().queue_name(&name).send().await.expect("a queue");
        topology["queues"][member]["name"] = name.into();
        topology["queues"][member]["url"] = json!(made.queue_url());
    }
    let topology = Topology::parse(&topology.to_string()).expect("a topology");
    table(&clients, &topology.table.name, ("id", "source"), &[]).await;
    table(&clients, &topology.ops_log.name, ("pk", "sk"), &[]).await;
    index_table(&clients, &topology.dead_letter_index.name).await;
    let constraint = CreateBucketConfiguration::builder()
        .location_constraint(BucketLocationConstraint::from(REGION))
        .build();
    let bucket = clients.s3().create_bucket().bucket(&name).create_bucket_configuration(constraint);
    bucket.send().await.expect("a bucket");
    // A test changes things past the ports and reads them at once.
    let place = Deployment::keeping(topology, clients, Arc::new(SystemClock), SignedDuration::ZERO);
    place.await.expect("ports")
}

/// A table for an index of dead letters.
pub async fn index_table(clients: &Clients, name: &str) {
    let indexes = [
        ("by_age", "age_bucket"),
        ("by_time", "time_bucket"),
        ("by_group", "group_bucket"),
        ("by_type", "type_bucket"),
        ("by_event", "event_id"),
    ];
    table(clients, name, ("pk", "sk"), &indexes).await;
}

fn keys(hash: &str, range: &str) -> Vec<KeySchemaElement> {
    [(hash, KeyType::Hash), (range, KeyType::Range)]
        .map(|(name, kind)| {
            KeySchemaElement::builder().attribute_name(name).key_type(kind).build().expect("a key")
        })
        .into()
}

async fn table(clients: &Clients, name: &str, (hash, range): (&str, &str), indexes: &[(&str, &str)]) {
    let mut attributes = vec![hash, range];
    attributes.extend(indexes.iter().map(|(_, hash)| *hash));
    if !indexes.is_empty() {
        attributes.push("archived_key");
    }
    let attributes = attributes.into_iter().map(|name| {
        AttributeDefinition::builder()
            .attribute_name(name)
            .attribute_type(ScalarAttributeType::S)
            .build()
            .expect("one")
    });
    let index = |(name, hash): &(&str, &str)| {
        GlobalSecondaryIndex::builder()
            .index_name(*name)
            .set_key_schema(Some(keys(hash, "archived_key")))
            .projection(Projection::builder().projection_type(ProjectionType::KeysOnly).build())
            .build()
            .expect("an index")
    };
    let indexes: Vec<_> = indexes.iter().map(index).collect();
    let made = clients
        .dynamodb()
        .create_table()
        .table_name(name)
        .billing_mode(BillingMode::PayPerRequest)
        .set_key_schema(Some(keys(hash, range)))
        .set_attribute_definitions(Some(attributes.collect()))
        .set_global_secondary_indexes((!indexes.is_empty()).then_some(indexes));
    made.send().await.expect("a table");
}

/// Where the consumer reports to a deployment's replays.
pub fn reports(place: &Deployment) -> DynamoReplayReports {
    let index = archive_names(&place.topology).index;
    DynamoReplayReports::new(place.clients.dynamodb(), index, Arc::clone(&place.ports.clock))
}
