//! A pipeline of a day, minute by minute: what clients send, what goes wrong, and what CloudWatch would have of it.

use jiff::Timestamp;
use spillway_alerts::metric::DimensionValue;
use spillway_alerts::{History, MemoryHistory, MetricStat, RuleSet, Slots, SourceError};
use spillway_metrics::{Measures, Statistic};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Range;

/// Monday, 2026-01-05, 00:00 UTC.
pub const START: i64 = 1_767_571_200;
/// A day.
pub const MINUTES: usize = 24 * 60;
/// When the fault is there.
pub const FAULT: Range<usize> = 8 * 60..14 * 60;

/// Requests in each minute.
pub struct Shape {
    pub name: &'static str,
    pub requests: fn(usize) -> usize,
}

pub const SHAPES: &[Shape] = &[
    Shape { name: "steady: 60 a minute", requests: |_| 60 },
    Shape {
        name: "bursty: 120 in one minute of five",
        requests: |minute| if minute.is_multiple_of(5) { 120 } else { 0 },
    },
    Shape {
        name: "sparse: 50 in one minute of three",
        requests: |minute| if minute.is_multiple_of(3) { 50 } else { 0 },
    },
    Shape { name: "few: 1 a minute", requests: |_| 1 },
    Shape {
        // The batch comes a few minutes earlier or later each hour.
        name: "hourly: a batch of 60 an hour",
        requests: |minute| if minute % 60 == [10, 14, 7, 12][minute / 60 % 4] { 60 } else { 0 },
    },
    Shape { name: "night: 6 an hour", requests: |minute| if minute % 10 == 3 { 1 } else { 0 } },
];

/// What goes wrong.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    Nothing,
    /// The ingest function fails at each request.
    IngestFails,
    /// Lambda refuses each invocation of the ingest function.
    IngestIsThrottled,
    /// Each request takes nine seconds.
    IngestIsSlow,
    /// Each request is refused as invalid.
    RequestsAreInvalid,
    /// Accepted events do not reach the queue.
    EventsAreLost,
    /// Each event breaks its schema.
    EventsBreakTheirSchema,
    /// The table fails each write.
    StoreFails,
    /// The table throttles each write.
    StoreThrottles,
    /// Each write takes half a minute, and events are stored two minutes after they were accepted.
    StoreIsSlow,
    /// Each invocation of the consumer ends without an answer.
    ConsumerCrashes,
    /// Lambda refuses each invocation of the consumer.
    ConsumerIsThrottled,
    /// No consumer asks for messages.
    ConsumerIsGone,
    /// Each event was stored before.
    EventsAreDuplicates,
    /// Each event breaks its schema, and the archiver fails at each dead letter.
    ArchiverFails,
    /// Each event breaks its schema, and no archiver asks for dead letters.
    ArchiverIsGone,
}

/// The series of a day, and what percentiles are computed from.
pub struct World {
    minutes: MemoryHistory,
    /// Of each metric with percentiles: how many measurements each minute has, and how many of these are slow.
    slow: BTreeMap<&'static str, Slow>,
}

struct Slow {
    fast_ms: f64,
    slow_ms: f64,
    all: Vec<usize>,
    slow: Vec<usize>,
}

impl History for World {
    fn column(&self, stat: &MetricStat, slots: Slots) -> Result<Cow<'_, [f64]>, SourceError> {
        let Statistic::Percentile(hundredths) = stat.statistic else {
            return self.minutes.column(stat, slots);
        };
        let Some(slow) = key(stat).and_then(|key| self.slow.get(key)) else {
            return Ok(Cow::Owned(vec![f64::NAN; slots.len]));
        };
        let minute = |at: i64| usize::try_from((at - START) / 60).unwrap_or(0).min(MINUTES);
        let value = |slot: usize| {
            let end = slots.end(slot);
            let period = minute(end - i64::from(slots.period))..minute(end);
            let all: usize = slow.all[period.clone()].iter().sum();
            let late: usize = slow.slow[period].iter().sum();
            match (all, late * 10_000 > all * usize::from(10_000 - hundredths)) {
                (0, _) => f64::NAN,
                (_, true) => slow.slow_ms,
                (_, false) => slow.fast_ms,
            }
        };
        Ok(Cow::Owned((0..slots.len).map(value).collect()))
    }
}

