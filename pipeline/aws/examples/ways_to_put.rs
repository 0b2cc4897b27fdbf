//! Three ways to write a batch of events to DynamoDB, side by side: what ADR 11 chose between.
//!
//! `cargo run --release -p spillway-aws --features emulator --example ways_to_put -- http://127.0.0.1:4566`, with an
//! emulator at that address. Ten batches of ten events of about 1 KB are under way at once, as with the consumer's defaults.
//! An emulator's speed says nothing of DynamoDB's, so read the ratios; its count of capacity units follows the rules that
//! DynamoDB documents.

#![expect(clippy::print_stdout, reason = "it prints a table")]

use anyhow::{Context, Result, ensure};
use aws_config::{BehaviorVersion, Region};
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, AttributeValue, BillingMode, ConsumedCapacity, KeySchemaElement, KeyType, Put,
    PutRequest, ReturnConsumedCapacity, ScalarAttributeType, TransactWriteItem, WriteRequest,
};
use futures::{StreamExt, TryStreamExt, stream};
use spillway_aws::{Clients, DynamoEvents};
use spillway_core::Timestamp;
use spillway_core::ids::EventKey;
use spillway_core::ports::{EventStore, StoreItem};
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::time::Instant;

const BATCHES: usize = 100;
const IN_A_BATCH: usize = 10;
const AT_ONCE: usize = 10;
const ROUNDS: usize = 5;
/// One event in this number is stored already, as after a redelivery.
const REPEATED: usize = 50;

/// What one round did.
#[derive(Clone, Copy, Debug, Default)]
struct Round {
    events_per_s: f64,
    calls: u64,
    units: f64,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let endpoint =
        std::env::args().nth(1).context("give the emulator's address, such as http://127.0.0.1:4566")?;
    let config = aws_config::defaults(BehaviorVersion::latest())
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .region(Region::new("eu-central-1"))
        .credentials_provider(aws_sdk_sqs::config::Credentials::new("test", "test", None, None, "a test"))
        .endpoint_url(endpoint)
        .load()
        .await;
    let client = Clients::from_config(config).dynamodb();
    let table = format!("ways-{}", spillway_core::ids::MessageId::random());
    make_table(&client, &table).await?;

    let mut rounds: [Vec<Round>; 3] = Default::default();
    for number in 0..=ROUNDS {
        // The ways alternate, so that any other load on the machine affects all of them.
        for (way, of_way) in rounds.iter_mut().enumerate() {
            let batches = batches(&format!("{number}-{way}"));
            let round = match way {
                0 => with_puts(&client, &table, &batches).await?,
                1 => with_transactions(&client, &table, &batches).await?,
                _ => with_batches(&client, &table, &batches).await?,
            };
            // The first round warms up.
            if number > 0 {
                of_way.push(round);
            }
        }
    }
    client.delete_table().table_name(&table).send().await?;

    let medians = rounds.map(median);
    println!("{:<44} {:>9} {:>6} {:>12} {:>13}", "way", "events/s", "ratio", "calls/1,000", "units/event");
    let names = [
        "PutItem, conditional, in parallel (ours)",
        "TransactWriteItems, conditional",
        "BatchWriteItem, no condition",
    ];
    for (name, round) in names.iter().zip(medians) {
        let events = (BATCHES * IN_A_BATCH) as f64;
        println!(
            "{name:<44} {:>9.0} {:>6.2} {:>12.0} {:>13.2}",
            round.events_per_s,
            medians[0].events_per_s / round.events_per_s,
            round.calls as f64 * 1000.0 / events,
            round.units / events,
        );
    }
    Ok(())
}

fn median(mut rounds: Vec<Round>) -> Round {
    rounds.sort_by(|a, b| a.events_per_s.total_cmp(&b.events_per_s));
    rounds[rounds.len() / 2]
}

fn batches(name: &str) -> Vec<Vec<StoreItem>> {
    let event = |number: usize| {
        let number = if number % REPEATED == REPEATED - 1 { number - IN_A_BATCH } else { number };
        let id = format!("{name}-{number}");
        let body = format!(
            r#"{{"specversion":"1.0","id":"{id}","source":"/shop","type":"order.placed","data":"{}"}}"#,
            "x".repeat(600)
        );
        StoreItem {
            key: EventKey::new("/shop", id),
            event_type: "order.placed".into(),
            body,
            accepted_at: Timestamp::UNIX_EPOCH,
            message_id: "0b3ff4b2-9d3f-4a63-9d5b-6f8f0f6f7a10".into(),
            replay_id: None,
        }
    };
    (0..BATCHES).map(|batch| (0..IN_A_BATCH).map(|n| event(batch * IN_A_BATCH + n)).collect()).collect()
}

/// The way that the adapter writes.
async fn with_puts(client: &Client, table: &str, batches: &[Vec<StoreItem>]) -> Result<Round> {
    let store = DynamoEvents::new(client.clone(), table);
    let start = Instant::now();
    let answers: Vec<_> =
        stream::iter(batches).map(|batch| store.put_if_absent(batch)).buffered(AT_ONCE).collect().await;
    let took = start.elapsed();
    ensure!(answers.iter().flatten().all(Result::is_ok), "a write failed");
    // The adapter does not ask what its writes cost, so a few like them do.
    let units = AtomicU64::new(0);
    for event in batches.iter().flatten().take(100) {
        let id = AttributeValue::S(format!("{}-again", event.key.id));
        let mut item = item(event);
        item.insert("id".to_owned(), id);
        let output = client
            .put_item()
            .table_name(table)
            .set_item(Some(item))
            .condition_expression("attribute_not_exists(id)")
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .await;
        match output {
            Ok(output) => add(&units, output.consumed_capacity.as_slice()),
            // A write that its condition refuses is billed too.
            Err(error)
                if error
                    .as_service_error()
                    .is_some_and(PutItemError::is_conditional_check_failed_exception) =>
            {
                units.fetch_add(1, Ordering::Relaxed);
            }
            Err(error) => return Err(error.into()),
        }
    }
    let per_event = units.into_inner() as f64 / 100.0;
    Ok(round(took, batches.len() * IN_A_BATCH, per_event * (BATCHES * IN_A_BATCH) as f64))
}

