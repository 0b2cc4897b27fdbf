//! A batch of messages from a queue, and the answer that names those that stay in the queue.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use spillway_core::Timestamp;
use spillway_core::ids::{MessageId, ReceiptHandle};
use spillway_core::message::{Attribute, MessageAttributes, ReceivedMessage};
use std::collections::HashMap;

/// Why an event is not a valid batch.
#[derive(Debug, thiserror::Error)]
pub enum BatchError {
    /// SQS does not send such an event.
    #[error("the event is not a batch of an SQS queue: {0}")]
    NotABatch(#[source] serde_json::Error),
    /// Some records have no message id, so no answer could name them.
    #[error(
        "{0} records without a message id; the batch gets no answer, so that none of its messages is deleted"
    )]
    Nameless(usize),
}

/// The members of a record, not parsed yet.
type Members<'r> = HashMap<String, &'r RawValue>;

#[derive(Deserialize)]
struct Event<'e> {
    #[serde(rename = "Records", borrow)]
    records: Vec<&'e RawValue>,
}

/// A batch.
#[derive(Debug)]
pub struct Batch {
    /// Messages with an id, in the batch's order.
    pub messages: Vec<ReceivedMessage>,
    /// The number of records without one.
    nameless: usize,
}

impl Batch {
    /// Reads an event ("Using Lambda with Amazon SQS", example event). Each record is read separately, and each of its
    /// members; a missing or invalid member is left out. A body that is not text (impossible in SQS) stays the
    /// JSON that it is, and the event reader then refuses it as malformed.
    ///
    /// # Errors
    /// The event is not a batch.
    pub fn read(payload: &RawValue, now: Timestamp) -> Result<Self, BatchError> {
        let event: Event<'_> = serde_json::from_str(payload.get()).map_err(BatchError::NotABatch)?;
        let messages: Vec<_> = event.records.iter().filter_map(|record| message(record, now)).collect();
        Ok(Self { nameless: event.records.len() - messages.len(), messages })
    }

    /// The answer that leaves these messages in the queue.
    ///
    /// # Errors
    /// Some records have no id. Lambda would delete messages that an answer does not name, so there must be no answer.
    pub fn answer(nameless: usize, failures: Vec<MessageId>) -> Result<Answer, BatchError> {
        if nameless > 0 {
            return Err(BatchError::Nameless(nameless));
        }
        let failures = failures.into_iter().map(|id| ItemFailure { item_identifier: id });
        Ok(Answer { batch_item_failures: failures.collect() })
    }

    /// The messages, and how many records could not be named.
    pub fn into_parts(self) -> (Vec<ReceivedMessage>, usize) {
        (self.messages, self.nameless)
    }
}

/// A partial batch response ("Implementing partial batch responses" in Lambda's developer guide). An empty one means that
/// all messages are done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Answer {
    #[serde(rename = "batchItemFailures")]
    batch_item_failures: Vec<ItemFailure>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct ItemFailure {
    #[serde(rename = "itemIdentifier")]
    item_identifier: MessageId,
}

#[derive(Deserialize)]
struct AttributeValue {
    #[serde(rename = "dataType")]
    data_type: Option<String>,
    #[serde(rename = "stringValue")]
    string_value: Option<String>,
    #[serde(rename = "binaryValue")]
    binary_value: Option<String>,
}

fn message(record: &RawValue, now: Timestamp) -> Option<ReceivedMessage> {
    let members: Members<'_> = serde_json::from_str(record.get()).ok()?;
    let message_id = text(&members, "messageId").filter(|id| !id.is_empty())?;
    let system: Members<'_> = inside(&members, "attributes");
    let named: Members<'_> = inside(&members, "messageAttributes");
    let attributes: MessageAttributes = named
        .iter()
        .filter_map(|(name, value)| {
            let AttributeValue { data_type, string_value, binary_value } =
                serde_json::from_str(value.get()).ok()?;
            let data_type = data_type.unwrap_or_else(|| "String".to_owned());
            Some((name.clone(), Attribute::new(data_type, string_value.or(binary_value)?)))
        })
        .collect();
    let sent_at =
        text(&system, "SentTimestamp").and_then(|text| Timestamp::from_millisecond(text.parse().ok()?).ok());
    let receive_count = text(&system, "ApproximateReceiveCount").and_then(|text| text.parse().ok());
    let body = members.get("body").map(|raw| text(&members, "body").unwrap_or_else(|| raw.get().to_owned()));
    Some(ReceivedMessage {
        message_id: MessageId::new(message_id),
        receipt_handle: ReceiptHandle::new(text(&members, "receiptHandle").unwrap_or_default()),
        body: body.unwrap_or_default(),
        attributes,
        trace_header: text(&system, "AWSTraceHeader"),
        sent_at: sent_at.unwrap_or(now),
        receive_count: receive_count.unwrap_or(1),
        // SQS saves no failures; those of a dead letter from the consumer are in its attributes.
        failures: Vec::new(),
        // SQS sets it on what its redrive policy moved ("DeadLetterQueueSourceArn" in "ReceiveMessage" of its API).
        redriven: system.contains_key("DeadLetterQueueSourceArn"),
    })
}

fn text(members: &Members<'_>, name: &str) -> Option<String> {
    serde_json::from_str(members.get(name)?.get()).ok()
}

