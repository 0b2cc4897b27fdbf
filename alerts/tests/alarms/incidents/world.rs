//! A small model of the pipeline, minute by minute. It has clients with a daily and weekly rhythm, a queue with
//! retries, and a store. It also has a dead letter queue with its archiver, and costs. It records the datapoints that
//! CloudWatch would.

use super::fault::Fault;
use jiff::Timestamp;
use spillway_alerts::metric::DimensionValue;
use spillway_alerts::{MemoryHistory, MetricStat, RuleSet};
use std::collections::HashMap;

pub const HOUR: usize = 60;
pub const DAY: usize = 24 * HOUR;

/// Monday 2026-01-05, 00:00 UTC.
const START: i64 = 1_767_571_200;
const MAX_RECEIVES: usize = 20;
const RETENTION_MIN: usize = 14 * DAY;
/// Minutes after which a message whose invocation failed is visible again.
const VISIBILITY_MIN: usize = 3;
/// Records that the consumer can work on in a minute.
const CONSUMER_PER_MIN: f64 = 3_000.0;

#[derive(Clone, Copy)]
struct Cohort {
    count: f64,
    receives: usize,
    sent_at: usize,
    poison: bool,
}

/// Noise that is the same in every run, between -1 and 1.
fn noise(minute: usize, salt: u64) -> f64 {
    let mut x =
        (minute as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ salt.wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x ^= x >> 30;
    x = x.wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x ^= x >> 27;
    (x >> 11) as f64 / (1_u64 << 52) as f64 - 1.0
}

/// Requests of a minute: 40 at night, 160 at noon, less at weekends.
fn requests(minute: usize, fault: Fault) -> f64 {
    let hour = (minute % DAY) as f64 / HOUR as f64;
    let daily = 100.0 + 60.0 * ((hour - 6.0) / 24.0 * std::f64::consts::TAU).sin();
    let weekly = if (minute / DAY) % 7 >= 5 { 0.6 } else { 1.0 };
    let usual = daily * weekly * (1.0 + 0.15 * noise(minute, 1));
    match fault {
        Fault::TrafficDrop { from, minutes } if (from..from + minutes).contains(&minute) => {
            usual * (1.0 - (minute - from) as f64 / 30.0).max(0.0)
        }
        _ => usual,
    }
    .round()
}

fn wait_minutes(receives: usize) -> usize {
    let seconds = (5_usize << (receives - 1).min(20)).min(900);
    seconds.div_ceil(60)
}

struct Recorder {
    columns: HashMap<&'static str, Vec<f64>>,
    minutes: usize,
}

impl Recorder {
    fn set(&mut self, name: &'static str, minute: usize, value: f64) {
        let minutes = self.minutes;
        self.columns.entry(name).or_insert_with(|| vec![f64::NAN; minutes])[minute] = value;
    }
}

/// Runs the model. Returns its datapoints under every metric that `rules` watch, and the start and end of the
/// period.
pub fn simulate(rules: &RuleSet, minutes: usize, fault: Fault) -> (MemoryHistory, Timestamp, Timestamp) {
    let columns = model(minutes, fault);
    let start = Timestamp::from_second(START).unwrap();
    let mut history = MemoryHistory::new(start, 60);
    for query in rules.iter().filter_map(|rule| rule.metric()).flat_map(|condition| &condition.queries) {
        let name = name_of(&query.stat);
        let column = columns.get(name.as_str()).unwrap_or_else(|| panic!("the model has no `{name}`"));
        history.insert(query.stat.clone(), column.clone());
    }
    (history, start, Timestamp::from_second(START + minutes as i64 * 60).unwrap())
}

/// Metric and resource, and the statistic where the model knows several.
fn name_of(stat: &MetricStat) -> String {
    let resource = stat.metric.dimensions.iter().find_map(|dimension| match &dimension.value {
        DimensionValue::Resource(key) if key.contains('.') && dimension.name != "Stage" => {
            key.split('.').next_back().map(str::to_owned)
        }
        _ => None,
    });
    let name = match stat.metric.name.as_str() {
        "SuccessfulRequestLatency" => format!("SuccessfulRequestLatency {}", stat.statistic),
        name => name.to_owned(),
    };
    resource.map_or(name.clone(), |resource| format!("{resource} {name}"))
}

fn model(minutes: usize, fault: Fault) -> HashMap<&'static str, Vec<f64>> {
    let mut record = Recorder { columns: HashMap::new(), minutes };
    let mut due: Vec<Vec<Cohort>> = vec![Vec::new(); minutes + 32];
    let mut waiting: Vec<Cohort> = Vec::new();
    let mut dead_waiting = Waiting::default();
    let mut spent = 0.0;
    for minute in 0..minutes {
        let (count, sent) = api(&mut record, minute, fault);
        let poison = match fault {
            Fault::PoisonBurst { from, minutes } if Fault::progress(from, minutes, minute).is_some() => {
                sent * 0.2
            }
            _ => 0.0,
        };
        waiting.push(Cohort { count: sent - poison, receives: 0, sent_at: minute, poison: false });
        waiting.push(Cohort { count: poison, receives: 0, sent_at: minute, poison: true });
        waiting.append(&mut due[minute]);
        let dead = consume(&mut record, minute, fault, &mut waiting, &mut due, count.max(1.0));
        archive(&mut record, minute, fault, &dead, &mut dead_waiting);
        let pace = if matches!(fault, Fault::CostCreep { from } if minute >= from) { 3.0 } else { 1.0 };
        spent += pace * 70.0 / (30 * DAY) as f64;
        let left = (30 * DAY).saturating_sub(minute) as f64;
        record.set("BudgetActualPercent", minute, spent);
        record.set("BudgetForecastPercent", minute, spent + pace * 70.0 / (30 * DAY) as f64 * left);
        unaffected(&mut record, minute);
    }
    record.columns
}

