//! A cache of alarms: their states, changes and periods in alarm, and the digest.

use super::{AlarmChanges, AlarmPeriod, AlarmSource, AlarmsNow, Digest, RuleName};
use crate::one_answer::{Answers, OneAnswer};
use crate::{Period, ReadError, TimeRange};
use async_trait::async_trait;
use spillway_core::ports::Clock;
use std::sync::Arc;
use std::time::Duration;

/// A cache in front of an [`AlarmSource`] for all viewers. It caches all that pages read each time they refresh.
pub struct CachedAlarms {
    inner: Arc<dyn AlarmSource>,
    now: OneAnswer<AlarmsNow>,
    digest: OneAnswer<Option<Digest>>,
    changes: Answers<(Option<RuleName>, TimeRange, usize), AlarmChanges>,
    periods: Answers<(Option<RuleName>, TimeRange), Vec<AlarmPeriod>>,
}

impl CachedAlarms {
    /// A cache that reads again after `keep`.
    pub fn new(inner: Arc<dyn AlarmSource>, clock: Arc<dyn Clock>, keep: Duration) -> Self {
        Self {
            inner,
            now: OneAnswer::new(Arc::clone(&clock), keep),
            digest: OneAnswer::new(Arc::clone(&clock), keep),
            changes: Answers::new(Arc::clone(&clock), keep),
            periods: Answers::new(clock, keep),
        }
    }
}

#[async_trait]
impl AlarmSource for CachedAlarms {
    async fn now(&self) -> Result<AlarmsNow, ReadError> {
        let answer = self.now.get(|| {
            let inner = Arc::clone(&self.inner);
            async move { inner.now().await }
        });
        answer.await.map(|now| AlarmsNow::clone(&now))
    }

    async fn changes(
        &self,
        rule: Option<&RuleName>,
        range: TimeRange,
        limit: usize,
    ) -> Result<AlarmChanges, ReadError> {
        // A range that follows the clock is the same question within a minute.
        let question = (rule.cloned(), range.aligned(Period::MINUTE), limit);
        let answer = self.changes.get(question.clone(), || {
            let inner = Arc::clone(&self.inner);
            async move { inner.changes(question.0.as_ref(), question.1, limit).await }
        });
        let mut changes = AlarmChanges::clone(&*answer.await?);
        changes.changes.retain(|change| change.at >= range.from() && change.at <= range.to());
        Ok(changes)
    }

    async fn periods(
        &self,
        rule: Option<&RuleName>,
        range: TimeRange,
    ) -> Result<Vec<AlarmPeriod>, ReadError> {
        let question = (rule.cloned(), range.aligned(Period::MINUTE));
        let answer = self.periods.get(question.clone(), || {
            let inner = Arc::clone(&self.inner);
            async move { inner.periods(question.0.as_ref(), question.1).await }
        });
        let overlaps = |period: &&AlarmPeriod| {
            period.from < range.to() && period.until.is_none_or(|until| until >= range.from())
        };
        Ok(answer.await?.iter().filter(overlaps).cloned().collect())
    }

    async fn digest(&self) -> Result<Option<Digest>, ReadError> {
        let answer = self.digest.get(|| {
            let inner = Arc::clone(&self.inner);
            async move { inner.digest().await }
        });
        answer.await.map(|digest| Option::clone(&digest))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::{SignedDuration, Timestamp};
    use spillway_testkit::ManualClock;
    use std::sync::Mutex;

    /// An alarm from 00:00:10 to 00:00:20, and the rules whose periods were read.
    #[derive(Default)]
    struct Counting {
        read: Mutex<Vec<Option<RuleName>>>,
    }

    fn second(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[async_trait]
    impl AlarmSource for Counting {
        async fn now(&self) -> Result<AlarmsNow, ReadError> {
            Err(ReadError::Throttled)
        }

        async fn changes(
            &self,
            _: Option<&RuleName>,
            _: TimeRange,
            _: usize,
        ) -> Result<AlarmChanges, ReadError> {
            Ok(AlarmChanges::default())
        }

        async fn periods(
            &self,
            rule: Option<&RuleName>,
            _: TimeRange,
        ) -> Result<Vec<AlarmPeriod>, ReadError> {
            self.read.lock().unwrap().push(rule.cloned());
            Ok(vec![AlarmPeriod {
                rule: RuleName::new("queue-age-high"),
                from: second(10),
                until: Some(second(20)),
            }])
        }

        async fn digest(&self) -> Result<Option<Digest>, ReadError> {
            Ok(None)
        }
    }

    #[tokio::test]
    async fn ten_redraws_within_a_while_cost_one_read_of_the_periods() {
        let clock = Arc::new(ManualClock::at(second(3_600)));
        let source = Arc::new(Counting::default());
        let keep = Duration::from_secs(30);
        let alarms = CachedAlarms::new(source.clone(), clock.clone(), keep);
        let rule = RuleName::new("queue-age-high");
        for _ in 0..10 {
            clock.advance(Duration::from_secs(2));
            let hour = TimeRange::last(SignedDuration::from_hours(1), clock.now());
            assert_eq!(alarms.periods(None, hour).await.unwrap().len(), 1);
        }
        assert_eq!(*source.read.lock().unwrap(), [None]);
        let minute = TimeRange::last(SignedDuration::from_mins(1), second(81));
        assert_eq!(alarms.periods(Some(&rule), minute).await.unwrap(), [], "it ended a second before");
        assert_eq!(*source.read.lock().unwrap(), [None, Some(rule)]);
        clock.advance(keep);
        let hour = TimeRange::last(SignedDuration::from_hours(1), clock.now());
        assert_eq!(alarms.periods(None, hour).await.unwrap(), []);
        assert_eq!(source.read.lock().unwrap().len(), 3);
    }
}
