//! The ends of groups: the oldest and the newest letter of each group that waits in the archive.
//!
//! | `pk` | `sk` | what |
//! |---|---|---|
//! | `ends#FINGERPRINT` | `ends` | `first` and `last`: keys between which all archived letters of the group are |
//!
//! A group is in many partitions, so finding its ends takes two queries for each. A writer widens the note when letters
//! are archived, and nobody narrows it when letters leave. So a reader checks that both letters are still there. If one
//! is not, it searches the partitions and corrects the note.

use super::entry::Entry;
use super::index::Index;
use super::walk::Found;
use crate::call_error::CallError;
use crate::dynamo::batch;
use crate::dynamo::item::{Item, item, text, text_of};
use crate::dynamo::transact::{Change, change};
use futures::{StreamExt, stream};
use spillway_core::dead_letter::DeadLetterStatus;
use spillway_core::ids::{Fingerprint, MessageId};
use std::collections::{BTreeMap, HashMap};

/// Notes that are written at once.
const WRITES_AT_ONCE: usize = 8;
const KEY: &str = "ends#";

/// What a note says about a group.
#[derive(Clone, Debug)]
pub(super) struct Noted {
    pub group: Fingerprint,
    first: Found,
    last: Found,
    /// Whether the oldest letter is still there.
    first_holds: bool,
    /// The entry of the newest letter, if it is still there.
    example: Option<Entry>,
}

impl Noted {
    /// The oldest and the newest letter with its entry, if both are still there.
    pub fn ends(&self) -> Option<(Found, Found, Entry)> {
        let example = self.example.clone().filter(|_| self.first_holds)?;
        Some((self.first.clone(), self.last.clone(), example))
    }
}

fn ends_key(group: &Fingerprint) -> Item {
    item([("pk", text(format!("{KEY}{group}"))), ("sk", text("ends"))])
}

/// Widens the notes after letters were archived. A note that could not be written is only logged: until the next letter of
/// its group arrives, a page shows an older end.
pub(super) async fn note(index: &Index, entries: &[Entry]) {
    let mut keys: BTreeMap<&Fingerprint, Vec<String>> = BTreeMap::new();
    for entry in entries.iter().filter(|entry| entry.state.status() == DeadLetterStatus::Archived) {
        keys.entry(&entry.fingerprint).or_default().push(entry.archived_key());
    }
    let mut writes = Vec::with_capacity(2 * keys.len());
    for (group, keys) in keys {
        let (Some(first), Some(last)) = (keys.iter().min(), keys.iter().max()) else { continue };
        let (first, last) = (text(first.as_str()), text(last.as_str()));
        writes.push((group, Change::default().set("last", last.clone()).if_absent_or_less("last", last)));
        writes.push((group, Change::default().set("first", first.clone()).if_absent_or_more("first", first)));
    }
    stream::iter(writes)
        .for_each_concurrent(WRITES_AT_ONCE, |(group, wider)| async move {
            if let Err(error) = change(index.client(), &index.names().table, ends_key(group), wider).await {
                tracing::warn!(%error, %group, "the ends of a group of dead letters could not be noted");
            }
        })
        .await;
}

/// The notes of groups, and whether they hold.
pub(super) async fn noted(index: &Index, groups: &[&Fingerprint]) -> Result<Vec<Noted>, CallError> {
    let keys = groups.iter().map(|group| ends_key(group)).collect();
    let notes = batch::get_all(index.client(), &index.names().table, keys).await?;
    let read = |note: &Item| {
        let end = |name| Some(Found { archived_key: text_of(note, name)?.to_owned() });
        let group = Fingerprint::new(text_of(note, "pk")?.strip_prefix(KEY)?);
        Some(Noted { group, first: end("first")?, last: end("last")?, first_holds: false, example: None })
    };
    let mut noted: Vec<Noted> = notes.iter().filter_map(read).collect();
    let ids: Vec<MessageId> = noted.iter().flat_map(|note| [note.first.id(), note.last.id()]).collect();
    let entries: HashMap<MessageId, Entry> = index.entries(&ids).await?;
    for note in &mut noted {
        let holds = |end: &Found| {
            entries.get(&end.id()).filter(|entry| {
                entry.state.status() == DeadLetterStatus::Archived
                    && entry.fingerprint == note.group
                    && entry.archived_key() == end.archived_key
            })
        };
        (note.first_holds, note.example) = (holds(&note.first).is_some(), holds(&note.last).cloned());
    }
    Ok(noted)
}

