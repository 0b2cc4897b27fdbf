//! The event store on DynamoDB.
//!
//! Each event is a conditional `PutItem`; [ADR 11](../../../docs/adr/0011-a-conditional-put-for-each-event.md) has the
//! reasons and what it costs.

mod list;

use crate::backoff::{Backoff, Pace};
use crate::call_error::{CallError, RetryDecision, call_error};
use crate::clock::SystemClock;
use crate::dynamo::item::{Item, item, size, text, text_of, time_of};
use crate::explain::{ExplainedError, explain};
use async_trait::async_trait;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::types::ReturnValuesOnConditionCheckFailure;
use futures::{StreamExt, stream};
use spillway_core::Timestamp;
use spillway_core::ids::{EventId, EventKey, EventSource, EventType, MessageId};
use spillway_core::ports::{Clock, EventStore, PutOutcome, StoreError, StoreItem, StoredEvent};

/// DynamoDB's limit for an item, names and values together: 400 KB.
const LARGEST_ITEM: usize = 400 * 1024;
/// Writes that are under way at once for one batch.
const WRITES_AT_ONCE: usize = 32;
/// The condition that an item is written only once: DynamoDB checks the item with the same id and source.
const IF_ABSENT: &str = "attribute_not_exists(id)";

/// Events in a DynamoDB table with partition key `id` and sort key `source`.
#[derive(Clone)]
pub struct DynamoEvents {
    reader: Client,
    /// Without the SDK's retries. After a retry the SDK could not distinguish its own earlier write from
    /// another writer's.
    writer: Client,
    table: String,
    pace: Pace,
}

impl DynamoEvents {
    /// The events in that table. A write is tried for a third of the time that the client's limits give a call.
    pub fn new(client: Client, table: impl Into<String>) -> Self {
        let retries = aws_sdk_dynamodb::config::retry::RetryConfig::disabled();
        let writer = Client::from_conf(client.config().to_builder().retry_config(retries).build());
        let pace = Pace::for_limits(client.config().timeout_config());
        Self { reader: client, writer, table: table.into(), pace }
    }

    /// With other waits between tries, or another deadline.
    #[must_use]
    pub fn with_pace(mut self, pace: Pace) -> Self {
        self.pace = pace;
        self
    }

    /// Writes one event. Retries until it is stored, is found to be stored already, or no time is left.
    async fn put(&self, event: &StoreItem, mut backoff: Backoff) -> Result<PutOutcome, StoreError> {
        let item = written(event, SystemClock.now());
        let bytes = size(&item);
        if bytes > LARGEST_ITEM {
            return Err(StoreError::TooLarge { bytes, limit: LARGEST_ITEM });
        }
        if backoff.is_over() {
            return Err(self.late());
        }
        let mut in_doubt = false;
        loop {
            match self.put_once(&item, in_doubt).await {
                Ok(outcome) => return Ok(outcome),
                Err(error) if !error.decision.is_retryable() => return Err(refused(error, bytes)),
                Err(error) => {
                    in_doubt |= error.decision.may_have_happened();
                    if !backoff.wait().await {
                        return Err(self.given_up(error));
                    }
                }
            }
        }
    }

    /// One try. `in_doubt` says that an earlier try may have written the item. Then the existing item is
    /// read. If it is our own, the event counts as stored and not as stored already.
    async fn put_once(&self, item: &Item, in_doubt: bool) -> Result<PutOutcome, CallError> {
        let mut call = self
            .writer
            .put_item()
            .table_name(&self.table)
            .set_item(Some(item.clone()))
            .condition_expression(IF_ABSENT);
        if in_doubt {
            call = call.return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        }
        let error = match call.send().await {
            Ok(_) => return Ok(PutOutcome::Stored),
            Err(error) => error,
        };
        if let Some(PutItemError::ConditionalCheckFailedException(existing)) = error.as_service_error() {
            let ours = existing.item.as_ref().is_some_and(|there| is_same_write(there, item));
            return Ok(if ours { PutOutcome::Stored } else { PutOutcome::AlreadyStored });
        }
        Err(call_error("PutItem", &error))
    }

