//! A pipeline that only keeps the datapoints that a test records.

use crate::alarms::{AlarmSettings, Watch, WatchOptions};
use crate::{Options, Pipeline};
use spillway_alerts::AlarmState;
use spillway_alerts::hours::HoursConfig;
use spillway_alerts::{AlarmChange, Notified};
use spillway_core::Timestamp;
use spillway_core::metric::{Measurement, MetricId, Unit};
use spillway_core::ports::Clock as _;
use spillway_testkit::{ManualClock, SettableClock};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// Monday, 09:00 UTC: business hours begin.
pub const START: &str = "2026-03-02T09:00:00Z";

pub fn start() -> Timestamp {
    START.parse().unwrap()
}

pub fn minute(minute: i64) -> Timestamp {
    start() + jiff::SignedDuration::from_mins(minute)
}

pub struct Bench {
    pub pipeline: Pipeline,
    pub clock: Arc<ManualClock>,
    /// The machine's clock, which goes like `clock` until it is set.
    pub machine: Arc<SettableClock>,
}

/// Business hours from 09:00 to 17:00 UTC, Monday to Friday, with a holiday on Wednesday.
pub fn settings() -> AlarmSettings {
    let hours = HoursConfig {
        holidays: vec!["2026-03-04".parse().unwrap()],
        ..AlarmSettings::default().business_hours
    };
    AlarmSettings { business_hours: hours, ..AlarmSettings::default() }
}

pub fn options() -> WatchOptions {
    WatchOptions { settings: settings(), ..WatchOptions::default() }
}

impl Bench {
    pub async fn open(folder: &Path, now: Timestamp) -> Self {
        Self::with(folder, now, Some(Duration::ZERO)).await
    }

    /// One whose writes go to the disk at once, as those of a running pipeline do.
    pub async fn live(folder: &Path, now: Timestamp) -> Self {
        Self::with(folder, now, None).await
    }

    async fn with(folder: &Path, now: Timestamp, simulated_latency: Option<Duration>) -> Self {
        let clock = Arc::new(ManualClock::at(now));
        let machine = Arc::new(SettableClock::over(clock.clone()));
        let options = Options { simulated_latency, ..Options::at(machine.clone()) };
        let pipeline = Pipeline::open(folder, options).await.unwrap();
        Self { pipeline, clock, machine }
    }

    pub async fn watch(&self, options: WatchOptions) -> Watch {
        Watch::open(&self.pipeline, options).await.unwrap()
    }

    pub fn record_at(&self, at: Timestamp, metric: MetricId, value: f64) {
        let measurement = Measurement { metric, value, unit: Unit::Count };
        self.pipeline.recorder.record_at(&measurement, at);
    }

    /// How old the oldest message of the primary queue is, minute by minute from a minute on.
    pub fn ages(&self, from: i64, minutes: i64, age_s: f64) {
        for offset in from..from + minutes {
            self.record_at(minute(offset), age(), age_s);
        }
        self.write();
    }

    pub fn write(&self) {
        self.pipeline.recorder.finish(self.pipeline.ports.clock.now());
    }

    /// Lets time pass until that minute.
    pub fn until(&self, to: i64) -> Timestamp {
        let left = minute(to).duration_since(self.clock.now());
        self.clock.advance(Duration::try_from(left).unwrap());
        minute(to)
    }

    /// All changes of the queue's age alarms, oldest first: minute, rule, state, notification.
    pub async fn changes(&self) -> Vec<(i64, String, AlarmState, Notified)> {
        let all = self.pipeline.local.alarms.changes(None, Timestamp::MIN, Timestamp::MAX, 10_000).await;
        let mut changes = all.unwrap();
        changes.reverse();
        changes.retain(|change| change.rule.as_str().starts_with("queue-age"));
        let row = |change: AlarmChange| {
            let minute = (change.at.as_second() - start().as_second()) / 60;
            (minute, change.rule.to_string(), change.to, change.notified)
        };
        changes.into_iter().map(row).collect()
    }

    /// The states of the queue's age alarms: low, then high.
    pub async fn ages_now(&self) -> [AlarmState; 2] {
        let statuses = self.pipeline.local.alarms.statuses().await.unwrap();
        ["queue-age-low", "queue-age-high"].map(|rule| {
            let one = statuses.iter().find(|status| status.rule.as_str() == rule);
            one.map_or(AlarmState::InsufficientData, |status| status.state)
        })
    }
}

pub fn age() -> MetricId {
    MetricId::new("AWS/SQS", "ApproximateAgeOfOldestMessage", &[("QueueName", "spillway-events")])
}
