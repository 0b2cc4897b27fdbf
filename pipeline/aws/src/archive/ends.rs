//! The ends of groups: the oldest and the newest letter of each group, of those that wait, that were replayed, and that were
//! discarded.
//!
//! | `pk` | `sk` | what |
//! |---|---|---|
//! | `ends#FINGERPRINT` | a [`Part`] | `first` and `last`: keys between which all letters of the group in these states are |
//!
//! A group is in many partitions, so finding an end takes a query for each. A writer widens the note when letters enter its
//! states. An order of an operator that takes away an end searches for the new one. Others do not, and an index may lag behind
//! its table. So a reader checks that both letters are still there. If one is not, it searches the partitions for that end and
//! corrects the note.

use super::entry::Entry;
use super::index::Index;
use super::search;
use super::walk::{self, By, End, Found, Range};
use crate::call_error::CallError;
use crate::dynamo::batch;
use crate::dynamo::item::{Item, item, text, text_of};
use crate::dynamo::transact::{Change, change};
use futures::{StreamExt, stream};
use spillway_core::dead_letter::DeadLetterStatus;
use spillway_core::ids::{Fingerprint, MessageId};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

/// Notes that are written at once.
const WRITES_AT_ONCE: usize = 8;
const KEY: &str = "ends#";

/// States that share a note.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Part {
    /// Letters in the archive.
    Waiting,
    /// Letters that a replay took. The consumer stores each alone, and writes no note for it.
    Replayed,
    Discarded,
}

impl Part {
    /// The one with a state.
    pub fn of(state: DeadLetterStatus) -> Self {
        match state {
            DeadLetterStatus::Archived => Self::Waiting,
            DeadLetterStatus::Replaying | DeadLetterStatus::Stored => Self::Replayed,
            DeadLetterStatus::Discarded => Self::Discarded,
        }
    }

    /// The names of its states.
    fn states(self) -> Vec<&'static str> {
        let all = DeadLetterStatus::ALL.iter().filter(|state| Self::of(**state) == self);
        all.map(|state| state.as_str()).collect()
    }

    fn name(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Replayed => "replayed",
            Self::Discarded => "discarded",
        }
    }

    fn parse(name: &str) -> Option<Self> {
        [Self::Waiting, Self::Replayed, Self::Discarded].into_iter().find(|part| part.name() == name)
    }
}

/// What a note says about a part of a group.
#[derive(Clone, Debug)]
pub(super) struct Noted {
    pub group: Fingerprint,
    pub part: Part,
    first: Found,
    last: Found,
    /// Whether the oldest letter is still there.
    first_holds: bool,
    /// The entry of the newest letter, if it is still there.
    example: Option<Entry>,
}

impl Noted {
    /// The oldest letter, if it is still there.
    pub fn oldest(&self) -> Option<Found> {
        self.first_holds.then(|| self.first.clone())
    }

    /// The newest letter with its entry, if it is still there.
    pub fn newest(&self) -> Option<(Found, Entry)> {
        Some((self.last.clone(), self.example.clone()?))
    }
}

fn ends_key(group: &Fingerprint, part: Part) -> Item {
    item([("pk", text(format!("{KEY}{group}"))), ("sk", text(part.name()))])
}

/// Widens the notes after letters came into a state. A note that could not be written is only logged: until the next letter
/// of its group arrives, a page shows an older end.
pub(super) async fn note(index: &Index, entries: &[Entry]) {
    let mut keys: BTreeMap<(&Fingerprint, Part), Vec<String>> = BTreeMap::new();
    for entry in entries {
        let part = Part::of(entry.state.status());
        keys.entry((&entry.fingerprint, part)).or_default().push(entry.archived_key());
    }
    let mut writes = Vec::with_capacity(2 * keys.len());
    for ((group, part), keys) in keys {
        let (Some(first), Some(last)) = (keys.iter().min(), keys.iter().max()) else { continue };
        let (first, last) = (text(first.as_str()), text(last.as_str()));
        let key = ends_key(group, part);
        writes.push((
            key.clone(),
            group,
            Change::default().set("last", last.clone()).if_absent_or_less("last", last),
        ));
        writes.push((
            key,
            group,
            Change::default().set("first", first.clone()).if_absent_or_more("first", first),
        ));
    }
    stream::iter(writes)
        .for_each_concurrent(WRITES_AT_ONCE, |(key, group, wider)| async move {
            if let Err(error) = change(index.client(), &index.names().table, key, wider).await {
                tracing::warn!(%error, %group, "the ends of a group of dead letters could not be noted");
            }
        })
        .await;
}

async fn read(index: &Index, parts: &[(&Fingerprint, Part)]) -> Result<Vec<Noted>, CallError> {
    let keys = parts.iter().map(|(group, part)| ends_key(group, *part)).collect();
    let notes = batch::get_all(index.client(), &index.names().table, keys).await?;
    let read = |note: &Item| {
        let end = |name| Some(Found { archived_key: text_of(note, name)?.to_owned() });
        let group = Fingerprint::new(text_of(note, "pk")?.strip_prefix(KEY)?);
        let part = Part::parse(text_of(note, "sk")?)?;
        let (first, last) = (end("first")?, end("last")?);
        Some(Noted { group, part, first, last, first_holds: false, example: None })
    };
    Ok(notes.iter().filter_map(read).collect())
}

