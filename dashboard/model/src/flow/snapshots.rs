//! Takes snapshots of the pipeline.

use super::{Activity, FlowSnapshot, Host, HostReader, Limits, QueueReader, RecentOutcomes};
use crate::one_answer::OneAnswer;
use crate::{Freshness, MetricReader, ReadError, Reading};
use spillway_core::Pipeline;
use spillway_core::dead_letter::{DeadLetterFilter, DeadLetterGroup, DeadLetterStatus};
use spillway_core::ledger::Ledger;
use spillway_core::ports::QueueKind;
use std::cmp::Reverse;
use std::sync::Arc;
use std::time::Duration;

/// The largest groups of dead letters in a snapshot.
const LARGEST: usize = 20;
/// The groups with the newest dead letters in a snapshot.
const NEWEST: usize = 4;
/// The newest dead letters that are read for their groups.
const LETTERS: usize = 20;

/// The sources of a snapshot.
#[derive(Clone)]
pub struct FlowSources {
    /// The pipeline.
    pub pipeline: Pipeline,
    /// Its queues.
    pub queues: Arc<dyn QueueReader>,
    /// Rates.
    pub metrics: Arc<dyn MetricReader>,
    /// Whether the last minutes are there in periods of five seconds, as on one machine.
    pub has_short_periods: bool,
    /// The machine; `None` in AWS.
    pub host: Option<Arc<dyn HostReader>>,
}

/// A message that was put back this long ago is in a queue, unless it is gone.
const ASTRAY_AFTER: Duration = Duration::from_secs(3600);
/// Messages that are gone are counted up to this number.
const MOST_ASTRAY: usize = 1000;

/// Takes snapshots, shared by all viewers at the same time.
pub struct FlowSnapshots {
    sources: FlowSources,
    last: OneAnswer<FlowSnapshot>,
}

impl FlowSnapshots {
    /// Takes a new snapshot after `keep`.
    pub fn new(sources: FlowSources, keep: Duration) -> Self {
        let last = OneAnswer::new(Arc::clone(&sources.pipeline.clock), keep);
        Self { sources, last }
    }

    /// The current snapshot. Only the ledger and the queues are always in it; other parts may be missing.
    ///
    /// # Errors
    /// [`ReadError`] if the ledger or a queue cannot be read.
    pub async fn snapshot(&self) -> Result<FlowSnapshot, ReadError> {
        let sources = &self.sources;
        let taken = self.last.get(|| {
            let sources = sources.clone();
            async move { sources.snapshot().await }
        });
        taken.await.map(|snapshot| FlowSnapshot::clone(&snapshot))
    }
}

impl FlowSources {
    async fn snapshot(&self) -> Result<FlowSnapshot, ReadError> {
        let (ledger, queue, dlq, dead_letters, schemas, (activity, freshness, outcomes), host) = futures::join!(
            self.ledger(),
            self.queues.snapshot(QueueKind::Primary),
            self.queues.snapshot(QueueKind::Dlq),
            self.dead_letters(),
            self.pipeline.schemas.current(),
            self.numbers(),
            self.host(),
        );
        let (groups, newest) = dead_letters?;
        let (ledger, queue, dlq) = (ledger?, queue?, dlq?);
        Ok(FlowSnapshot {
            at: self.pipeline.clock.now(),
            astray: self.astray(&ledger, queue.len() + dlq.len()).await?,
            ledger,
            limits: Limits::from(&*self.pipeline.settings),
            queue,
            dlq,
            activity,
            outcomes,
            freshness,
            groups,
            newest,
            schema_problems: schemas.problems().iter().map(ToString::to_string).collect(),
            host,
        })
    }

    async fn host(&self) -> Host {
        match &self.host {
            Some(host) => host.host().await,
            None => Host::default(),
        }
    }

    async fn ledger(&self) -> Result<Ledger, ReadError> {
        self.pipeline.ledger.ledger().await.map_err(unavailable)
    }

    /// Dead letters that replays put back long ago, beyond the messages in the queues.
    async fn astray(&self, ledger: &Ledger, in_queues: u64) -> Result<u64, ReadError> {
        if ledger.replaying <= in_queues {
            return Ok(0);
        }
        let long_ago = self.pipeline.clock.now().checked_sub(ASTRAY_AFTER).map_err(unavailable)?;
        let limit = usize::try_from(ledger.replaying).unwrap_or(usize::MAX).min(MOST_ASTRAY);
        let overdue = self.pipeline.replays.overdue(long_ago, limit).await.map_err(unavailable)?;
        Ok((overdue.len() as u64).saturating_sub(in_queues))
    }

