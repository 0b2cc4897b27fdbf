//! The audit log on DynamoDB.
//!
//! | `pk` | `sk` | what |
//! |---|---|---|
//! | `audit` | `TIME#NUMBER` | entries that were added together: how many `parts` they have, or the `entries` themselves |
//! | `audit#TIME#NUMBER` | `PART` | a part of them, if they are many |
//! | `subject#SUBJECT` | `TIME#NUMBER#POSITION` | one entry, found by its subject |
//! | `document#NAME` | `document` | a document that people change, such as a response to an incident |
//!
//! Entries about dead letters and replays are written in the transaction of the changes that they are about
//! ([`DynamoOps::adding`]). Many thousands of entries do not fit in one transaction. So where they are added alone, the first
//! item is written last, and an entry counts only if that item exists. A reader sees either all entries that were added
//! together, or none.

use crate::call_error::{CallError, call_error};
use crate::dynamo::batch;
use crate::dynamo::item::{Item, item, number, number_of, text, text_of};
use crate::dynamo::transact::{Action, Change, TransactionError, transact};
use async_trait::async_trait;
use aws_sdk_dynamodb::Client;
use futures::{StreamExt, TryStreamExt, stream};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use spillway_core::Timestamp;
use spillway_core::ports::{ArchiveError, AuditEntry, OpsLog};
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

/// Bytes of entries in one item. DynamoDB takes 400 KB.
const LARGEST_PART: usize = 300 * 1024;
/// Bytes of entries that stay in the first item, so that a page of the log is one query.
const LARGEST_INLINE: usize = 16 * 1024;
/// Additions that one query reads.
const ADDITIONS_AT_ONCE: usize = 50;

/// The audit log in a table.
#[derive(Clone, Debug)]
pub struct DynamoOps {
    client: Client,
    table: String,
    /// Sorts what this process adds within one millisecond.
    number: Arc<AtomicU32>,
}

impl DynamoOps {
    /// The log in that table.
    pub fn new(client: Client, table: impl Into<String>) -> Self {
        Self { client, table: table.into(), number: Arc::default() }
    }

    async fn add(&self, entries: &[AuditEntry]) -> Result<(), CallError> {
        let mut items = self.items(entries);
        let Some(head) = items.pop() else { return Ok(()) };
        batch::put_all(&self.client, &self.table, items).await?;
        let put = self.client.put_item().table_name(&self.table).set_item(Some(head));
        put.send().await.map(|_| ()).map_err(|error| call_error("PutItem", &error))
    }

    /// What adds some entries in the transaction of the changes that they are about: an action for each, one more, and
    /// another for each [`LARGEST_PART`] if they are longer than [`LARGEST_INLINE`].
    pub(crate) fn adding(&self, entries: &[AuditEntry]) -> Vec<Action> {
        let insert = |item| Action::Insert { table: self.table.clone(), item, absent: "pk" };
        self.items(entries).into_iter().map(insert).collect()
    }

    /// The items of entries that are added together, the first item of the log as the last one.
    fn items(&self, entries: &[AuditEntry]) -> Vec<Item> {
        let Some(first) = entries.first() else { return Vec::new() };
        let number = self.number.fetch_add(1, Ordering::Relaxed) % 1_000_000;
        let random: u32 = StdRng::from_os_rng().random();
        let addition = format!("{:.3}#{number:06}{random:08x}", first.at);

        let parts = parts(entries);
        let inline = parts.len() == 1 && parts[0].len() <= LARGEST_INLINE;
        let mut items: Vec<Item> = Vec::new();
        if !inline {
            items.extend(parts.iter().enumerate().map(|(position, part)| {
                let mut item = part_key(&addition, position);
                item.insert("entries".to_owned(), text(part.as_str()));
                item
            }));
        }
        for (position, entry) in entries.iter().enumerate() {
            let mut item = subject_key(&entry.subject, format!("{addition}#{position:06}"));
            item.insert("entry".to_owned(), text(json(entry)));
            items.push(item);
        }
        let mut head = head_key(&addition);
        head.insert("parts".to_owned(), self::number(parts.len() as i64));
        if inline {
            head.insert("entries".to_owned(), text(parts.into_iter().next().unwrap_or_default()));
        }
        items.push(head);
        items
    }

    /// The newest entries.
    async fn newest(&self, limit: usize) -> Result<Vec<AuditEntry>, CallError> {
        let mut found = Vec::new();
        let mut after = None;
        while found.len() < limit {
            let page = i32::try_from((limit - found.len()).min(ADDITIONS_AT_ONCE)).unwrap_or(1);
            let output = self
                .descending("audit".to_owned())
                .limit(page)
                .set_exclusive_start_key(after)
                .send()
                .await
                .map_err(|error| call_error("Query", &error))?;
            let heads = output.items();
            let added: Vec<Vec<AuditEntry>> = stream::iter(0..heads.len())
                .map(|position| self.added(&heads[position]))
                .buffered(8)
                .try_collect()
                .await?;
            found.extend(added.into_iter().flatten());
            after = output.last_evaluated_key;
            if after.is_none() {
                break;
            }
        }
        found.truncate(limit);
        Ok(found)
    }

