//! The archive of dead letters: S3 has the letters, DynamoDB their index.
//!
//! A dead letter is archived once S3 has it. The index is written after that. If that write fails, a note in
//! the bucket records it, and [`IndexedArchive::repair`] adds the missing entry. Only the index has the state
//! of a letter. But the ops table has the records from which that state follows. So
//! [`IndexedArchive::rebuild`] can rebuild the whole index.

mod ends;
mod entry;
mod index;
mod objects;
mod put;
mod query;
mod rebuild;
mod search;
mod walk;

pub(crate) use ends::Part;
pub(crate) use entry::Entry;
pub(crate) use index::{Index, LETTERS_AT_ONCE, Step};
pub(crate) use objects::{Archiving, Objects};

use crate::ops::DynamoOps;
use crate::replays::log::Log;
use crate::topology::Topology;
use async_trait::async_trait;
use futures::{StreamExt, TryStreamExt, stream};
use jiff::SignedDuration;
use spillway_core::dead_letter::{
    DeadLetter, DeadLetterFilter, DeadLetterGroup, DeadLetterState, DeadLetterStatus, Page,
};
use spillway_core::failure::Failure;
use spillway_core::ids::{CodeVersion, EventId, EventKey, MessageId};
use spillway_core::message::MessageAttributes;
use spillway_core::ports::{
    ArchiveError, AuditNote, Clock, DeadLetterSink, DeadLetters, IndexRebuild, IndexRepair, IndexedArchive,
};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

/// Objects that are read at once.
const READS_AT_ONCE: usize = 32;

/// Where the index of dead letters is, and the log of replays.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IndexNames {
    /// Table with the index.
    pub table: String,
    /// Table with replays and the audit log.
    pub ops_table: String,
    /// Partitions over which the index is spread. It must stay what it was when the first letter was archived.
    pub shards: u32,
}

/// Where the archive is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArchiveNames {
    /// The bucket.
    pub bucket: String,
    /// Where keys of dead letters begin, such as `dead-letters/`.
    pub prefix: String,
    /// Where notes of dead letters begin that the index lacks, such as `unindexed/`.
    pub unindexed_prefix: String,
    /// Where the index is.
    pub index: IndexNames,
}

/// Where a deployment keeps its dead letters.
pub fn archive_names(topology: &Topology) -> ArchiveNames {
    ArchiveNames {
        bucket: topology.archive.bucket.clone(),
        prefix: topology.archive.prefix.clone(),
        unindexed_prefix: topology.archive.unindexed_prefix.clone(),
        index: IndexNames {
            table: topology.dead_letter_index.name.clone(),
            ops_table: topology.ops_log.name.clone(),
            shards: topology.dead_letter_index.shards,
        },
    }
}

/// The archive.
#[derive(Clone)]
pub struct S3Archive {
    objects: Objects,
    index: Index,
    log: Log,
    audit: DynamoOps,
    clock: Arc<dyn Clock>,
}

impl S3Archive {
    /// The archive with those names.
    pub fn new(
        s3: aws_sdk_s3::Client,
        dynamodb: aws_sdk_dynamodb::Client,
        names: ArchiveNames,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let index = Index::new(dynamodb.clone(), names.index.clone());
        let log = Log { client: dynamodb.clone(), table: names.index.ops_table.clone() };
        let audit = DynamoOps::new(dynamodb, names.index.ops_table.as_str());
        Self { objects: Objects::new(s3, names), index, log, audit, clock }
    }

    /// Reads the counters of the index again after this time. What another process writes is seen after that.
    #[must_use]
    pub fn keeping_counts(self, keep: SignedDuration) -> Self {
        Self { index: self.index.keeping_counts(Arc::clone(&self.clock), keep), ..self }
    }

    pub(crate) fn index(&self) -> &Index {
        &self.index
    }

    /// The complete dead letters of entries, in their order. A letter whose objects are gone is what the index has of it.
    async fn letters(&self, entries: Vec<Entry>) -> Result<Vec<DeadLetter>, ArchiveError> {
        Ok(letters(&self.objects, entries).await?)
    }
}

