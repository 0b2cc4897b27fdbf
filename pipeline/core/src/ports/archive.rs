//! The archive of dead letters.

use crate::dead_letter::{
    DeadLetter, DeadLetterFilter, DeadLetterGroup, DeadLetterState, DeadLetterStatus, Page, Spread,
};
use crate::ids::{EventId, MessageId};
use crate::ports::AuditNote;
use async_trait::async_trait;
use serde::Serialize;
use std::time::Duration;

/// Why a call of the archive, the replay log or the audit log failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ArchiveError {
    /// It failed or did not answer. Retry later.
    #[error("the archive is unavailable: {reason}")]
    Unavailable {
        /// Why.
        reason: String,
    },
    /// It refused, and will refuse the same call until somebody changes something: a permission, a full disk.
    #[error("the archive refused: {reason}")]
    Refused {
        /// Why.
        reason: String,
    },
    /// A list was to be continued from a place where none ended.
    #[error("\"{cursor}\" is not where a list ended: begin with the first page")]
    UnknownCursor {
        /// What was given as the place.
        cursor: String,
    },
    /// The requested item does not exist.
    #[error("{what} is not known here")]
    NotFound {
        /// The requested item.
        what: String,
    },
}

/// Where the archiver puts dead letters.
#[async_trait]
pub trait DeadLetterSink: Send + Sync {
    /// Keeps dead letters; returns one answer for each. The same dead letter twice is kept once. One that
    /// comes back from a replay is archived again with its failures appended, and ends that replay's item as
    /// returned.
    async fn put(&self, dead_letters: &[DeadLetter]) -> Vec<Result<(), ArchiveError>>;
}

/// The archive of dead letters, as operators read and change it.
#[async_trait]
pub trait DeadLetters: Send + Sync {
    /// One dead letter.
    async fn get(&self, id: &MessageId) -> Result<Option<DeadLetter>, ArchiveError>;

    /// The dead letters of events with that id, newest first: of every source, in every state, whether or not the
    /// event is stored by now.
    async fn of_event(&self, id: &EventId) -> Result<Vec<DeadLetter>, ArchiveError>;

    /// A page of those that match, newest first. `after` is the `next` of the page before.
    ///
    /// # Errors
    /// [`ArchiveError::UnknownCursor`]: `after` is no such `next`.
    async fn list(
        &self,
        filter: &DeadLetterFilter,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<DeadLetter>, ArchiveError>;

    /// Several dead letters, in the order of `ids`.
    async fn get_many(&self, ids: &[MessageId]) -> Result<Vec<Option<DeadLetter>>, ArchiveError> {
        let mut found = Vec::with_capacity(ids.len());
        for id in ids {
            found.push(self.get(id).await?);
        }
        Ok(found)
    }

    /// The same as [`Self::get_many`] for a view that shows neither body nor attributes, and only the last failure. An
    /// adapter may leave out the rest and whether it is lost, and cut the failure's message, if that saves it reads. It then
    /// sets [`DeadLetter::glance`].
    async fn get_brief(&self, ids: &[MessageId]) -> Result<Vec<Option<DeadLetter>>, ArchiveError> {
        self.get_many(ids).await
    }

    /// The same as [`Self::list`] for such a view: see [`Self::get_brief`].
    async fn list_brief(
        &self,
        filter: &DeadLetterFilter,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<DeadLetter>, ArchiveError> {
        self.list(filter, after, limit).await
    }

    /// A page of the groups by fingerprint of those that match, largest first. `after` is the `next` of the page before.
    async fn groups(
        &self,
        filter: &DeadLetterFilter,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<DeadLetterGroup>, ArchiveError>;

    /// How the newest `most` of those that match spread over sources, versions and hours.
    async fn spread(&self, filter: &DeadLetterFilter, most: usize) -> Result<Spread, ArchiveError> {
        let newest = self.list_brief(filter, None, most).await?;
        Ok(Spread::of(&newest.items, newest.total))
    }

    /// The ids of those that match, newest first, at most `limit`.
    async fn ids(&self, filter: &DeadLetterFilter, limit: usize) -> Result<Vec<MessageId>, ArchiveError>;

    /// How many dead letters were put into a queue past the API, whatever has become of them. On one machine nobody can
    /// do that.
    async fn foreign(&self) -> Result<u64, ArchiveError> {
        Ok(0)
    }

    /// Changes the state of those that have the state `from`. Returns these, each once and in the order of `ids`. Many are
    /// changed in parts: if one fails, those of the parts before it stay changed and are returned. The audit log has each
    /// that was changed, in the same transaction.
    ///
    /// # Errors
    /// The archive failed, and nothing has changed.
    async fn change_states(
        &self,
        ids: &[MessageId],
        from: DeadLetterStatus,
        to: DeadLetterState,
        note: &AuditNote,
    ) -> Result<Vec<MessageId>, ArchiveError>;
}

/// The result of repairing an index.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct IndexRepair {
    /// Dead letters that are in the index now.
    pub indexed: u64,
    /// Dead letters that could not be added to it yet.
    pub failed: u64,
}

/// The result of rebuilding an index.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct IndexRebuild {
    /// Dead letters that the index lacked and has now.
    pub added: u64,
    /// Dead letters of which the index had an old state.
    pub corrected: u64,
    /// Dead letters that the index had already.
    pub there: u64,
    /// Dead letters that the index has, and whose content is gone from the archive.
    pub lost: Vec<MessageId>,
}

/// An archive with an index that can lag behind it. A dead letter is safe once the archive has it, whether its index write
/// worked or not.
#[async_trait]
pub trait IndexedArchive: Send + Sync {
    /// Indexes dead letters that are noted as not indexed, at most `most`, and as many as it can within a time. The others are
    /// counted as failed.
    ///
    /// # Errors
    /// The notes can't be read. The noted letters are tried again the next time.
    async fn repair(&self, most: usize, within: Duration) -> Result<IndexRepair, ArchiveError>;

    /// Makes the index what the archive, the replays and the audit log say. It is for an index that was lost or
    /// comes from a backup.
    ///
    /// # Errors
    /// The archive or the index failed. What was done stays; it can be done again.
    async fn rebuild(&self) -> Result<IndexRebuild, ArchiveError>;

    /// Restores the content of dead letters that was deleted, from the versions that the archive keeps. Returns those
    /// that were restored.
    ///
    /// # Errors
    /// The archive failed. What was restored stays.
    async fn recover(&self, ids: &[MessageId]) -> Result<Vec<MessageId>, ArchiveError>;
}
