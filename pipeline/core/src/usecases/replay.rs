//! Replay: dead letters go back to the primary queue, until each is stored or back in the archive.

use crate::Timestamp;
use crate::dead_letter::DeadLetter;
use crate::event::Event;
use crate::ids::{MessageId, ReplayId};
use crate::message::{FIRST_SENT, GENERATION, ORIGINAL_MESSAGE_ID, OutgoingMessage, REPLAY_ID};
use crate::ports::{
    ArchiveError, AuditEntry, Clock, DeadLetterArchive, EventQueue, OpsLog, QueueError, ReplayLog, Schemas,
};
use std::sync::Arc;

/// Why a replay could not be started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// None of the chosen dead letters is in the archive now.
    #[error(
        "nothing to replay: none of these dead letters is in the archive now (replayed or discarded already?)"
    )]
    Nothing,
    /// The archive failed.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
}

/// A replay that was started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Started {
    /// Its id.
    pub id: ReplayId,
    /// Dead letters that it puts back.
    pub taken: u64,
    /// Dead letters that were asked for and are not in the archive now.
    pub refused: u64,
}

/// What the consumer would say of a dead letter if it came back now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Forecast {
    /// The dead letter.
    pub id: MessageId,
    /// Why it would fail again; `None` if only the store can tell.
    pub would_fail: Option<String>,
}

/// Starts replays and carries them on.
pub struct Replayer {
    /// Where dead letters are.
    pub archive: Arc<dyn DeadLetterArchive>,
    /// Where replays are kept.
    pub replays: Arc<dyn ReplayLog>,
    /// The primary queue.
    pub queue: Arc<dyn EventQueue>,
    /// The audit log.
    pub ops: Arc<dyn OpsLog>,
    /// What the consumer checks against.
    pub schemas: Arc<dyn Schemas>,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

impl Replayer {
    /// Starts a replay of these dead letters. It is carried on by [`Self::advance`], also after a crash.
    ///
    /// # Errors
    /// Nothing to replay, or the archive failed; then nothing has changed.
    pub async fn start(&self, ids: &[MessageId], by: &str) -> Result<Started, StartError> {
        let now = self.clock.now();
        let id = ReplayId::at(now);
        let taken = self.replays.create(&id, ids, by).await?;
        if taken == 0 {
            return Err(StartError::Nothing);
        }
        let detail = format!("{taken} dead letters");
        let entry = AuditEntry {
            at: now,
            by: by.to_owned(),
            action: "replay".into(),
            subject: id.to_string(),
            detail,
        };
        self.ops.append(&[entry]).await?;
        Ok(Started { id, taken, refused: ids.len() as u64 - taken })
    }

    /// Puts up to `limit` more messages of a replay back. Returns how many it put back; 0 when none are waiting.
    ///
    /// A crash between sending and noting it sends some twice, which is safe: the store takes each event once. A message
    /// that the queue will never take is archived again, with the reason in the audit log; otherwise it would stand before
    /// the others for ever.
    ///
    /// # Errors
    /// The archive failed. A queue that takes nothing is no error: the replay notes it and goes on later.
    pub async fn advance(&self, replay: &ReplayId, limit: usize) -> Result<usize, ArchiveError> {
        let waiting = self.replays.waiting(replay, limit).await?;
        if waiting.is_empty() {
            return Ok(0);
        }
        let messages: Vec<_> = waiting.iter().map(|dead_letter| outgoing(replay, dead_letter)).collect();
        let answers = self.queue.send(&messages).await;
        let (mut sent, mut refused, mut trouble) = (Vec::new(), Vec::new(), None);
        for (DeadLetter { id, .. }, answer) in waiting.iter().zip(answers) {
            match answer {
                Ok(_) => sent.push(id.clone()),
                Err(error) if error.is_final() => refused.push((id, error)),
                Err(error) => trouble = trouble.or(Some(error.to_string())),
            }
        }
        if !sent.is_empty() {
            self.replays.mark_sent(replay, &sent).await?;
        }
        for (id, error) in refused {
            self.give_back(replay, id, &error).await?;
        }
        self.replays.set_trouble(replay, trouble.as_deref()).await?;
        Ok(sent.len())
    }

    async fn give_back(
        &self,
        replay: &ReplayId,
        id: &MessageId,
        why: &QueueError,
    ) -> Result<(), ArchiveError> {
        self.replays.mark_returned(replay, id).await?;
        let entry = AuditEntry {
            at: self.clock.now(),
            by: "spillway".to_owned(),
            action: "return".to_owned(),
            subject: id.to_string(),
            detail: format!("replay {replay} could not put it back: {why}"),
        };
        self.ops.append(&[entry]).await
    }

    /// Asks the consumer's own checks about dead letters, without putting anything back.
    ///
    /// # Errors
    /// The archive failed.
    pub async fn preflight(&self, ids: &[MessageId]) -> Result<Vec<Forecast>, ArchiveError> {
        let schemas = self.schemas.current();
        let mut forecasts = Vec::with_capacity(ids.len());
        for id in ids {
            let Some(dead_letter) = self.archive.get(id).await? else { continue };
            let would_fail = match Event::from_structured(dead_letter.body.as_bytes()) {
                Err(problem) => Some(problem.to_string()),
                Ok(event) => schemas.check(&event).err(),
            };
            forecasts.push(Forecast { id: id.clone(), would_fail });
        }
        Ok(forecasts)
    }

    /// Marks dead letters as given up, with a reason.
    ///
    /// # Errors
    /// The archive failed.
    pub async fn discard(
        &self,
        ids: &[MessageId],
        by: &str,
        reason: &str,
    ) -> Result<Vec<MessageId>, ArchiveError> {
        let done = self.archive.discard(ids, by, reason).await?;
        self.note_each(&done, by, "discard", reason).await?;
        Ok(done)
    }

    /// Takes discards back.
    ///
    /// # Errors
    /// The archive failed.
    pub async fn restore(&self, ids: &[MessageId], by: &str) -> Result<Vec<MessageId>, ArchiveError> {
        let done = self.archive.restore(ids, by).await?;
        self.note_each(&done, by, "restore", "").await?;
        Ok(done)
    }

    async fn note_each(
        &self,
        ids: &[MessageId],
        by: &str,
        action: &str,
        detail: &str,
    ) -> Result<(), ArchiveError> {
        let at: Timestamp = self.clock.now();
        let entries: Vec<_> = ids
            .iter()
            .map(|id| AuditEntry {
                at,
                by: by.to_owned(),
                action: action.to_owned(),
                subject: id.to_string(),
                detail: detail.to_owned(),
            })
            .collect();
        self.ops.append(&entries).await
    }
}

/// The message that puts a dead letter back: body and attributes as they were, and where it comes from.
fn outgoing(replay: &ReplayId, dead_letter: &DeadLetter) -> OutgoingMessage {
    let mut attributes = dead_letter.attributes.clone();
    attributes.insert(REPLAY_ID.to_owned(), replay.to_string());
    attributes.insert(ORIGINAL_MESSAGE_ID.to_owned(), dead_letter.id.to_string());
    attributes.insert(GENERATION.to_owned(), (dead_letter.generation + 1).to_string());
    attributes.insert(FIRST_SENT.to_owned(), dead_letter.first_sent_at.to_string());
    OutgoingMessage {
        body: dead_letter.body.clone(),
        attributes,
        trace_header: dead_letter.trace_header.clone(),
    }
}
