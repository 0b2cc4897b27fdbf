//! Listing stored events. The table is partitioned by the events' ids and has no index of times: such an index would double
//! what each write costs. So a list is a scan, and each event that it reads costs, whether it matches or not.

use super::{DynamoEvents, read};
use crate::dynamo::item::{Item, item, text, text_of};
use crate::explain::explain;
use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use spillway_core::ids::EventKey;
use spillway_core::ports::{
    LedgerError, StoredEvent, StoredEventFilter, StoredEventPage, StoredEvents, StoredListError, StoredOrder,
};

/// Events that one call reads at most. DynamoDB ends a call earlier after 1 MB.
const READ_AT_ONCE: i32 = 1_000;

#[async_trait]
impl StoredEvents for DynamoEvents {
    async fn list(
        &self,
        filter: &StoredEventFilter,
        _: StoredOrder,
        after: Option<&str>,
        limit: usize,
    ) -> Result<StoredEventPage, StoredListError> {
        let unknown = |cursor: &str| StoredListError::UnknownCursor(cursor.to_owned());
        let after = after.map(|cursor| parse(cursor).ok_or_else(|| unknown(cursor))).transpose()?;
        // Without a filter nothing that was read is left out.
        let is_filtered = *filter != StoredEventFilter::default();
        let most = i32::try_from(limit).unwrap_or(i32::MAX).clamp(1, READ_AT_ONCE);
        let output = self
            .reader
            .scan()
            .table_name(&self.table)
            .limit(if is_filtered { READ_AT_ONCE } else { most })
            .set_exclusive_start_key(after.as_ref().map(key))
            .send()
            .await
            .map_err(|error| {
                let error = explain(&error, "dynamodb:Scan");
                LedgerError { reason: error.to_string(), is_passing: error.is_passing() }
            })?;
        let charged = u64::try_from(output.scanned_count).unwrap_or(0);
        let mut items = Vec::new();
        for item in output.items() {
            // One item that something else than Spillway wrote must not hide the others.
            let Some(event) = event(item) else {
                tracing::warn!(
                    id = text_of(item, "id"),
                    table = self.table,
                    "a damaged item is left out of a list of events"
                );
                continue;
            };
            if filter.matches(&event) {
                items.push(event);
            }
        }
        let mut last = output.last_evaluated_key().and_then(event_key);
        if items.len() > limit {
            // The rest is read again from there.
            items.truncate(limit);
            last = items.last().map(|event| event.key.clone());
        }
        Ok(StoredEventPage { items, next: last.as_ref().map(cursor), charged })
    }

    fn is_ordered(&self) -> bool {
        false
    }
}

fn event(item: &Item) -> Option<StoredEvent> {
    read(&event_key(item)?, item)
}

fn event_key(item: &Item) -> Option<EventKey> {
    Some(EventKey::new(text_of(item, "source")?, text_of(item, "id")?))
}

fn key(of: &EventKey) -> Item {
    item([("id", text(of.id.as_str())), ("source", text(of.source.as_str()))])
}

/// Where a part ended, in characters that need no quotes in a shell.
fn cursor(last: &EventKey) -> String {
    let pair = serde_json::json!([last.id, last.source]);
    URL_SAFE_NO_PAD.encode(pair.to_string())
}