/// Corrects a note that does not hold, unless a writer was faster. An end that holds stays, because a search may not see
/// the newest letters yet. A reader without permission to write searches again the next time.
pub(super) async fn correct(index: &Index, note: &Noted, oldest: &Found, newest: &Found) {
    let first = if note.first_holds { &note.first } else { oldest };
    let last = if note.example.is_some() { &note.last } else { newest };
    let corrected = Change::default()
        .set("first", text(first.archived_key.as_str()))
        .set("last", text(last.archived_key.as_str()))
        .if_is("first", text(note.first.archived_key.as_str()))
        .if_is("last", text(note.last.archived_key.as_str()));
    if let Err(error) = change(index.client(), &index.names().table, ends_key(&note.group), corrected).await {
        tracing::debug!(%error, group = %note.group, "the ends of a group of dead letters could not be corrected");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::archive::IndexNames;
    use crate::testing::letter;
    use crate::testing::script::{Answer, Script};
    use serde_json::{Value, json};

    fn names() -> IndexNames {
        IndexNames { table: "index".to_owned(), ops_table: "ops".to_owned(), shards: 8 }
    }

    /// Answers reads with these items of the notes and of the letters, and notes writes.
    async fn script(note: Value, letters: Vec<Value>) -> (Script, Index) {
        let script = Script::start(move |call, _| match call.action.as_str() {
            "BatchGetItem" => {
                let keys = &call.body["RequestItems"]["index"]["Keys"];
                let asks_notes = keys[0]["pk"]["S"].as_str().is_some_and(|key| key.starts_with(KEY));
                let items = if asks_notes { vec![note.clone()] } else { letters.clone() };
                Answer::Ok(json!({"Responses": {"index": items}, "UnprocessedKeys": {}}))
            }
            "UpdateItem" => Answer::Ok(json!({})),
            other => panic!("{other}"),
        })
        .await;
        let index = Index::new(script.clients().dynamodb(), names());
        (script, index)
    }

    fn as_json(entry: &Entry) -> Value {
        let values = entry.item(8).into_iter().map(|(name, value)| {
            let value = match value.as_s() {
                Ok(text) => json!({"S": text}),
                Err(_) => json!({"N": value.as_n().unwrap()}),
            };
            (name, value)
        });
        Value::Object(values.collect())
    }

    fn entries() -> (Entry, Entry) {
        let mut newer = letter("m-2", "e-2");
        newer.archived_at += jiff::SignedDuration::from_secs(60);
        (Entry::of(&letter("m-1", "e-1")), Entry::of(&newer))
    }

    fn note_of(first: &Entry, last: &Entry) -> Value {
        json!({"pk": {"S": format!("{KEY}{}", first.fingerprint)}, "sk": {"S": "ends"},
            "first": {"S": first.archived_key()}, "last": {"S": last.archived_key()}})
    }

    #[tokio::test]
    async fn the_ends_of_any_number_of_groups_cost_two_calls() {
        let (first, last) = entries();
        let (script, index) = script(note_of(&first, &last), vec![as_json(&first), as_json(&last)]).await;
        let noted = noted(&index, &[&first.fingerprint]).await.unwrap();
        let (oldest, newest, example) = noted[0].ends().unwrap();
        assert_eq!((oldest.id(), newest.id()), ("m-1".into(), "m-2".into()));
        assert_eq!(example, last);
        assert_eq!(script.calls().len(), 2);
    }

    #[tokio::test]
    async fn a_note_of_a_letter_that_has_left_does_not_hold_and_is_corrected_on_that_side() {
        let (first, last) = entries();
        let left = Entry {
            state: spillway_core::dead_letter::DeadLetterState::Replaying { replay_id: "r".into() },
            ..first.clone()
        };
        let (script, index) = script(note_of(&first, &last), vec![as_json(&left), as_json(&last)]).await;
        let noted = noted(&index, &[&first.fingerprint]).await.unwrap();
        assert!(noted[0].ends().is_none());
        let found = Found { archived_key: "2026-03-01T12:00:30.000Z#m-3".to_owned() };
        correct(&index, &noted[0], &found, &found).await;
        let write = script.calls().pop().unwrap();
        let values = write.body["ExpressionAttributeValues"].to_string();
        assert!(values.contains("m-3") && values.contains(&last.archived_key()), "{values}");
        assert!(values.contains(&first.archived_key()), "only if the note is as it was read: {values}");
    }

    #[tokio::test]
    async fn a_batch_of_letters_widens_each_note_once_on_each_side() {
        let (first, last) = entries();
        let (script, index) = script(Value::Null, Vec::new()).await;
        note(&index, &[last.clone(), first.clone()]).await;
        let written = script.calls();
        assert_eq!(written.len(), 2, "{written:?}");
        let text = written.iter().map(|call| call.body.to_string()).collect::<String>();
        assert!(text.contains(&first.archived_key()) && text.contains(&last.archived_key()), "{text}");
    }
}