/// The dead letters of entries, in their order.
pub(crate) async fn letters(
    objects: &Objects,
    entries: Vec<Entry>,
) -> Result<Vec<DeadLetter>, crate::call_error::CallError> {
    stream::iter(entries)
        .map(|entry| async move {
            let archiving = Archiving { id: entry.id.clone(), generation: entry.generation };
            let whole = objects.whole(&archiving).await?;
            Ok::<_, crate::call_error::CallError>(match whole {
                Some(letter) => as_indexed(letter, entry),
                None => lost(entry),
            })
        })
        .buffered(READS_AT_ONCE)
        .try_collect()
        .await
}

/// What the index has of a letter whose objects were deleted, or have expired (`keep_days` of the bucket).
fn lost(entry: Entry) -> DeadLetter {
    let failure = Failure {
        first_at: entry.archived_at,
        last_at: entry.archived_at,
        ..Failure::new(entry.class, entry.message.as_str(), &version(&entry), entry.archived_at)
    };
    DeadLetter {
        id: entry.id,
        key: entry.source.zip(entry.event_id).map(|(source, id)| EventKey::new(source, id)),
        event_type: entry.event_type,
        body: String::new(),
        attributes: MessageAttributes::new(),
        trace_header: None,
        first_sent_at: entry.archived_at,
        archived_at: entry.archived_at,
        receive_count: entry.receive_count,
        generation: entry.generation,
        is_foreign: entry.is_foreign,
        is_lost: true,
        glance: Some(entry.glance),
        failures: vec![failure],
        fingerprint: entry.fingerprint,
        state: entry.state,
        replays: entry.replays,
    }
}

/// The version in which a letter failed, for people.
fn version(entry: &Entry) -> CodeVersion {
    match entry.version.as_str() {
        "" => CodeVersion::new("unknown"),
        _ => entry.version.clone(),
    }
}

/// A letter as far as the index has it: without body and attributes, and with the last failure only.
fn brief(entry: Entry) -> DeadLetter {
    let failure = Failure::new(entry.class, entry.message, &entry.version, entry.archived_at);
    let key = entry.source.zip(entry.event_id).map(|(source, id)| EventKey::new(source, id));
    DeadLetter {
        id: entry.id,
        key,
        event_type: entry.event_type,
        body: String::new(),
        attributes: MessageAttributes::new(),
        trace_header: None,
        first_sent_at: entry.archived_at,
        failures: vec![failure],
        fingerprint: entry.fingerprint,
        receive_count: entry.receive_count,
        generation: entry.generation,
        is_foreign: entry.is_foreign,
        is_lost: false,
        glance: Some(entry.glance),
        archived_at: entry.archived_at,
        state: entry.state,
        replays: entry.replays,
    }
}

/// A letter as it was archived, with its current state from the index.
fn as_indexed(letter: DeadLetter, entry: Entry) -> DeadLetter {
    DeadLetter {
        archived_at: entry.archived_at,
        fingerprint: entry.fingerprint,
        generation: entry.generation,
        is_foreign: entry.is_foreign,
        receive_count: entry.receive_count,
        state: entry.state,
        replays: entry.replays,
        ..letter
    }
}

#[async_trait]
impl DeadLetterSink for S3Archive {
    async fn put(&self, dead_letters: &[DeadLetter]) -> Vec<Result<(), ArchiveError>> {
        self.keep(dead_letters).await
    }
}

#[async_trait]
impl IndexedArchive for S3Archive {
    async fn repair(&self, most: usize, within: Duration) -> Result<IndexRepair, ArchiveError> {
        self.repair_index(most, within).await
    }

    async fn rebuild(&self) -> Result<IndexRebuild, ArchiveError> {
        self.rebuild_index().await
    }

