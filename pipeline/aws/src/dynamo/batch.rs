//! Reading and writing many items. DynamoDB may process a part of a batch and still answer with success. So
//! the rest is requested again until nothing is left.

use super::item::Item;
use crate::backoff::{Backoff, Pace};
use crate::call_error::{CallError, RetryDecision, call_error};
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{DeleteRequest, KeysAndAttributes, PutRequest, WriteRequest};
use futures::{StreamExt, TryStreamExt, stream};
use std::collections::HashMap;

/// Keys in one `BatchGetItem`.
const MAX_READ: usize = 100;
/// Items in one `BatchWriteItem`.
const MAX_WRITTEN: usize = 25;
/// Calls that are under way at once.
const CALLS_AT_ONCE: usize = 8;

/// Reads items by their keys, in any order; those that aren't there are left out. The keys are distinct.
pub(crate) async fn get_all(client: &Client, table: &str, keys: Vec<Item>) -> Result<Vec<Item>, CallError> {
    let calls: Vec<Vec<Item>> = keys.chunks(MAX_READ).map(<[Item]>::to_vec).collect();
    let read: Vec<Vec<Item>> = stream::iter(calls)
        .map(|keys| get_call(client, table, keys))
        .buffered(CALLS_AT_ONCE)
        .try_collect()
        .await?;
    Ok(read.into_iter().flatten().collect())
}

async fn get_call(client: &Client, table: &str, mut keys: Vec<Item>) -> Result<Vec<Item>, CallError> {
    const ACTION: &str = "BatchGetItem";
    let mut backoff = Backoff::new(Pace::for_limits(client.config().timeout_config()));
    let mut items = Vec::with_capacity(keys.len());
    loop {
        let wanted = KeysAndAttributes::builder()
            .set_keys(Some(std::mem::take(&mut keys)))
            // A state that was changed a moment ago must be seen, or it would be changed twice.
            .consistent_read(true)
            .build()
            .map_err(|error| CallError::ours(ACTION, &error))?;
        let output = client.batch_get_item().request_items(table, wanted).send().await;
        let output = output.map_err(|error| call_error(ACTION, &error))?;
        items.extend(output.responses.unwrap_or_default().remove(table).unwrap_or_default());
        if let Some(left) = output.unprocessed_keys.unwrap_or_default().remove(table) {
            keys = left.keys;
        }
        if keys.is_empty() {
            return Ok(items);
        }
        if !backoff.wait().await {
            return Err(left_over(ACTION, keys.len()));
        }
    }
}

/// Writes items, each whole and without a condition. The keys are distinct.
pub(crate) async fn put_all(client: &Client, table: &str, items: Vec<Item>) -> Result<(), CallError> {
    let put = |item| PutRequest::builder().set_item(Some(item)).build();
    let requests = items.into_iter().map(|item| Ok(WriteRequest::builder().put_request(put(item)?).build()));
    write_all(client, table, requests.collect()).await
}

/// Deletes items by their keys. The keys are distinct.
pub(crate) async fn delete_all(client: &Client, table: &str, keys: Vec<Item>) -> Result<(), CallError> {
    let delete = |key| DeleteRequest::builder().set_key(Some(key)).build();
    let requests =
        keys.into_iter().map(|key| Ok(WriteRequest::builder().delete_request(delete(key)?).build()));
    write_all(client, table, requests.collect()).await
}

async fn write_all(
    client: &Client,
    table: &str,
    requests: Result<Vec<WriteRequest>, aws_sdk_dynamodb::error::BuildError>,
) -> Result<(), CallError> {
    let requests = requests.map_err(|error| CallError::ours("BatchWriteItem", &error))?;
    let calls: Vec<Vec<WriteRequest>> = requests.chunks(MAX_WRITTEN).map(<[WriteRequest]>::to_vec).collect();
    stream::iter(calls)
        .map(|requests| write_call(client, table, requests))
        .buffered(CALLS_AT_ONCE)
        .try_collect()
        .await
}

async fn write_call(client: &Client, table: &str, mut requests: Vec<WriteRequest>) -> Result<(), CallError> {
    const ACTION: &str = "BatchWriteItem";
    let mut backoff = Backoff::new(Pace::for_limits(client.config().timeout_config()));
    loop {
        let wanted = HashMap::from([(table.to_owned(), requests)]);
        let output = client.batch_write_item().set_request_items(Some(wanted)).send().await;
        let output = output.map_err(|error| call_error(ACTION, &error))?;
        requests = output.unprocessed_items.unwrap_or_default().remove(table).unwrap_or_default();
        if requests.is_empty() {
            return Ok(());
        }
        if !backoff.wait().await {
            return Err(left_over(ACTION, requests.len()));
        }
    }
}

fn left_over(action: &str, count: usize) -> CallError {
    let text = format!("{action}: {count} items are not processed and there is no time left");
    CallError { decision: RetryDecision::Throttled, code: None, text }
}