/// Our own name of a metric: that of the register, after the resource that it is about.
fn key(stat: &MetricStat) -> Option<&'static str> {
    let resource = stat.metric.dimensions.iter().find_map(|dimension| match &dimension.value {
        DimensionValue::Resource(key) => Some(key.as_str()),
        DimensionValue::Value(_) => None,
    })?;
    let name = format!("{resource} {}", stat.metric.name);
    SERIES.iter().copied().find(|series| *series == name)
}

/// The series that a day has. Rules about others have no datapoint.
const SERIES: &[&str] = &[
    "api Count",
    "api 5XXError",
    "api 4XXError",
    "api Latency",
    "functions.ingest EventsAccepted",
    "functions.ingest Invocations",
    "functions.ingest Errors",
    "functions.ingest Throttles",
    "functions.ingest Duration",
    "functions.consumer Invocations",
    "functions.consumer Errors",
    "functions.consumer Throttles",
    "functions.consumer Duration",
    "functions.consumer ReceiveCount",
    "functions.consumer RecordsStored",
    "functions.consumer RecordsAlreadyStored",
    "functions.consumer RecordsRetried",
    "functions.consumer RecordsRejected",
    "functions.consumer AcceptToStoredLatency",
    "functions.archiver Invocations",
    "functions.archiver Errors",
    "queues.primary NumberOfMessagesSent",
    "queues.primary NumberOfMessagesReceived",
    "queues.primary NumberOfMessagesDeleted",
    "queues.primary ApproximateNumberOfMessagesVisible",
    "queues.primary ApproximateNumberOfMessagesNotVisible",
    "queues.primary ApproximateAgeOfOldestMessage",
    "queues.dlq NumberOfMessagesSent",
    "queues.dlq NumberOfMessagesReceived",
    "queues.dlq NumberOfMessagesDeleted",
    "queues.dlq ApproximateNumberOfMessagesVisible",
    "queues.dlq ApproximateNumberOfMessagesNotVisible",
    "table SystemErrors",
    "table ThrottledRequests",
    "table WriteThrottleEvents",
    "table SuccessfulRequestLatency",
];

/// Messages that were sent together and are received together.
struct Group {
    sent: usize,
    size: usize,
    /// Second at which they can be received again.
    due: usize,
    receives: u32,
}

/// Receives after which a message is dead-lettered.
const MOST_RECEIVES: u32 = 20;
/// Seconds that a received message is invisible, unless the consumer says otherwise.
const VISIBILITY: usize = 180;
/// Messages that the consumer can process in a minute.
const CAPACITY: usize = 6_000;
/// Messages of a batch.
const BATCH: usize = 10;

/// Seconds that the consumer waits after a record's failure: `RetrySchedule` of `pipeline/core`, shortened by up to a tenth.
fn wait(receives: u32, salt: usize) -> usize {
    let longest = (5_usize << (receives - 1).min(10)).min(900);
    longest - longest * (salt % 10) / 100
}