/// What clients see. Returns the requests and the messages that were sent.
fn api(record: &mut Recorder, minute: usize, fault: Fault) -> (f64, f64) {
    let count = requests(minute, fault);
    let now_and_then = f64::from(u8::from(noise(minute, 2) > 0.995));
    let leak = match fault {
        Fault::SlowLeak { from, minutes } => Fault::progress(from, minutes, minute).unwrap_or(0.0) * 0.1,
        _ => 0.0,
    };
    let refused = (count * 0.01 * (1.0 + noise(minute, 3))).round();
    let errors = (count * leak + leak * 2.0 * noise(minute, 4)).max(0.0).round() + now_and_then.min(count);
    let errors = errors.min(count - refused.min(count));
    if count > 0.0 {
        record.set("Count", minute, count);
        record.set("4XXError", minute, refused);
        record.set("5XXError", minute, errors);
        record.set("Latency", minute, 120.0 + 60.0 * noise(minute, 5).abs());
        record.set("ingest Errors", minute, if leak > 0.0 { errors } else { 0.0 });
        record.set("ingest Throttles", minute, 0.0);
        record.set("ingest Duration", minute, 60.0);
        record.set("ingest ConcurrentExecutions", minute, 2.0);
    } else {
        for name in ["Count", "4XXError", "5XXError", "Latency"] {
            record.set(name, minute, f64::NAN);
        }
    }
    let sent = count - refused - errors;
    record.set("primary NumberOfMessagesSent", minute, sent);
    (count, sent)
}

struct Dead {
    rejected: f64,
    redriven: f64,
    oldest: usize,
}

/// What waits in the dead letter queue.
#[derive(Default)]
struct Waiting {
    count: f64,
    /// When the oldest event was sent.
    oldest: Option<usize>,
}