    /// What was added together, newest first.
    async fn added(&self, head: &Item) -> Result<Vec<AuditEntry>, CallError> {
        if let Some(inline) = text_of(head, "entries") {
            return Ok(reversed(inline).unwrap_or_else(|| vec![damaged(head, "")]));
        }
        let addition = text_of(head, "sk").unwrap_or_default();
        let count = usize::try_from(number_of(head, "parts").unwrap_or(0)).unwrap_or(0);
        let keys = (0..count).map(|position| part_key(addition, position)).collect();
        let mut parts = batch::get_all(&self.client, &self.table, keys).await?;
        parts.sort_by(|a, b| text_of(b, "sk").cmp(&text_of(a, "sk")));
        let mut entries = Vec::new();
        for part in &parts {
            let read = text_of(part, "entries").and_then(reversed);
            entries.extend(read.unwrap_or_else(|| vec![damaged(head, "")]));
        }
        Ok(entries)
    }

    /// The newest entries about a subject.
    async fn about(&self, subject: &str, limit: usize) -> Result<Vec<AuditEntry>, CallError> {
        let mut found = Vec::new();
        let mut after = None;
        while found.len() < limit {
            let output = self
                .descending(format!("subject#{subject}"))
                .limit(i32::try_from(limit - found.len()).unwrap_or(i32::MAX))
                .set_exclusive_start_key(after)
                .send()
                .await
                .map_err(|error| call_error("Query", &error))?;
            let whole = self.whole(output.items()).await?;
            for item in output.items() {
                if addition_of(item).is_some_and(|addition| whole.contains(addition)) {
                    let entry = text_of(item, "entry").and_then(|text| serde_json::from_str(text).ok());
                    found.push(entry.unwrap_or_else(|| damaged(item, subject)));
                }
            }
            after = output.last_evaluated_key;
            if after.is_none() {
                break;
            }
        }
        Ok(found)
    }

    /// Which of the additions that these entries belong to were finished.
    async fn whole(&self, entries: &[Item]) -> Result<HashSet<String>, CallError> {
        let additions: HashSet<_> = entries.iter().filter_map(addition_of).collect();
        let keys = additions.into_iter().map(head_key).collect();
        let heads = batch::get_all(&self.client, &self.table, keys).await?;
        Ok(heads.iter().filter_map(|head| text_of(head, "sk").map(str::to_owned)).collect())
    }

    fn descending(&self, pk: String) -> aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder {
        self.client
            .query()
            .table_name(&self.table)
            .key_condition_expression("pk = :pk")
            .expression_attribute_values(":pk", text(pk))
            .consistent_read(true)
            .scan_index_forward(false)
    }
}

#[async_trait]
impl OpsLog for DynamoOps {
    async fn append(&self, entries: &[AuditEntry]) -> Result<(), ArchiveError> {
        Ok(self.add(entries).await?)
    }

    async fn entries(&self, subject: Option<&str>, limit: usize) -> Result<Vec<AuditEntry>, ArchiveError> {
        Ok(match subject {
            Some(subject) => self.about(subject, limit).await?,
            None => self.newest(limit).await?,
        })
    }

    async fn documents(&self, names: &[String]) -> Result<BTreeMap<String, String>, ArchiveError> {
        let names: BTreeSet<&String> = names.iter().collect();
        let keys = names.into_iter().map(|name| document_key(name)).collect();
        let found = batch::get_all(&self.client, &self.table, keys).await?;
        let document = |item: &Item| {
            let name = text_of(item, "pk")?.strip_prefix(DOCUMENT)?;
            Some((name.to_owned(), text_of(item, "document")?.to_owned()))
        };
        Ok(found.iter().filter_map(document).collect())
    }

    async fn replace_document(
        &self,
        name: &str,
        before: Option<&str>,
        after: &str,
        entry: &AuditEntry,
    ) -> Result<bool, ArchiveError> {
        let audit = self.adding(std::slice::from_ref(entry));
        let actions = |_| {
            let change = Change::default().set("document", text(after));
            let change = match before {
                Some(before) => change.if_is("document", text(before)),
                None => change.if_absent("pk"),
            };
            let change = Action::Change { table: self.table.clone(), key: document_key(name), change };
            std::iter::once(change).chain(audit.iter().cloned()).collect()
        };
        match transact(&self.client, actions).await {
            Ok(()) => Ok(true),
            Err(TransactionError::Conditions(failed)) if failed.contains(&0) => Ok(false),
            Err(TransactionError::Conditions(_)) => {
                let reason = "another entry of the audit log has the same key".to_owned();
                Err(ArchiveError::Unavailable { reason })
            }
            Err(TransactionError::Call(error)) => Err(error.into()),
        }
    }
}

