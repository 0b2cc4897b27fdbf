//! What pages read from the pipeline's archive, logs and events, shared by all viewers.

use crate::one_answer::{Answers, OneAnswer};
use spillway_core::dead_letter::{DeadLetter, DeadLetterFilter, DeadLetterGroup, Page, Spread};
use spillway_core::explain::Explanation;
use spillway_core::ids::{EventId, EventSource, EventType, MessageId, ReplayId};
use spillway_core::ports::{ArchiveError, AuditEntry, LedgerError, Location, StoredEvent, StoredListError};
use spillway_core::replay::{Replay, ReplayItem};
use spillway_core::usecases::replay::Forecast;
use spillway_core::{Pipeline, Timestamp};
use std::sync::Arc;
use std::time::Duration;

/// How much a page may read, depending on what a read costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReadLimits {
    /// How long an answer is shared. Zero: only while it is read.
    pub keep: Duration,
    /// The same for the progress of one replay.
    pub keep_progress: Duration,
    /// The same for searches for words, which read many letters.
    pub keep_searches: Duration,
    /// With more dead letters than this, those of a range of time are not counted. `None`: they always are.
    pub counted: Option<u64>,
    /// Messages of a selection that the consumer's checks see: the newest.
    pub checked: usize,
    /// Groups of the list whose newest message the consumer's checks see: the largest.
    pub checked_groups: usize,
    /// Dead letters of a group that are counted by source, version and hour: the newest. `None`: those of the first page of
    /// their list, which is read anyway.
    pub spread: Option<usize>,
    /// How long such a count, and an example of a good event, is shared.
    pub keep_examples: Duration,
    /// Whether each group has a small chart, which needs one read for each of its points.
    pub sparks: bool,
}

/// A page of what matches a filter: the filter, the cursor, and the limit.
type Pages<T> = Answers<(DeadLetterFilter, Option<String>, usize), Page<T>, ArchiveError>;
type Items = Answers<(ReplayId, Option<String>, usize), Page<ReplayItem>, ArchiveError>;
type Located = Answers<(EventId, Option<EventSource>), Vec<Location>, LedgerError>;

/// Reads for pages, with a cache in front of the pipeline's ports. So a hundred viewers cost as much as one.
///
/// Actions use the ports themselves, and call [`Self::forget`], so that the next page shows their result.
pub struct Reads {
    pipeline: Pipeline,
    limits: ReadLimits,
    lists: Pages<DeadLetter>,
    groups: Pages<DeadLetterGroup>,
    searched_lists: Pages<DeadLetter>,
    searched_groups: Pages<DeadLetterGroup>,
    since: Answers<i64, u64, ArchiveError>,
    letters: Answers<MessageId, Option<DeadLetter>, ArchiveError>,
    briefs: Answers<Vec<MessageId>, Vec<Option<DeadLetter>>, ArchiveError>,
    checked: Answers<Vec<MessageId>, Vec<DeadLetter>, ArchiveError>,
    spreads: Answers<DeadLetterFilter, Spread, ArchiveError>,
    examples: Answers<EventType, Option<StoredEvent>, StoredListError>,
    audit: Answers<(String, usize), Vec<AuditEntry>, ArchiveError>,
    running: OneAnswer<u64, ArchiveError>,
    replays: Answers<usize, Vec<Replay>, ArchiveError>,
    replay: Answers<ReplayId, Option<Replay>, ArchiveError>,
    items: Items,
    located: Located,
}

impl Reads {
    /// Reads from a pipeline.
    pub fn new(pipeline: Pipeline, limits: ReadLimits) -> Self {
        let clock = || Arc::clone(&pipeline.clock);
        let (keep, progress) = (limits.keep, limits.keep_progress);
        Self {
            lists: Answers::new(clock(), keep),
            groups: Answers::new(clock(), keep),
            searched_lists: Answers::new(clock(), limits.keep_searches),
            searched_groups: Answers::new(clock(), limits.keep_searches),
            since: Answers::new(clock(), keep),
            letters: Answers::new(clock(), keep),
            briefs: Answers::new(clock(), keep),
            checked: Answers::new(clock(), keep),
            spreads: Answers::new(clock(), limits.keep_examples),
            examples: Answers::new(clock(), limits.keep_examples),
            audit: Answers::new(clock(), keep),
            running: OneAnswer::new(clock(), keep),
            replays: Answers::new(clock(), keep),
            replay: Answers::new(clock(), progress),
            items: Answers::new(clock(), progress),
            located: Answers::new(clock(), keep),
            limits,
            pipeline,
        }
    }