fn inside<'r>(members: &Members<'r>, name: &str) -> Members<'r> {
    members.get(name).and_then(|raw| serde_json::from_str(raw.get()).ok()).unwrap_or_default()
}

/// The name of a queue, from its URL. CloudWatch and X-Ray use this name.
pub fn queue_name(url: &str) -> &str {
    url.rsplit('/').next().unwrap_or(url)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{json, value::to_raw_value};

    fn read(event: &serde_json::Value) -> Result<Batch, BatchError> {
        Batch::read(&to_raw_value(event).unwrap(), Timestamp::UNIX_EPOCH)
    }

    #[test]
    fn a_record_is_read_as_sqs_sends_it() {
        let batch = read(&json!({ "Records": [{
            "messageId": "059f36b4-87a3-44ab-83d2-661975830a7d",
            "receiptHandle": "AQEBwJnKyrHigUMZj6rYigCgxlaS3SLy0a...",
            "body": "{\"id\":\"a\"}",
            "attributes": {
                "ApproximateReceiveCount": "3",
                "SentTimestamp": "1545082649183",
                "SenderId": "AIDAIENQZJOLO23YVJ4VO",
                "ApproximateFirstReceiveTimestamp": "1545082649185",
                "AWSTraceHeader": "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1"
            },
            "messageAttributes": {
                "spillway-generation": { "stringValue": "2", "stringListValues": [], "binaryListValues": [], "dataType": "String" },
                "raw": { "binaryValue": "AAEC", "dataType": "Binary" }
            },
            "md5OfBody": "e4e68fb7bd0e697a0ae8f1bb342846b3",
            "eventSource": "aws:sqs",
            "eventSourceARN": "arn:aws:sqs:us-east-2:123456789012:my-queue",
            "awsRegion": "us-east-2"
        }] }));
        let (messages, nameless) = batch.unwrap().into_parts();
        assert_eq!(nameless, 0);
        let [message] = &messages[..] else { panic!("one record, not {}", messages.len()) };
        assert_eq!((message.receive_count, message.sent_at.as_millisecond()), (3, 1_545_082_649_183));
        assert_eq!((message.body.as_str(), message.generation()), ("{\"id\":\"a\"}", 2));
        assert_eq!(message.attributes["raw"], Attribute::new("Binary", "AAEC"));
        assert!(!message.redriven);
        assert!(message.trace_header.as_deref().unwrap().ends_with("Sampled=1"));
    }

    #[test]
    fn a_message_that_the_queue_moved_and_the_types_of_attributes_are_told_apart() {
        let batch = read(&json!({ "Records": [{
            "messageId": "a", "body": "{}",
            "attributes": { "DeadLetterQueueSourceArn": "arn:aws:sqs:eu-central-1:123456789012:events" },
            "messageAttributes": {
                "count": { "stringValue": "12", "dataType": "Number" },
                "odd": { "stringValue": "x" }
            }
        }] }));
        let (messages, _) = batch.unwrap().into_parts();
        assert!(messages[0].redriven);
        assert_eq!(messages[0].attributes["count"], Attribute::new("Number", "12"));
        assert_eq!(messages[0].attributes["odd"], Attribute::from("x"));
    }

    #[test]
    fn an_invalid_record_does_not_affect_the_others() {
        let event = r#"{ "Records": [
            { "messageId": "a", "body": "\ud800", "attributes": { "SentTimestamp": "soon" } },
            { "messageId": "b", "body": 7, "attributes": null, "messageAttributes": [1] },
            { "messageId": "c" },
            { "messageId": "d", "body": "good" }
        ] }"#;
        let batch =
            Batch::read(&RawValue::from_string(event.to_owned()).unwrap(), Timestamp::UNIX_EPOCH).unwrap();
        let (messages, nameless) = batch.into_parts();
        let bodies: Vec<_> = messages.iter().map(|message| message.body.as_str()).collect();
        assert_eq!((bodies, nameless), (vec![r#""\ud800""#, "7", "", "good"], 0));
        assert!(messages.iter().all(|message| message.receive_count == 1));
    }

    #[test]
    fn records_without_an_id_are_counted_and_forbid_an_answer() {
        let (messages, nameless) =
            read(&json!({ "Records": [{ "body": "x" }, 7, { "messageId": "" }, { "messageId": "a" }] }))
                .unwrap()
                .into_parts();
        assert_eq!((messages.len(), nameless), (1, 3));
        let error = Batch::answer(nameless, Vec::new()).unwrap_err();
        assert!(error.to_string().starts_with("3 records without a message id"), "{error}");
        assert!(matches!(read(&json!({ "task": "x" })), Err(BatchError::NotABatch(_))));
    }

    #[test]
    fn the_answer_is_what_lambda_reads() {
        let answer = Batch::answer(0, vec!["a".into(), "b".into()]).unwrap();
        let json = serde_json::to_string(&answer).unwrap();
        assert_eq!(json, r#"{"batchItemFailures":[{"itemIdentifier":"a"},{"itemIdentifier":"b"}]}"#);
        assert_eq!(
            serde_json::to_string(&Batch::answer(0, Vec::new()).unwrap()).unwrap(),
            r#"{"batchItemFailures":[]}"#
        );
        assert_eq!(
            queue_name("https://sqs.eu-central-1.amazonaws.com/123456789012/shop-events"),
            "shop-events"
        );
    }
}