/// What the key of a document begins with.
const DOCUMENT: &str = "document#";

fn document_key(name: &str) -> Item {
    item([("pk", text(format!("{DOCUMENT}{name}"))), ("sk", text("document"))])
}

fn head_key(addition: &str) -> Item {
    item([("pk", text("audit")), ("sk", text(addition))])
}

fn part_key(addition: &str, position: usize) -> Item {
    item([("pk", text(format!("audit#{addition}"))), ("sk", text(format!("{position:06}")))])
}

fn subject_key(subject: &str, sk: String) -> Item {
    item([("pk", text(format!("subject#{subject}"))), ("sk", text(sk))])
}

/// `TIME#NUMBER` of an entry's `TIME#NUMBER#POSITION`.
fn addition_of(entry: &Item) -> Option<&str> {
    text_of(entry, "sk")?.rsplit_once('#').map(|(addition, _)| addition)
}

/// Entries as JSON arrays, none larger than an item may be.
fn parts(entries: &[AuditEntry]) -> Vec<String> {
    let mut parts: Vec<Vec<String>> = vec![Vec::new()];
    let mut bytes = 0;
    for entry in entries {
        let entry = json(entry);
        if bytes > 0 && bytes + entry.len() > LARGEST_PART {
            parts.push(Vec::new());
            bytes = 0;
        }
        bytes += entry.len() + 1;
        if let Some(part) = parts.last_mut() {
            part.push(entry);
        }
    }
    parts.into_iter().map(|part| format!("[{}]", part.join(","))).collect()
}

/// An entry as JSON. It is texts and a time, so nothing of it can't be written.
fn json(entry: &AuditEntry) -> String {
    serde_json::to_string(entry).unwrap_or_default()
}

fn reversed(entries: &str) -> Option<Vec<AuditEntry>> {
    let mut entries: Vec<AuditEntry> = serde_json::from_str(entries).ok()?;
    entries.reverse();
    Some(entries)
}

/// In place of entries that can't be read: one damaged item must not make the log unavailable.
fn damaged(item: &Item, subject: &str) -> AuditEntry {
    let time = text_of(item, "sk").and_then(|sk| sk.split('#').next()).and_then(|time| time.parse().ok());
    AuditEntry {
        at: time.unwrap_or(Timestamp::UNIX_EPOCH),
        by: "unknown".to_owned(),
        action: "unreadable".to_owned(),
        subject: subject.to_owned(),
        detail: "an item of the audit log is damaged: something else than Spillway changed it".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_entries_go_into_parts_that_fit_an_item() {
        let entry = AuditEntry {
            at: Timestamp::UNIX_EPOCH,
            by: "ada".to_owned(),
            action: "discard".to_owned(),
            subject: "m".to_owned(),
            detail: "x".repeat(1000),
        };
        let parts = parts(&vec![entry.clone(); 1000]);
        assert!(parts.len() > 1 && parts.iter().all(|part| part.len() < 400 * 1024));
        let read: Vec<_> = parts.iter().flat_map(|part| reversed(part).unwrap()).collect();
        assert_eq!(read, vec![entry; 1000]);
    }

    #[tokio::test]
    async fn an_item_that_somebody_changed_does_not_hide_the_others() {
        use crate::testing::script::{Answer, Script};
        use serde_json::json;
        let entry =
            r#"{"at":"2026-03-01T12:00:00Z","by":"ada","action":"discard","subject":"m","detail":""}"#;
        let script = Script::start(move |call, _| {
            let head = |n: u8, entries: &str| {
                let sk = format!("2026-03-01T12:00:0{n}.000Z#1");
                json!({"pk": {"S": "audit"}, "sk": {"S": sk}, "parts": {"N": "1"}, "entries": {"S": entries}})
            };
            let about = |n: u8, entry: &str| {
                let sk = format!("2026-03-01T12:00:0{n}.000Z#1#000000");
                json!({"pk": {"S": "subject#m"}, "sk": {"S": sk}, "entry": {"S": entry}})
            };
            let whole = format!("[{entry}]");
            let heads = json!([head(2, "{"), head(1, &whole)]);
            let is_about = call.body.to_string().contains("subject#m");
            Answer::Ok(match call.action.as_str() {
                "BatchGetItem" => json!({"Responses": {"ops": heads}}),
                _ if is_about => json!({"Items": [about(2, "7"), about(1, entry)]}),
                _ => json!({"Items": heads}),
            })
        })
        .await;
        let ops = DynamoOps::new(script.clients().dynamodb(), "ops");
        for subject in [None, Some("m")] {
            let found = ops.entries(subject, 10).await.unwrap();
            let actions: Vec<_> = found.iter().map(|entry| entry.action.as_str()).collect();
            assert_eq!(actions, ["unreadable", "discard"], "{subject:?}");
            assert_eq!(found[0].at.to_string(), "2026-03-01T12:00:02Z");
        }
    }
}