/// The notes of parts of groups, and whether they hold for letters in these states.
pub(super) async fn noted(
    index: &Index,
    parts: &[(&Fingerprint, Part)],
    states: &[DeadLetterStatus],
) -> Result<Vec<Noted>, CallError> {
    let mut noted = read(index, parts).await?;
    let ids: Vec<MessageId> = noted.iter().flat_map(|note| [note.first.id(), note.last.id()]).collect();
    let entries: HashMap<MessageId, Entry> = index.entries(&ids).await?;
    for note in &mut noted {
        let holds = |end: &Found| {
            entries.get(&end.id()).filter(|entry| {
                let state = entry.state.status();
                states.contains(&state)
                    && Part::of(state) == note.part
                    && entry.fingerprint == note.group
                    && entry.archived_key() == end.archived_key
            })
        };
        (note.first_holds, note.example) = (holds(&note.first).is_some(), holds(&note.last).cloned());
    }
    Ok(noted)
}

/// After an order took these letters, given as they were before: searches for the ends that it took away, so that no page has
/// to. What fails is only logged, because a reader checks each note.
pub(super) async fn left(index: &Index, entries: &[Entry]) {
    let parts: BTreeSet<_> =
        entries.iter().map(|entry| (&entry.fingerprint, Part::of(entry.state.status()))).collect();
    let parts: Vec<_> = parts.into_iter().collect();
    let gone: HashSet<String> = entries.iter().map(Entry::archived_key).collect();
    let narrowed = async {
        for mut note in read(index, &parts).await? {
            note.first_holds = !gone.contains(&note.first.archived_key);
            let last_holds = !gone.contains(&note.last.archived_key);
            if note.first_holds && last_holds {
                continue;
            }
            let partitions = search::group_partitions(&note.group, &note.part.states(), index.names().shards);
            let range = Range::default();
            let first = match note.first_holds {
                true => Some(note.first.clone()),
                false => walk::end(index, By::Group, &partitions, &range, End::Oldest).await?,
            };
            let last = match last_holds {
                true => Some(note.last.clone()),
                false => walk::end(index, By::Group, &partitions, &range, End::Newest).await?,
            };
            if let Some((first, last)) = first.zip(last) {
                correct(index, (&note.group, note.part), Some(&note), (&first, &last)).await;
            }
        }
        Ok::<_, CallError>(())
    };
    if let Err(error) = narrowed.await {
        tracing::debug!(%error, "the ends of groups could not be searched after an order");
    }
}

/// Corrects a note that does not hold, or writes the one that is missing, unless a writer was faster. An end that holds stays,
/// because a search may not see the newest letters yet. A reader without permission to write searches again the next time.
pub(super) async fn correct(
    index: &Index,
    (group, part): (&Fingerprint, Part),
    note: Option<&Noted>,
    (oldest, newest): (&Found, &Found),
) {
    let oldest = note.and_then(Noted::oldest).unwrap_or_else(|| oldest.clone());
    let newest = note.and_then(Noted::newest).map_or_else(|| newest.clone(), |(newest, _)| newest);
    let corrected = Change::default()
        .set("first", text(oldest.archived_key.as_str()))
        .set("last", text(newest.archived_key.as_str()));
    let corrected = match note {
        Some(note) => corrected
            .if_is("first", text(note.first.archived_key.as_str()))
            .if_is("last", text(note.last.archived_key.as_str())),
        None => corrected.if_absent("first").if_absent("last"),
    };
    if let Err(error) = change(index.client(), &index.names().table, ends_key(group, part), corrected).await {
        tracing::debug!(%error, %group, "the ends of a group of dead letters could not be corrected");
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

    const WAITING: &[DeadLetterStatus] = &[DeadLetterStatus::Archived];

    fn note_of(first: &Entry, last: &Entry) -> Value {
        json!({"pk": {"S": format!("{KEY}{}", first.fingerprint)}, "sk": {"S": "waiting"},
            "first": {"S": first.archived_key()}, "last": {"S": last.archived_key()}})
    }

    #[tokio::test]
    async fn the_ends_of_any_number_of_groups_cost_two_calls() {
        let (first, last) = entries();
        let (script, index) = script(note_of(&first, &last), vec![as_json(&first), as_json(&last)]).await;
        let noted = noted(&index, &[(&first.fingerprint, Part::Waiting)], WAITING).await.unwrap();
        let (newest, example) = noted[0].newest().unwrap();
        assert_eq!((noted[0].oldest().unwrap().id(), newest.id()), ("m-1".into(), "m-2".into()));
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
        let group = (&first.fingerprint, Part::Waiting);
        let noted = noted(&index, &[group], WAITING).await.unwrap();
        assert!(noted[0].oldest().is_none() && noted[0].newest().is_some());
        let found = Found { archived_key: "2026-03-01T12:00:30.000Z#m-3".to_owned() };
        correct(&index, group, Some(&noted[0]), (&found, &found)).await;
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

    #[tokio::test]
    async fn a_missing_note_is_written_unless_a_writer_was_faster() {
        let (first, last) = entries();
        let (script, index) = script(Value::Null, Vec::new()).await;
        let ends = [&first, &last].map(|entry| Found { archived_key: entry.archived_key() });
        correct(&index, (&first.fingerprint, Part::Discarded), None, (&ends[0], &ends[1])).await;
        let write = script.calls().pop().unwrap();
        assert_eq!(write.body["Key"]["sk"]["S"], "discarded");
        let condition = write.body["ConditionExpression"].as_str().unwrap();
        assert_eq!(condition.matches("attribute_not_exists").count(), 2, "{condition}");
    }
}