#[derive(Default)]
struct Day(BTreeMap<&'static str, Vec<f64>>);

impl Day {
    fn set(&mut self, series: &'static str, minute: usize, value: usize) {
        assert!(SERIES.contains(&series), "{series}");
        self.0.entry(series).or_insert_with(|| vec![f64::NAN; MINUTES])[minute] = value as f64;
    }
}

impl World {
    /// A day of traffic of this shape, with this fault.
    pub fn of(rules: &RuleSet, shape: &Shape, fault: Fault) -> Self {
        let (day, slow) = live(shape, fault);
        let mut minutes = MemoryHistory::new(Timestamp::from_second(START).unwrap(), 60);
        for query in rules.iter().filter_map(|rule| rule.metric()).flat_map(|condition| &condition.queries) {
            let Some(series) = key(&query.stat) else { continue };
            if let Some(values) = day.0.get(series) {
                minutes.insert(query.stat.clone(), values.clone());
            } else if let (Some(slow), Statistic::SampleCount) = (slow.get(series), query.stat.statistic) {
                let count = |all: &usize| if *all == 0 { f64::NAN } else { *all as f64 };
                minutes.insert(query.stat.clone(), slow.all.iter().map(count).collect());
            }
            let known = spillway_metrics::named(&query.stat.metric.namespace, &query.stat.metric.name).next();
            assert!(
                known.is_some_and(|known| known.measures != Measures::Level || !query.stat.statistic.adds_up()),
                "{}",
                query.stat
            );
        }
        Self { minutes, slow }
    }
}

fn live(shape: &Shape, fault: Fault) -> (Day, BTreeMap<&'static str, Slow>) {
    let mut day = Day::default();
    let measured =
        |fast_ms: f64, slow_ms: f64| Slow { fast_ms, slow_ms, all: vec![0; MINUTES], slow: vec![0; MINUTES] };
    let mut latency = measured(80.0, 9_000.0);
    let mut stored_after = measured(500.0, 120_000.0);
    let mut writes = measured(5.0, 28_000.0);
    let (mut groups, mut dead_letters) = (Vec::<Group>::new(), Vec::<Group>::new());
    for minute in 0..MINUTES {
        let is = |which: Fault| fault == which && FAULT.contains(&minute);
        let requests = (shape.requests)(minute);
        let is_throttled = is(Fault::IngestIsThrottled);
        let failed = if is(Fault::IngestFails) || is_throttled { requests } else { 0 };
        let refused = if is(Fault::RequestsAreInvalid) { requests } else { 0 };
        let accepted = requests - failed - refused;
        let sent = if is(Fault::EventsAreLost) { 0 } else { accepted };
        if requests > 0 {
            day.set("api Count", minute, requests);
            day.set("api 5XXError", minute, failed);
            day.set("api 4XXError", minute, refused);
            if is_throttled {
                day.set("functions.ingest Throttles", minute, requests);
            } else {
                day.set("functions.ingest Invocations", minute, requests);
                day.set("functions.ingest Errors", minute, failed);
                let duration = if is(Fault::IngestIsSlow) { 9_000 } else { 50 };
                day.set("functions.ingest Duration", minute, duration);
            }
            latency.all[minute] = requests;
            latency.slow[minute] = if is(Fault::IngestIsSlow) { requests } else { 0 };
        }
        if accepted > 0 {
            day.set("functions.ingest EventsAccepted", minute, accepted);
        }
        // Messages come in up to twelve groups, spread over the minute.
        let parts = sent.min(12);
        for part in 0..parts {
            let size = sent / parts + usize::from(part < sent % parts);
            groups.push(Group { sent: minute, size, due: minute * 60 + part * 60 / parts, receives: 0 });
        }

        let mut count = BTreeMap::<&str, usize>::new();
        let mut most_receives = 0;
        let mut left = CAPACITY;
        let mut waiting = 0;
        let mut kept = Vec::new();
        for (salt, mut group) in groups.drain(..).enumerate() {
            // The shortest waits end within the same minute.
            loop {
                if group.due >= (minute + 1) * 60 {
                    kept.push(group);
                    break;
                }
                if is(Fault::ConsumerIsGone) || group.size > left {
                    waiting += group.size;
                    kept.push(group);
                    break;
                }
                left -= group.size;
                let mut add = |what: &'static str| *count.entry(what).or_default() += group.size;
                group.receives += 1;
                add("received");
                let crashes = is(Fault::ConsumerCrashes);
                if crashes || is(Fault::ConsumerIsThrottled) {
                    add(if crashes { "crashed" } else { "throttled" });
                    if group.receives == MOST_RECEIVES {
                        add("redriven");
                        break;
                    }
                    group.due += VISIBILITY;
                    continue;
                }
                most_receives = most_receives.max(group.receives);
                add("answered");
                let fails = is(Fault::StoreFails) || is(Fault::StoreThrottles);
                if fails && group.receives < MOST_RECEIVES {
                    add("retried");
                    group.due = group.due.max(minute * 60) + wait(group.receives, salt);
                    continue;
                }
                let breaks = [Fault::EventsBreakTheirSchema, Fault::ArchiverFails, Fault::ArchiverIsGone];
                if fails || breaks.into_iter().any(is) {
                    add("rejected");
                } else if is(Fault::EventsAreDuplicates) {
                    add("known");
                } else {
                    add("stored");
                    if is(Fault::StoreIsSlow) || minute - group.sent > 2 {
                        add("late");
                    }
                }
                break;
            }
        }
        groups = kept;
        let of = |what: &str| count.get(what).copied().unwrap_or(0);

        let answered = of("answered");
        let (crashes, throttles) = (of("crashed").div_ceil(BATCH), of("throttled").div_ceil(BATCH));
        if answered + crashes > 0 {
            day.set("functions.consumer Invocations", minute, answered.div_ceil(BATCH) + crashes);
            day.set("functions.consumer Errors", minute, crashes);
            let duration = if is(Fault::StoreIsSlow) { 28_000 } else { 100 };
            day.set("functions.consumer Duration", minute, duration);
        }
        if throttles > 0 {
            day.set("functions.consumer Throttles", minute, throttles);
        }
        if answered > 0 {
            day.set("functions.consumer ReceiveCount", minute, most_receives as usize);
            day.set("functions.consumer RecordsStored", minute, of("stored"));
            day.set("functions.consumer RecordsAlreadyStored", minute, of("known"));
            day.set("functions.consumer RecordsRetried", minute, of("retried"));
            day.set("functions.consumer RecordsRejected", minute, of("rejected"));
        }
        stored_after.all[minute] = of("stored");
        stored_after.slow[minute] = of("late");
        writes.all[minute] = of("stored");
        writes.slow[minute] = if is(Fault::StoreIsSlow) { of("stored") } else { 0 };
        let refused_writes = |by: Fault| if is(by) { of("retried") + of("rejected") } else { 0 };
        let (failed, throttled) = (refused_writes(Fault::StoreFails), refused_writes(Fault::StoreThrottles));
        if failed > 0 {
            day.set("table SystemErrors", minute, failed);
        }
        if throttled > 0 {
            day.set("table ThrottledRequests", minute, throttled);
            day.set("table WriteThrottleEvents", minute, throttled);
        }

        // SQS has a datapoint of each minute.
        let deleted = of("stored") + of("known") + of("rejected");
        day.set("queues.primary NumberOfMessagesSent", minute, sent);
        day.set("queues.primary NumberOfMessagesReceived", minute, of("received"));
        day.set("queues.primary NumberOfMessagesDeleted", minute, deleted);
        day.set("queues.primary ApproximateNumberOfMessagesVisible", minute, waiting);
        let in_flight: usize = groups.iter().map(|group| group.size).sum();
        day.set("queues.primary ApproximateNumberOfMessagesNotVisible", minute, in_flight - waiting);
        // SQS leaves out what was received three times.
        let oldest = groups.iter().filter(|group| group.receives < 3).map(|group| group.sent).min();
        let age = oldest.map_or(0, |sent| (minute - sent) * 60);
        day.set("queues.primary ApproximateAgeOfOldestMessage", minute, age);
        let (sent, redriven) = (of("rejected"), of("redriven"));
        if sent + redriven > 0 {
            dead_letters.push(Group { sent: minute, size: sent + redriven, due: minute * 60, receives: 0 });
        }
        day.set("queues.dlq NumberOfMessagesSent", minute, sent);
        dead_letter_queue(
            &mut day,
            minute,
            &mut dead_letters,
            (is(Fault::ArchiverFails), is(Fault::ArchiverIsGone)),
        );
    }
    let slow = BTreeMap::from([
        ("api Latency", latency),
        ("functions.consumer AcceptToStoredLatency", stored_after),
        ("table SuccessfulRequestLatency", writes),
    ]);
    (day, slow)
}

/// A minute of the dead letter queue and of the archiver, which may fail or be gone.
fn dead_letter_queue(day: &mut Day, minute: usize, groups: &mut Vec<Group>, (fails, is_gone): (bool, bool)) {
    let (mut received, mut deleted, mut visible, mut hidden) = (0, 0, 0, 0);
    groups.retain_mut(|group| {
        if group.due >= (minute + 1) * 60 {
            hidden += group.size;
            return true;
        }
        if is_gone {
            visible += group.size;
            return true;
        }
        received += group.size;
        if fails {
            // It was visible for a moment of this minute, and is hidden for the rest.
            (visible, group.due) = (visible + group.size, group.due.max(minute * 60) + VISIBILITY);
            return true;
        }
        deleted += group.size;
        false
    });
    let batches = received.div_ceil(BATCH);
    if received > 0 || minute.is_multiple_of(5) {
        // A schedule invokes it, too.
        let invocations = batches + usize::from(minute.is_multiple_of(5));
        day.set("functions.archiver Invocations", minute, invocations);
        day.set("functions.archiver Errors", minute, if fails { batches } else { 0 });
    }
    day.set("queues.dlq NumberOfMessagesReceived", minute, received);
    day.set("queues.dlq NumberOfMessagesDeleted", minute, deleted);
    day.set("queues.dlq ApproximateNumberOfMessagesVisible", minute, visible);
    day.set("queues.dlq ApproximateNumberOfMessagesNotVisible", minute, hidden);
}