fn consume(
    record: &mut Recorder,
    minute: usize,
    fault: Fault,
    waiting: &mut Vec<Cohort>,
    due: &mut [Vec<Cohort>],
    load: f64,
) -> Dead {
    let total: f64 = waiting.iter().map(|cohort| cohort.count).sum();
    let share = (CONSUMER_PER_MIN / total.max(1.0)).min(1.0);
    let outage = matches!(fault, Fault::StoreOutage { from, minutes } if Fault::progress(from, minutes, minute).is_some());
    let crash = matches!(fault, Fault::ConsumerCrash { from, minutes } if Fault::progress(from, minutes, minute).is_some());
    let capacity = match fault {
        Fault::ThrottlingRamp { from, minutes } => Fault::progress(from, minutes, minute)
            .map_or(f64::INFINITY, |progress| load * (1.3 - 4.0 * progress).max(0.2)),
        _ => f64::INFINITY,
    };
    let bad = match fault {
        Fault::BadDeployment { from, minutes } if (from..from + minutes).contains(&minute) => {
            0.5 * ((minute - from) as f64 / 10.0).min(1.0)
        }
        _ => 0.0,
    };
    let fits = (capacity / (total * share).max(1.0)).min(1.0);
    let (mut stored, mut retried, mut throttled, mut late) = (0.0, 0.0, 0.0, 0.0);
    let mut dead = Dead { rejected: 0.0, redriven: 0.0, oldest: minute };
    let mut most_receives = 0;
    let mut left = Vec::new();
    for cohort in waiting.drain(..).filter(|cohort| cohort.count > 0.0) {
        let taken = Cohort { count: cohort.count * share, receives: cohort.receives + 1, ..cohort };
        if share < 1.0 {
            left.push(Cohort { count: cohort.count - taken.count, ..cohort });
        }
        most_receives = most_receives.max(taken.receives);
        let rejected = if taken.poison { 0.0 } else { taken.count * bad };
        let good = taken.count - rejected;
        let success = if outage || crash || taken.poison { 0.0 } else { fits };
        stored += good * success;
        late += if minute - taken.sent_at > 1 { good * success } else { 0.0 };
        throttled += if taken.poison || outage || crash { 0.0 } else { good * (1.0 - success) };
        let again = Cohort { count: good * (1.0 - success), ..taken };
        dead.rejected += rejected;
        if again.count > 0.01 && again.receives >= MAX_RECEIVES {
            dead.redriven += again.count;
            dead.oldest = dead.oldest.min(again.sent_at);
        } else if again.count > 0.01 {
            retried += again.count;
            let wait = if crash { VISIBILITY_MIN } else { wait_minutes(again.receives) };
            if let Some(slot) = due.get_mut(minute + wait) {
                slot.push(again);
            }
        }
    }
    *waiting = left;
    let taken = total * share;
    let failed = if outage { taken } else { 0.0 };
    let invocations = (taken / 10.0).ceil();
    record.set("consumer Errors", minute, if crash { invocations } else { 0.0 });
    if taken > 0.0 {
        record.set("consumer Invocations", minute, invocations);
        record.set("consumer Duration", minute, 800.0);
        record.set("consumer ConcurrentExecutions", minute, (taken / 600.0).clamp(1.0, 10.0));
    }
    // What an invocation counts is lost when it fails as a whole.
    if taken > 0.0 && !crash {
        record.set("consumer ReceiveCount", minute, most_receives as f64);
        record.set("consumer RecordsStored", minute, stored.round());
        record.set("consumer RecordsAlreadyStored", minute, 0.0);
        record.set("consumer RecordsRetried", minute, retried.round());
        record.set("consumer RecordsRejected", minute, dead.rejected.round());
    }
    if stored > 0.0 {
        record.set(
            "consumer AcceptToStoredLatency",
            minute,
            if late > 0.1 * stored { 600_000.0 } else { 700.0 },
        );
        record.set("SuccessfulRequestLatency SampleCount", minute, stored);
        record.set("SuccessfulRequestLatency p99", minute, 20.0);
        record.set("ConsumedWriteCapacityUnits", minute, stored);
    }
    // Sparse, as DynamoDB reports them.
    for (name, value) in
        [("ThrottledRequests", throttled), ("WriteThrottleEvents", throttled), ("SystemErrors", failed)]
    {
        record.set(name, minute, if value >= 0.5 { value.round() } else { f64::NAN });
    }
    let pending = |few: bool| {
        let later = due[minute + 1..].iter().take(16).flatten();
        later.chain(waiting.iter()).filter(move |cohort| !few || cohort.receives < 3)
    };
    let oldest = pending(true).map(|cohort| cohort.sent_at).min();
    record.set(
        "primary ApproximateAgeOfOldestMessage",
        minute,
        oldest.map_or(0.0, |sent| ((minute - sent) * 60) as f64),
    );
    record.set(
        "primary ApproximateNumberOfMessagesVisible",
        minute,
        waiting.iter().map(|cohort| cohort.count).sum(),
    );
    record.set(
        "primary ApproximateNumberOfMessagesNotVisible",
        minute,
        pending(false).map(|cohort| cohort.count).sum(),
    );
    record.set("primary NumberOfMessagesReceived", minute, taken.round());
    record.set("primary NumberOfMessagesDeleted", minute, (stored + dead.rejected).round());
    dead
}