    /// How much a page may read.
    pub fn limits(&self) -> ReadLimits {
        self.limits
    }

    /// Forgets all answers, after an action that changed something.
    pub fn forget(&self) {
        self.lists.forget();
        self.groups.forget();
        self.searched_lists.forget();
        self.searched_groups.forget();
        self.since.forget();
        self.letters.forget();
        self.briefs.forget();
        self.checked.forget();
        self.spreads.forget();
        self.audit.forget();
        self.running.forget();
        self.replays.forget();
        self.replay.forget();
        self.items.forget();
        self.located.forget();
    }

    /// A page of dead letters, newest first, without what [`DeadLetters::list_brief`] leaves out.
    ///
    /// [`DeadLetters::list_brief`]: spillway_core::ports::DeadLetters::list_brief
    pub async fn list(
        &self,
        filter: &DeadLetterFilter,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Arc<Page<DeadLetter>>, ArchiveError> {
        let question = (filter.clone(), after.map(str::to_owned), limit);
        let archive = Arc::clone(&self.pipeline.archive);
        let asked = question.clone();
        let answers = if filter.contains.is_some() { &self.searched_lists } else { &self.lists };
        answers
            .get(question, || async move { archive.list_brief(&asked.0, asked.1.as_deref(), asked.2).await })
            .await
    }

    /// The number of dead letters that match.
    pub async fn count(&self, filter: &DeadLetterFilter) -> Result<u64, ArchiveError> {
        Ok(self.list(filter, None, 0).await?.total)
    }

    /// The number of dead letters that were archived from a time on, until another or until now. `None` if there are too many
    /// to count those.
    pub async fn count_archived(
        &self,
        from: Timestamp,
        to: Option<Timestamp>,
    ) -> Result<Option<u64>, ArchiveError> {
        if let Some(most) = self.limits.counted
            && self.count(&DeadLetterFilter::default()).await? > most
        {
            return Ok(None);
        }
        match to {
            None => self.count_since(from).await.map(Some),
            to => {
                let range = DeadLetterFilter { from: Some(from), to, ..DeadLetterFilter::default() };
                self.count(&range).await.map(Some)
            }
        }
    }

    /// A time that follows the clock stays the same question: how many minutes it is ago.
    async fn count_since(&self, from: Timestamp) -> Result<u64, ArchiveError> {
        let ago = self.pipeline.clock.now().duration_since(from).as_mins();
        let filter = DeadLetterFilter { from: Some(from), ..DeadLetterFilter::default() };
        let archive = Arc::clone(&self.pipeline.archive);
        let count = || async move { Ok(archive.list_brief(&filter, None, 0).await?.total) };
        self.since.get(ago, count).await.map(|count| *count)
    }

    /// A page of the groups of dead letters that match, largest first. It has the shape of [`Self::list`] and another answer.
    pub async fn groups(
        &self,
        filter: &DeadLetterFilter,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Arc<Page<DeadLetterGroup>>, ArchiveError> {
        let question = (filter.clone(), after.map(str::to_owned), limit);
        let archive = Arc::clone(&self.pipeline.archive);
        let asked = question.clone();
        let answers = if filter.contains.is_some() { &self.searched_groups } else { &self.groups };
        answers
            .get(question, || async move { archive.groups(&asked.0, asked.1.as_deref(), asked.2).await })
            .await
    }

    /// One dead letter, complete.
    pub async fn letter(&self, id: &MessageId) -> Result<Arc<Option<DeadLetter>>, ArchiveError> {
        let (archive, asked) = (Arc::clone(&self.pipeline.archive), id.clone());
        self.letters.get(id.clone(), || async move { archive.get(&asked).await }).await
    }

    /// Dead letters in the order of their ids, without what [`DeadLetters::get_brief`] leaves out.
    ///
    /// [`DeadLetters::get_brief`]: spillway_core::ports::DeadLetters::get_brief
    pub async fn briefs(&self, ids: Vec<MessageId>) -> Result<Arc<Vec<Option<DeadLetter>>>, ArchiveError> {
        let archive = Arc::clone(&self.pipeline.archive);
        let asked = ids.clone();
        self.briefs.get(ids, || async move { archive.get_brief(&asked).await }).await
    }

    /// The results of the consumer's own checks, if these dead letters came back now. Bodies are shared as other answers are,
    /// and checked against the current schemas.
    pub async fn forecasts(&self, ids: &[MessageId]) -> Result<Vec<Forecast>, ArchiveError> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let (archive, asked) = (Arc::clone(&self.pipeline.archive), ids.to_vec());
        let read = || async move { Ok(archive.get_many(&asked).await?.into_iter().flatten().collect()) };
        let letters = self.checked.get(ids.to_vec(), read).await?;
        Ok(self.forecasts_of(&letters.iter().collect::<Vec<_>>()).await)
    }

    /// The results of the checks on dead letters that were read already.
    pub async fn forecasts_of(&self, letters: &[&DeadLetter]) -> Vec<Forecast> {
        self.pipeline.replayer().forecasts(letters).await
    }

    /// How the newest dead letters that match spread over sources, versions and hours. `page` is the length of their list's
    /// pages.
    pub async fn spread(&self, filter: &DeadLetterFilter, page: usize) -> Result<Arc<Spread>, ArchiveError> {
        let Some(most) = self.limits.spread else {
            let newest = self.list(filter, None, page).await?;
            return Ok(Arc::new(Spread::of(&newest.items, newest.total)));
        };
        let (archive, asked) = (Arc::clone(&self.pipeline.archive), filter.clone());
        self.spreads.get(filter.clone(), || async move { archive.spread(&asked, most).await }).await
    }

    /// Why a dead letter failed. `since` is the time of the first of its group. If the event store can't be read, there is no
    /// good event to compare with.
    pub async fn explanation(&self, letter: &DeadLetter, since: Timestamp) -> Explanation {
        let schemas = self.pipeline.schemas.current().await;
        let good = match letter.event_type.as_ref().filter(|_| Explanation::compares(letter)) {
            Some(event_type) => self.example(event_type).await,
            None => None,
        };
        Explanation::of(letter, &schemas, good.as_deref().and_then(Option::as_ref), since)
    }

    async fn example(&self, event_type: &EventType) -> Option<Arc<Option<StoredEvent>>> {
        let (stored, asked) = (Arc::clone(&self.pipeline.stored), event_type.clone());
        let read = || async move { stored.example(&asked).await };
        let found = self.examples.get(event_type.clone(), read).await;
        // Without the event store there is no comparison, and the rest is as true.
        found.ok()
    }

    /// Actions of operators about a subject, newest first.
    pub async fn audit(&self, subject: &str, limit: usize) -> Result<Arc<Vec<AuditEntry>>, ArchiveError> {
        let (ops, asked) = (Arc::clone(&self.pipeline.ops), subject.to_owned());
        self.audit
            .get((subject.to_owned(), limit), || async move { ops.entries(Some(&asked), limit).await })
            .await
    }

    /// The number of replays that have not ended.
    pub async fn running_replays(&self) -> Result<u64, ArchiveError> {
        let replays = Arc::clone(&self.pipeline.replays);
        let running = self.running.get(|| async move { Ok(replays.running().await?.len() as u64) });
        running.await.map(|count| *count)
    }

    /// Replays, newest first.
    pub async fn replays(&self, limit: usize) -> Result<Arc<Vec<Replay>>, ArchiveError> {
        let replays = Arc::clone(&self.pipeline.replays);
        self.replays.get(limit, || async move { replays.list(limit).await }).await
    }

    /// One replay.
    pub async fn replay(&self, id: &ReplayId) -> Result<Arc<Option<Replay>>, ArchiveError> {
        let (replays, asked) = (Arc::clone(&self.pipeline.replays), id.clone());
        self.replay.get(id.clone(), || async move { replays.get(&asked).await }).await
    }

    /// A page of a replay's messages.
    pub async fn replay_items(
        &self,
        id: &ReplayId,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Arc<Page<ReplayItem>>, ArchiveError> {
        let question = (id.clone(), after.map(str::to_owned), limit);
        let replays = Arc::clone(&self.pipeline.replays);
        let asked = question.clone();
        self.items
            .get(question, || async move { replays.items(&asked.0, asked.1.as_deref(), asked.2).await })
            .await
    }

    /// Every place of an event.
    pub async fn locate(
        &self,
        id: &EventId,
        source: Option<&EventSource>,
    ) -> Result<Arc<Vec<Location>>, LedgerError> {
        let question = (id.clone(), source.cloned());
        let events = Arc::clone(&self.pipeline.events);
        let asked = question.clone();
        self.located.get(question, || async move { events.locate(&asked.0, asked.1.as_ref()).await }).await
    }
}