    /// The largest groups of dead letters that wait, and those of the newest.
    async fn dead_letters(&self) -> Result<(Vec<DeadLetterGroup>, Vec<DeadLetterGroup>), ReadError> {
        let archive = &self.pipeline.archive;
        let waiting =
            DeadLetterFilter { states: vec![DeadLetterStatus::Archived], ..DeadLetterFilter::default() };
        let largest = archive.groups(&waiting, None, LARGEST).await.map_err(unavailable)?;
        let mut newest = largest.items.clone();
        newest.sort_by_key(|group| Reverse(group.last_at));
        newest.truncate(NEWEST);
        if largest.next.is_none() {
            return Ok((largest.items, newest));
        }
        // The newest can be in a group that is not among the largest.
        newest.clear();
        for letter in archive.list_brief(&waiting, None, LETTERS).await.map_err(unavailable)?.items {
            if newest.len() < NEWEST && newest.iter().all(|group| group.fingerprint != letter.fingerprint) {
                let its = DeadLetterFilter { fingerprint: Some(letter.fingerprint), ..waiting.clone() };
                newest.extend(archive.groups(&its, None, 1).await.map_err(unavailable)?.items);
            }
        }
        Ok((largest.items, newest))
    }

    /// Rates are optional: without them the snapshot has the reason.
    async fn activity(&self) -> (Option<Activity>, Freshness) {
        let now = self.pipeline.clock.now();
        let queries = Activity::queries(&self.pipeline.names);
        match self.metrics.read(&queries, Activity::range(now), Activity::PERIOD).await {
            Ok(reading) => (Activity::from_reading(&reading, &self.pipeline.names, now), reading.freshness),
            Err(error) => (None, Freshness { read_at: now, error: Some(error) }),
        }
    }
}

/// Outcomes that are known only until before this time, in seconds, say nothing about the pipeline now.
const OLDEST_OUTCOMES_S: i64 = 300;

impl FlowSources {
    /// Rates and outcomes. Both are optional, and why outcomes can't be read is why rates can't.
    async fn numbers(&self) -> (Option<Activity>, Freshness, Option<RecentOutcomes>) {
        let (names, now) = (&*self.pipeline.names, self.pipeline.clock.now());
        let is_young = |outcomes: &RecentOutcomes| outcomes.age_s(now) <= OLDEST_OUTCOMES_S;
        if self.has_short_periods {
            let outcomes = RecentOutcomes::read(&*self.metrics, names, now);
            let ((activity, freshness), outcomes) = futures::join!(self.activity(), outcomes);
            return (activity, freshness, outcomes.ok().filter(is_young));
        }
        // One call has both.
        let mut queries = Activity::queries(names);
        let of_activity = queries.len();
        queries.extend(RecentOutcomes::queries(names));
        match self.metrics.read(&queries, RecentOutcomes::range(now), Activity::PERIOD).await {
            Ok(Reading { mut series, freshness }) => {
                let rest = series.split_off(of_activity.min(series.len()));
                let [rates, rest] =
                    [series, rest].map(|series| Reading { series, freshness: freshness.clone() });
                let outcomes = RecentOutcomes::of_readings(&[rest], names, now);
                (Activity::from_reading(&rates, names, now), freshness, Some(outcomes).filter(is_young))
            }
            Err(error) => (None, Freshness { read_at: now, error: Some(error) }, None),
        }
    }
}