fn archive(record: &mut Recorder, minute: usize, fault: Fault, dead: &Dead, waiting: &mut Waiting) {
    let mut arriving = dead.rejected + dead.redriven;
    let (stopped, fails, came) = match fault {
        Fault::ArchiverOutage { from, minutes } => {
            let on = Fault::progress(from, minutes, minute).is_some();
            (on, false, on)
        }
        Fault::ArchiverCrash { from, minutes } => {
            let on = Fault::progress(from, minutes, minute).is_some();
            (false, on, on && minute < from + HOUR)
        }
        _ => (false, false, false),
    };
    arriving += if came && minute.is_multiple_of(10) { 3.0 } else { 0.0 };
    waiting.count += arriving;
    if waiting.count > 0.0 {
        waiting.oldest = Some(waiting.oldest.map_or(dead.oldest, |oldest| oldest.min(dead.oldest)));
    }
    record.set("dlq NumberOfMessagesSent", minute, dead.rejected.round());
    let there = waiting.count >= 0.5;
    let runs = !stopped && there;
    // What it fails on comes back after three minutes.
    let taken = if fails { waiting.count / VISIBILITY_MIN as f64 } else { waiting.count };
    record.set("dlq NumberOfMessagesReceived", minute, if runs { taken.round() } else { 0.0 });
    let invocations = (taken / 10.0).ceil();
    record.set("archiver Invocations", minute, if runs { invocations } else { f64::NAN });
    record.set("archiver Errors", minute, if runs && fails { invocations } else { 0.0 });
    let age = minute - waiting.oldest.unwrap_or(minute);
    if there {
        // The reporter measures these, whether the archiver runs or not.
        record.set("archiver TimeToLoss", minute, (RETENTION_MIN.saturating_sub(age) * 60) as f64);
    }
    let left = if fails { waiting.count } else { 0.0 };
    if runs && !fails {
        record.set("archiver OldestDeadLetterAge", minute, (age * 60) as f64);
        *waiting = Waiting::default();
    }
    // What the archiver fails on is in flight two minutes of three.
    let hidden = if minute.is_multiple_of(3) { 0.0 } else { left };
    record.set("dlq ApproximateNumberOfMessagesVisible", minute, waiting.count - hidden);
    record.set("dlq ApproximateNumberOfMessagesNotVisible", minute, hidden);
}

/// Metrics that none of the faults moves.
fn unaffected(record: &mut Recorder, minute: usize) {
    for name in ["consumer Throttles", "archiver Throttles"] {
        record.set(name, minute, 0.0);
    }
    for name in ["archiver Duration", "archiver ConcurrentExecutions", "UserErrors"] {
        record.set(name, minute, f64::NAN);
    }
    for name in ["archiver OldestDeadLetterAge", "archiver TimeToLoss", "archiver DeadLettersUnindexed"] {
        record.columns.entry(name).or_insert_with(|| vec![f64::NAN; record.minutes]);
    }
    if minute.is_multiple_of(5) {
        record.set("ProvisionedWriteCapacityUnits", minute, 5_000.0);
        record.set("AccountProvisionedWriteCapacityUtilization", minute, 12.0);
        record.set("AccountMaxTableLevelWrites", minute, 40_000.0);
        record.set("MaxProvisionedTableWriteCapacityUtilization", minute, 12.0);
    }
}
