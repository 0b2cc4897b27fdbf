//! Batches that are only partly accepted, which AWS answers with HTTP 200.

use super::{Call, Service};
use serde_json::{Value, json};

/// An item that was not sent, and how the answer has to report it.
#[derive(Debug)]
pub(super) enum Refused {
    /// An entry's id, for the list `Failed`.
    Entry(Value),
    /// A table and its request, for the map `UnprocessedItems`.
    Item(String, Value),
}

/// Removes the last item of a batch. Returns the rest of the batch, if any is left, and the item. `None` if it is not a
/// batch.
pub(super) fn split(call: &Call, body: &[u8]) -> Option<(Option<Vec<u8>>, Refused)> {
    let mut body: Value = serde_json::from_slice(body).ok()?;
    let (refused, left) = match call.service {
        Service::Sqs => {
            let entries = body.get_mut("Entries")?.as_array_mut()?;
            (Refused::Entry(entries.pop()?["Id"].take()), !entries.is_empty())
        }
        Service::DynamoDb => {
            let tables = body.get_mut("RequestItems")?.as_object_mut()?;
            let (table, requests) = tables.iter_mut().next_back()?;
            let table = table.clone();
            let requests = requests.as_array_mut()?;
            let request = requests.pop()?;
            if requests.is_empty() {
                tables.remove(&table);
            }
            (Refused::Item(table, request), !tables.is_empty())
        }
        Service::S3 | Service::Other => return None,
    };
    Some((left.then(|| body.to_string().into_bytes()), refused))
}

impl Refused {
    /// Adds the removed item to the answer for the smaller batch.
    pub(super) fn add_to(self, answer: &[u8]) -> Value {
        let mut answer: Value = serde_json::from_slice(answer).unwrap_or_else(|_| json!({}));
        match self {
            Self::Entry(id) => {
                let failed = json!({"Id": id, "Code": "ThrottlingException", "Message": "Rate exceeded",
                    "SenderFault": false});
                if answer["Successful"].is_null() {
                    answer["Successful"] = json!([]);
                }
                push(&mut answer["Failed"], failed);
            }
            Self::Item(table, request) => push(&mut answer["UnprocessedItems"][table], request),
        }
        answer
    }
}

fn push(list: &mut Value, item: Value) {
    match list {
        Value::Array(list) => list.push(item),
        other => *other = json!([item]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_entry_of_a_queue_batch_fails() {
        let call = Call { service: Service::Sqs, operation: "SendMessageBatch".into() };
        let body = json!({"QueueUrl": "q", "Entries": [{"Id": "a"}, {"Id": "b"}]}).to_string();
        let (fewer, refused) = split(&call, body.as_bytes()).unwrap();
        assert_eq!(
            serde_json::from_slice::<Value>(&fewer.unwrap()).unwrap()["Entries"],
            json!([{"Id": "a"}])
        );
        let answer = refused.add_to(br#"{"Successful":[{"Id":"a"}]}"#);
        assert_eq!((&answer["Failed"][0]["Id"], &answer["Successful"][0]["Id"]), (&json!("b"), &json!("a")));
        let (fewer, refused) = split(&call, br#"{"Entries":[{"Id":"a"}]}"#).unwrap();
        assert!(fewer.is_none());
        assert_eq!(refused.add_to(b"{}")["Successful"], json!([]));
    }

    #[test]
    fn the_last_item_of_a_table_batch_is_unprocessed() {
        let call = Call { service: Service::DynamoDb, operation: "BatchWriteItem".into() };
        let body = json!({"RequestItems": {"t": [{"PutRequest": 1}, {"PutRequest": 2}]}}).to_string();
        let (fewer, refused) = split(&call, body.as_bytes()).unwrap();
        assert_eq!(
            serde_json::from_slice::<Value>(&fewer.unwrap()).unwrap()["RequestItems"],
            json!({"t": [{"PutRequest": 1}]})
        );
        assert_eq!(refused.add_to(b"{}")["UnprocessedItems"], json!({"t": [{"PutRequest": 2}]}));
        assert!(split(&call, b"{}").is_none());
    }
}