fn unavailable(error: impl std::fmt::Display) -> ReadError {
    ReadError::Unavailable { reason: error.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Cached;
    use crate::flow::{QueueSnapshot, State, summary};
    use async_trait::async_trait;
    use jiff::{SignedDuration, Timestamp};
    use spillway_core::failure::FailureClass;
    use spillway_core::ids::MessageId;
    use spillway_core::ports::{Clock as _, Replays as _};
    use spillway_core::settings::PipelineSettings;
    use spillway_metrics::{MetricQuery, Period, Series, TimeRange};
    use spillway_testkit::letters::{dead_letter, failure};
    use spillway_testkit::{ManualClock, MemoryPipeline, letters};
    use std::sync::atomic::{AtomicBool, Ordering};

    /// The API refuses every request, the consumer receives, and five messages wait for two minutes each.
    struct Outage {
        clock: Arc<ManualClock>,
        is_unreadable: AtomicBool,
    }

    #[async_trait]
    impl MetricReader for Outage {
        async fn read(
            &self,
            queries: &[MetricQuery],
            range: TimeRange,
            period: Period,
        ) -> Result<Reading, ReadError> {
            if self.is_unreadable.load(Ordering::Relaxed) {
                return Err(ReadError::Throttled);
            }
            let series = queries.iter().map(|query| {
                let mut series = Series::empty(range, period);
                if matches!(&*query.metric.name, "Count" | "5XXError" | "NumberOfMessagesReceived") {
                    series.points.fill(Some(60.0));
                }
                Arc::new(series)
            });
            let freshness = Freshness { read_at: self.clock.now(), error: None };
            Ok(Reading { series: series.collect(), freshness })
        }
    }

    #[async_trait]
    impl QueueReader for Outage {
        async fn snapshot(&self, queue: QueueKind) -> Result<QueueSnapshot, ReadError> {
            let oldest_sent_at = self.clock.now().checked_sub(SignedDuration::from_secs(120)).ok();
            Ok(match queue {
                QueueKind::Primary => {
                    QueueSnapshot { visible: 5, oldest_sent_at, ..QueueSnapshot::default() }
                }
                QueueKind::Dlq => QueueSnapshot::default(),
            })
        }
    }

    #[tokio::test]
    async fn the_largest_and_the_newest_groups_are_known_however_many_there_are() {
        for (groups, larger) in [(5, 0), (100, 0), (100, 1)] {
            let memory = MemoryPipeline::at(letters::at(10_000), |state| {
                let letter = |n: i64| {
                    let reason = format!("/{}: bad", "x".repeat(1 + n as usize % groups));
                    letters::letter(n, "order.placed", FailureClass::Schema, &reason)
                };
                state.dead_letters.extend((0..groups as i64 + larger).map(letter));
            });
            let source =
                Arc::new(Outage { clock: Arc::clone(&memory.clock), is_unreadable: AtomicBool::new(false) });
            let sources = FlowSources {
                pipeline: memory.ports(PipelineSettings::default()),
                queues: source.clone(),
                metrics: source,
                has_short_periods: false,
                host: None,
            };
            let flow = FlowSnapshots::new(sources, Duration::ZERO).snapshot().await.unwrap();
            let newest: Vec<_> = flow.newest.iter().map(|group| group.last_at).collect();
            let last = groups as i64 + larger - 1;
            assert_eq!(newest, [0, 1, 2, 3].map(|back| letters::at(last - back)), "{groups}");
            assert_eq!((flow.groups.len(), flow.groups[0].count), (groups.min(LARGEST), 1 + larger as u64));
            assert_eq!(flow.newest_dead_letter_at(), Some(letters::at(last)));
        }
    }

    #[tokio::test]
    async fn an_outage_does_not_fade_and_none_appears_while_metrics_cannot_be_read() {
        let memory = MemoryPipeline::at(Timestamp::from_second(1_767_225_625).unwrap(), |_| {});
        let clock = Arc::clone(&memory.clock);
        let source = Arc::new(Outage { clock: clock.clone(), is_unreadable: AtomicBool::new(false) });
        let flow = FlowSnapshots::new(
            FlowSources {
                pipeline: memory.ports(PipelineSettings::default()),
                queues: source.clone(),
                metrics: Arc::new(Cached::new(source.clone(), clock.clone(), Duration::from_secs(1))),
                has_short_periods: false,
                host: None,
            },
            Duration::ZERO,
        );
        let read_at = clock.now();
        let bad = |flow: &FlowSnapshot| -> Vec<String> {
            let rest = summary(flow).into_iter().skip(1);
            rest.filter(|sentence| sentence.state == State::Bad)
                .map(|sentence| sentence.text.to_string())
                .collect()
        };
        let now = flow.snapshot().await.unwrap();
        assert!(bad(&now).len() == 1 && bad(&now)[0].starts_with("100 % of the requests are refused"));
        source.is_unreadable.store(true, Ordering::Relaxed);
        loop {
            clock.advance(Duration::from_secs(20));
            let age_s = clock.now().as_second() - read_at.as_second();
            let later = flow.snapshot().await.unwrap();
            assert_eq!(later.freshness.error, Some(ReadError::Throttled));
            if age_s > 300 {
                assert_eq!((&later.activity, bad(&later)), (&None, Vec::new()), "too old after {age_s} s");
                break;
            }
            assert_eq!((&later.activity, bad(&later)), (&now.activity, bad(&now)), "after {age_s} s");
        }
    }

    struct Empty;

    #[async_trait]
    impl QueueReader for Empty {
        async fn snapshot(&self, _: QueueKind) -> Result<QueueSnapshot, ReadError> {
            Ok(QueueSnapshot::default())
        }
    }

    #[tokio::test]
    async fn letters_that_were_put_back_long_ago_and_are_in_no_queue_are_astray() {
        let failure = failure(FailureClass::Schema, "bad", Timestamp::UNIX_EPOCH);
        let letter = |id: &str| dead_letter(id, id, failure.clone());
        let memory = MemoryPipeline::new(|state| state.dead_letters = ["a", "b", "c"].map(letter).into());
        let all = ["a", "b", "c"].map(MessageId::from);
        memory.create(&"r".into(), &all, "ada").await.unwrap();
        memory.mark_sent(&"r".into(), &all[..2]).await.unwrap();
        let clock = Arc::clone(&memory.clock);
        let metrics = Arc::new(Outage { clock: clock.clone(), is_unreadable: AtomicBool::new(true) });
        let pipeline = memory.ports(PipelineSettings::default());
        let flow = |queues: Arc<dyn QueueReader>| {
            let sources = FlowSources {
                pipeline: pipeline.clone(),
                queues,
                metrics: metrics.clone(),
                has_short_periods: false,
                host: None,
            };
            FlowSnapshots::new(sources, Duration::ZERO)
        };
        assert_eq!(flow(Arc::new(Empty)).snapshot().await.unwrap().astray, 0);
        clock.advance(Duration::from_secs(3601));
        assert_eq!(flow(Arc::new(Empty)).snapshot().await.unwrap().astray, 2, "the third was not put back");
        assert_eq!(flow(metrics.clone()).snapshot().await.unwrap().astray, 0, "five messages are in a queue");
    }
}