    fn given_up(&self, error: CallError) -> StoreError {
        match error.decision {
            RetryDecision::Throttled => StoreError::Throttled,
            RetryDecision::TimedOut => self.late(),
            RetryDecision::Unknown | RetryDecision::Refused => StoreError::Unavailable { reason: error.text },
        }
    }

    fn late(&self) -> StoreError {
        let seconds = u32::try_from(self.pace.within.as_secs()).unwrap_or(u32::MAX).max(1);
        StoreError::Timeout { seconds }
    }
}

#[async_trait]
impl EventStore for DynamoEvents {
    async fn put_if_absent(&self, items: &[StoreItem]) -> Vec<Result<PutOutcome, StoreError>> {
        let backoff = Backoff::new(self.pace);
        stream::iter(0..items.len())
            .map(|position| self.put(&items[position], backoff.clone()))
            .buffered(WRITES_AT_ONCE)
            .collect()
            .await
    }

    async fn get(&self, key: &EventKey) -> Result<Option<StoredEvent>, StoreError> {
        let output = self
            .reader
            .get_item()
            .table_name(&self.table)
            .key("id", text(key.id.as_str()))
            .key("source", text(key.source.as_str()))
            // A reader must see a stored event from the moment at which the consumer's write was confirmed.
            .consistent_read(true)
            .send()
            .await
            .map_err(|error| self.given_up(call_error("GetItem", &error)))?;
        let Some(item) = output.item else { return Ok(None) };
        read(key, &item).map(Some).ok_or_else(|| StoreError::Unavailable {
            reason: format!("the item of {key} in {} lacks an attribute", self.table),
        })
    }

    async fn sources(&self, id: &EventId) -> Result<Vec<EventSource>, StoreError> {
        // The id alone is the partition key.
        let query = self
            .reader
            .query()
            .table_name(&self.table)
            .consistent_read(true)
            .key_condition_expression("#id = :id")
            .projection_expression("#source")
            .expression_attribute_names("#id", "id")
            .expression_attribute_names("#source", "source")
            .expression_attribute_values(":id", text(id.as_str()));
        let mut items = query.into_paginator().items().send();
        let mut sources = Vec::new();
        while let Some(item) = items.next().await {
            let item = item.map_err(|error| match explain(&error, "dynamodb:Query") {
                ExplainedError::Throttled { .. } => StoreError::Throttled,
                ExplainedError::Unanswered { .. } => self.late(),
                ExplainedError::Failed { reason } => StoreError::Unavailable { reason },
            })?;
            sources.extend(text_of(&item, "source").map(EventSource::new));
        }
        Ok(sources)
    }
}

/// An event as an item.
fn written(event: &StoreItem, now: Timestamp) -> Item {
    item([
        ("id", text(event.key.id.as_str())),
        ("source", text(event.key.source.as_str())),
        ("type", text(event.event_type.as_str())),
        ("body", text(event.body.as_str())),
        ("accepted_at", text(event.accepted_at.to_string())),
        ("stored_at", text(now.to_string())),
        ("message_id", text(event.message_id.as_str())),
    ])
}

/// Reads an item, whatever is in its attributes beside the body.
fn read(key: &EventKey, item: &Item) -> Option<StoredEvent> {
    let time = |name| time_of(item, name).unwrap_or(Timestamp::UNIX_EPOCH);
    Some(StoredEvent {
        key: key.clone(),
        event_type: EventType::new(text_of(item, "type").unwrap_or_default()),
        body: text_of(item, "body")?.to_owned(),
        accepted_at: time("accepted_at"),
        stored_at: time("stored_at"),
        message_id: MessageId::new(text_of(item, "message_id").unwrap_or_default()),
    })
}

/// Whether the existing item was written by this very call: the same message at the same instant. The same
/// message at another instant is an earlier delivery of it, whose write was counted then.
fn is_same_write(there: &Item, ours: &Item) -> bool {
    ["message_id", "stored_at"].iter().all(|name| there.get(*name) == ours.get(*name))
}

fn refused(error: CallError, bytes: usize) -> StoreError {
    // DynamoDB may count a byte or two differently than we do, and its result decides.
    if error.code.as_deref() == Some("ValidationException") && error.text.contains("Item size") {
        return StoreError::TooLarge { bytes, limit: LARGEST_ITEM };
    }
    StoreError::Unavailable { reason: error.text }
}

#[cfg(test)]
mod tests;