/// A transaction for each batch. If one event is there already, all are canceled, and it is tried without that one.
async fn with_transactions(client: &Client, table: &str, batches: &[Vec<StoreItem>]) -> Result<Round> {
    let (calls, units) = (AtomicU64::new(0), AtomicU64::new(0));
    let start = Instant::now();
    let transact = async |batch: &[StoreItem]| -> Result<()> {
        let mut left: Vec<&StoreItem> = batch.iter().collect();
        while !left.is_empty() {
            calls.fetch_add(1, Ordering::Relaxed);
            let puts = left.iter().map(|event| {
                let put = Put::builder().table_name(table).set_item(Some(item(event)));
                let put = put.condition_expression("attribute_not_exists(id)").build()?;
                Ok(TransactWriteItem::builder().put(put).build())
            });
            let call = client
                .transact_write_items()
                .set_transact_items(Some(puts.collect::<Result<_>>()?))
                .return_consumed_capacity(ReturnConsumedCapacity::Total);
            match call.send().await {
                Ok(output) => {
                    add(&units, output.consumed_capacity());
                    return Ok(());
                }
                Err(error) => {
                    let service = error.into_service_error();
                    let aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError::TransactionCanceledException(canceled) = service else {
                        return Err(service.into());
                    };
                    let reasons = canceled.cancellation_reasons();
                    // A canceled write is billed too.
                    units.fetch_add(2 * left.len() as u64, Ordering::Relaxed);
                    let mut position = 0;
                    left.retain(|_| {
                        position += 1;
                        reasons.get(position - 1).and_then(|reason| reason.code())
                            != Some("ConditionalCheckFailed")
                    });
                }
            }
        }
        Ok(())
    };
    stream::iter(batches).map(|batch| transact(batch)).buffered(AT_ONCE).try_collect::<Vec<()>>().await?;
    Ok(round(start.elapsed(), calls.into_inner() as usize, units.into_inner() as f64))
}

/// No condition: an event that comes again overwrites the first.
async fn with_batches(client: &Client, table: &str, batches: &[Vec<StoreItem>]) -> Result<Round> {
    let (calls, units) = (AtomicU64::new(0), AtomicU64::new(0));
    let start = Instant::now();
    let write = async |batch: &[StoreItem]| -> Result<()> {
        let put = |event: &StoreItem| {
            let put = PutRequest::builder().set_item(Some(item(event))).build()?;
            Ok(WriteRequest::builder().put_request(put).build())
        };
        let mut requests = batch.iter().map(put).collect::<Result<Vec<_>>>()?;
        while !requests.is_empty() {
            calls.fetch_add(1, Ordering::Relaxed);
            let call = client
                .batch_write_item()
                .request_items(table, requests)
                .return_consumed_capacity(ReturnConsumedCapacity::Total);
            let output = call.send().await?;
            add(&units, output.consumed_capacity());
            requests = output.unprocessed_items.unwrap_or_default().remove(table).unwrap_or_default();
        }
        Ok(())
    };
    stream::iter(batches).map(|batch| write(batch)).buffered(AT_ONCE).try_collect::<Vec<()>>().await?;
    Ok(round(start.elapsed(), calls.into_inner() as usize, units.into_inner() as f64))
}

fn round(took: std::time::Duration, calls: usize, units: f64) -> Round {
    Round { events_per_s: (BATCHES * IN_A_BATCH) as f64 / took.as_secs_f64(), calls: calls as u64, units }
}

fn add(units: &AtomicU64, consumed: &[ConsumedCapacity]) {
    let sum: f64 = consumed.iter().filter_map(ConsumedCapacity::capacity_units).sum();
    units.fetch_add(sum as u64, Ordering::Relaxed);
}

fn item(event: &StoreItem) -> HashMap<String, AttributeValue> {
    let text = |text: &str| AttributeValue::S(text.to_owned());
    [
        ("id", text(event.key.id.as_str())),
        ("source", text(event.key.source.as_str())),
        ("type", text(event.event_type.as_str())),
        ("body", text(&event.body)),
        ("accepted_at", text(&event.accepted_at.to_string())),
        ("stored_at", text(&event.accepted_at.to_string())),
        ("message_id", text(event.message_id.as_str())),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into()
}

async fn make_table(client: &Client, table: &str) -> Result<()> {
    let key = |name: &str, kind| KeySchemaElement::builder().attribute_name(name).key_type(kind).build();
    let text = |name: &str| {
        AttributeDefinition::builder().attribute_name(name).attribute_type(ScalarAttributeType::S).build()
    };
    let call = client.create_table().table_name(table).billing_mode(BillingMode::PayPerRequest);
    let call = call.key_schema(key("id", KeyType::Hash)?).key_schema(key("source", KeyType::Range)?);
    call.attribute_definitions(text("id")?).attribute_definitions(text("source")?).send().await?;
    Ok(())
}