fn parse(cursor: &str) -> Option<EventKey> {
    let pair = URL_SAFE_NO_PAD.decode(cursor).ok()?;
    let (id, source): (String, String) = serde_json::from_slice(&pair).ok()?;
    Some(EventKey::new(source, id))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::script::{Answer, Script};
    use serde_json::{Value, json};

    fn stored(id: &str, event_type: &str) -> Value {
        json!({
            "id": {"S": id}, "source": {"S": "/s"}, "type": {"S": event_type}, "body": {"S": "{}"}, "message_id": {"S": "m"},
            "accepted_at": {"S": "2026-01-01T00:00:00Z"}, "stored_at": {"S": "2026-01-01T00:00:01.5Z"},
        })
    }

    async fn list(
        script: &Script,
        filter: &StoredEventFilter,
        after: Option<&str>,
        limit: usize,
    ) -> Result<StoredEventPage, StoredListError> {
        let store = DynamoEvents::new(script.clients().dynamodb(), "events");
        store.list(filter, StoredOrder::NewestFirst, after, limit).await
    }

    fn ids(page: &StoredEventPage) -> Vec<&str> {
        page.items.iter().map(|event| event.key.id.as_str()).collect()
    }

    #[tokio::test]
    async fn a_part_is_one_bounded_scan_and_the_next_one_continues_where_it_ended() {
        let script = Script::start(|call, before| match before {
            0 => {
                assert_eq!((&call.body["Limit"], &call.body["ExclusiveStartKey"]), (&json!(2), &Value::Null));
                assert_eq!(call.body["ConsistentRead"], Value::Null, "half the price");
                Answer::Ok(json!({"Items": [stored("a", "t"), stored("b", "t")], "ScannedCount": 2,
                    "LastEvaluatedKey": {"id": {"S": "b"}, "source": {"S": "/s"}}}))
            }
            _ => {
                let start = json!({"id": {"S": "b"}, "source": {"S": "/s"}});
                assert_eq!(call.body["ExclusiveStartKey"], start);
                Answer::Ok(json!({"Items": [stored("c", "t")], "ScannedCount": 1}))
            }
        })
        .await;
        let none = StoredEventFilter::default();
        let first = list(&script, &none, None, 2).await.unwrap();
        assert_eq!((ids(&first), first.charged), (vec!["a", "b"], 2));
        let second = list(&script, &none, first.next.as_deref(), 2).await.unwrap();
        assert_eq!((ids(&second), &second.next), (vec!["c"], &None));
    }

    #[tokio::test]
    async fn what_is_read_and_does_not_match_is_charged_and_matches_beyond_the_limit_are_read_again() {
        let script = Script::start(|call, before| {
            assert_eq!(call.body["Limit"], 1_000);
            match before {
                0 => Answer::Ok(json!({"ScannedCount": 4, "Items":
                    [stored("a", "t"), stored("b", "other"), stored("c", "t"), stored("d", "t")]})),
                _ => {
                    assert_eq!(call.body["ExclusiveStartKey"]["id"]["S"], "c");
                    Answer::Ok(json!({"ScannedCount": 1, "Items": [stored("d", "t")]}))
                }
            }
        })
        .await;
        let filter = StoredEventFilter { event_type: Some("t".into()), ..StoredEventFilter::default() };
        let first = list(&script, &filter, None, 2).await.unwrap();
        assert_eq!((ids(&first), first.charged), (vec!["a", "c"], 4));
        let second = list(&script, &filter, first.next.as_deref(), 2).await.unwrap();
        assert_eq!((ids(&second), &second.next), (vec!["d"], &None));
    }

    #[tokio::test]
    async fn an_item_that_somebody_changed_does_not_hide_the_others() {
        for attribute in ["type", "body", "message_id", "accepted_at", "stored_at"] {
            let script = Script::start(move |_, _| {
                let mut damaged = stored("b", "t");
                damaged[attribute] = json!({"N": "7"});
                Answer::Ok(json!({"Items": [stored("a", "t"), damaged, stored("c", "t")], "ScannedCount": 3}))
            })
            .await;
            let page = list(&script, &StoredEventFilter::default(), None, 10).await.unwrap();
            let found = ids(&page);
            assert!(found.contains(&"a") && found.contains(&"c"), "{attribute}: {found:?}");
            assert_eq!(found.contains(&"b"), attribute != "body", "what can be read is there");
        }
    }

    #[tokio::test]
    async fn a_wrong_cursor_costs_nothing_and_a_missing_permission_says_what_to_do() {
        let script = Script::start(|_, _| Answer::error("AccessDeniedException")).await;
        let none = StoredEventFilter::default();
        let error = list(&script, &none, Some("garbage"), 2).await.unwrap_err();
        assert_eq!(error, StoredListError::UnknownCursor("garbage".to_owned()));
        assert!(script.calls().is_empty());
        let error = list(&script, &none, None, 2).await.unwrap_err();
        assert!(error.to_string().contains("may not do dynamodb:Scan"), "{error}");
        assert!(matches!(error, StoredListError::Unreadable(LedgerError { is_passing: false, .. })));
    }
}