    async fn recover(&self, ids: &[MessageId]) -> Result<Vec<MessageId>, ArchiveError> {
        let mut recovered = Vec::new();
        for id in ids {
            if self.objects.recover(id).await? > 0 {
                recovered.push(id.clone());
            }
        }
        Ok(recovered)
    }
}

#[async_trait]
impl DeadLetters for S3Archive {
    async fn get(&self, id: &MessageId) -> Result<Option<DeadLetter>, ArchiveError> {
        let Some(entry) = self.index.entry(id).await? else { return Ok(None) };
        Ok(self.letters(vec![entry]).await?.pop())
    }

    async fn of_event(&self, id: &EventId) -> Result<Vec<DeadLetter>, ArchiveError> {
        let ids = self.index.of_event(id).await?;
        let mut entries = self.index.entries(&ids).await?;
        self.letters(ids.iter().filter_map(|id| entries.remove(id)).collect()).await
    }

    async fn list(
        &self,
        filter: &DeadLetterFilter,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<DeadLetter>, ArchiveError> {
        if let Some(cursor) = after.filter(|after| !query::is_cursor(after)) {
            return Err(ArchiveError::UnknownCursor { cursor: cursor.to_owned() });
        }
        let page = query::list(&self.index, filter, after, limit).await?;
        Ok(Page { items: self.letters(page.items).await?, total: page.total, next: page.next })
    }

    async fn get_many(&self, ids: &[MessageId]) -> Result<Vec<Option<DeadLetter>>, ArchiveError> {
        let entries = self.index.entries(ids).await?;
        let letters = self.letters(entries.into_values().collect()).await?;
        let mut letters: HashMap<_, _> =
            letters.into_iter().map(|letter| (letter.id.clone(), letter)).collect();
        Ok(ids.iter().map(|id| letters.remove(id)).collect())
    }

    async fn get_brief(&self, ids: &[MessageId]) -> Result<Vec<Option<DeadLetter>>, ArchiveError> {
        let mut entries = self.index.entries(ids).await?;
        Ok(ids.iter().map(|id| entries.remove(id).map(brief)).collect())
    }

    async fn list_brief(
        &self,
        filter: &DeadLetterFilter,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<DeadLetter>, ArchiveError> {
        let page = query::list(&self.index, filter, after, limit).await?;
        let items = page.items.into_iter().map(brief).collect();
        Ok(Page { items, total: page.total, next: page.next })
    }

    async fn groups(
        &self,
        filter: &DeadLetterFilter,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<DeadLetterGroup>, ArchiveError> {
        Ok(query::groups(&self.index, filter, after, limit).await?)
    }

    async fn ids(&self, filter: &DeadLetterFilter, limit: usize) -> Result<Vec<MessageId>, ArchiveError> {
        Ok(query::ids(&self.index, filter, limit).await?)
    }

    async fn foreign(&self) -> Result<u64, ArchiveError> {
        Ok(self.index.foreign().await?)
    }

    async fn change_states(
        &self,
        ids: &[MessageId],
        from: DeadLetterStatus,
        to: DeadLetterState,
        note: &AuditNote,
    ) -> Result<Vec<MessageId>, ArchiveError> {
        let entries = self.index.entries(ids).await?;
        let steps: Vec<Step> = entries
            .into_values()
            .filter(|entry| entry.state.status() == from)
            .map(|before| (before.clone(), Entry { state: to.clone(), ..before }))
            .collect();
        let mut before: Vec<Entry> = steps.iter().map(|(before, _)| before.clone()).collect();
        let noting = |steps: &[Step], _| {
            let entries: Vec<_> = steps.iter().map(|(_, after)| note.about(after.id.as_str())).collect();
            self.audit.adding(&entries)
        };
        let taken = self.index.take(steps, noting).await?;
        let mut taken: HashSet<_> = taken.into_iter().map(|entry| entry.id).collect();
        before.retain(|entry| taken.contains(&entry.id));
        self.index.left(&before).await;
        // An id that is named twice is answered once.
        Ok(ids.iter().filter(|id| taken.remove(*id)).cloned().collect())
    }
}
