//! The stages' activity in the last minutes.

use crate::Reading;
use crate::metrics::first_point;
use jiff::{SignedDuration, Timestamp};
use spillway_core::names::Names;
use spillway_metrics::{
    Api, Function, Handle, MetricQuery, Period, Queue, Resource, Series, Statistic, Table, TimeRange, Writes,
};
use spillway_metrics::{api, consumer, function, queue, table, writes};

/// Number of complete minutes in the window, besides the running one.
const MINUTES: i64 = 4;

/// The oldest numbers that still say something about the pipeline, in seconds: the longest window.
const OLDEST_S: i64 = 60 * (MINUTES + 1);

/// The stages' activity in the minutes before it was read. Rates are per second over the window. Latencies are those
/// of its newest minute with measurements, in milliseconds; `None` without any.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Activity {
    /// The length of the window in seconds: four to five minutes, or less if recording began later.
    pub window_s: f64,
    /// The API.
    pub api: ApiActivity,
    /// The ingest function.
    pub ingest: FunctionActivity,
    /// The primary queue.
    pub queue: QueueActivity,
    /// The consumer function.
    pub consumer: FunctionActivity,
    /// Outcomes of the consumer's records.
    pub records: RecordActivity,
    /// The table.
    pub table: TableActivity,
    /// The dead letter queue.
    pub dlq: QueueActivity,
    /// The archiver function.
    pub archiver: FunctionActivity,
}

/// The API.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ApiActivity {
    /// Requests.
    pub requests: f64,
    /// Of them, how many were answered 4xx.
    pub client_errors: f64,
    /// Of them, how many were answered 5xx.
    pub server_errors: f64,
    /// Requests a second.
    pub per_second: f64,
    /// 99th percentile of the latency.
    pub p99_ms: Option<f64>,
}

/// A function.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FunctionActivity {
    /// Invocations.
    pub invocations: f64,
    /// Of them, how many ended without an answer.
    pub errors: f64,
    /// Invocations that were throttled.
    pub throttles: f64,
    /// Invocations a second.
    pub per_second: f64,
    /// 99th percentile of the duration.
    pub p99_ms: Option<f64>,
}

/// A queue.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct QueueActivity {
    /// Messages sent.
    pub sent: f64,
    /// Messages received, each time counted.
    pub received: f64,
    /// Messages deleted.
    pub deleted: f64,
    /// Messages sent a second.
    pub sent_per_second: f64,
    /// Messages deleted a second.
    pub deleted_per_second: f64,
}

/// Outcomes of the consumer's records.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RecordActivity {
    /// Stored, including duplicates.
    pub stored: f64,
    /// To be retried.
    pub retried: f64,
    /// Put into the dead letter queue.
    pub rejected: f64,
    /// Stored a second.
    pub stored_per_second: f64,
}

/// The table.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TableActivity {
    /// Writes done.
    pub writes: f64,
    /// Writes refused for lack of capacity.
    pub throttled: f64,
    /// Writes that failed in the service.
    pub failed: f64,
    /// Share of the provisioned write capacity that is used, in percent.
    pub capacity_use: Option<f64>,
    /// 99th percentile of the latency of successful writes.
    pub p99_ms: Option<f64>,
}

impl TableActivity {
    /// Whether it refused every write.
    pub fn is_down(&self) -> bool {
        self.writes == 0.0 && self.throttled + self.failed > 0.0
    }
}

/// Defines each number once, both for the queries and for reading their results.
struct Numbers<'a> {
    queries: Vec<MetricQuery>,
    read: Option<&'a [Series]>,
    window_s: f64,
}

impl Numbers<'_> {
    fn series<R: Resource>(&mut self, metric: Handle<R>, of: &R, statistic: Statistic) -> Option<&Series> {
        let position = self.queries.len();
        self.queries.push(metric.query(of, statistic));
        self.read?.get(position)
    }

    fn sum<R: Resource>(&mut self, metric: Handle<R>, of: &R) -> f64 {
        self.series(metric, of, Statistic::Sum).and_then(Series::total).unwrap_or(0.0)
    }

    fn worst<R: Resource>(&mut self, metric: Handle<R>, of: &R, statistic: Statistic) -> Option<f64> {
        self.series(metric, of, statistic).and_then(Series::largest)
    }

    /// That of the newest minute that has one, as a chart's headline is.
    fn newest<R: Resource>(&mut self, metric: Handle<R>, of: &R, statistic: Statistic) -> Option<f64> {
        self.series(metric, of, statistic).and_then(Series::latest)
    }

    fn per_second(&self, total: f64) -> f64 {
        if self.window_s > 0.0 { total / self.window_s } else { 0.0 }
    }

    fn function(&mut self, of: &Function) -> FunctionActivity {
        let invocations = self.sum(function::INVOCATIONS, of);
        FunctionActivity {
            invocations,
            errors: self.sum(function::ERRORS, of),
            throttles: self.sum(function::THROTTLES, of),
            per_second: self.per_second(invocations),
            p99_ms: self.newest(function::DURATION, of, Statistic::P99),
        }
    }

    fn queue(&mut self, of: &Queue) -> QueueActivity {
        let (sent, deleted) = (self.sum(queue::SENT, of), self.sum(queue::DELETED, of));
        QueueActivity {
            sent,
            received: self.sum(queue::RECEIVED, of),
            deleted,
            sent_per_second: self.per_second(sent),
            deleted_per_second: self.per_second(deleted),
        }
    }

    fn api(&mut self, names: &Names) -> ApiActivity {
        let of = Api::from(names);
        let requests = self.sum(api::REQUESTS, &of);
        ApiActivity {
            requests,
            client_errors: self.sum(api::CLIENT_ERRORS, &of),
            server_errors: self.sum(api::SERVER_ERRORS, &of),
            per_second: self.per_second(requests),
            p99_ms: self.newest(api::LATENCY, &of, Statistic::P99),
        }
    }

    fn records(&mut self, names: &Names) -> RecordActivity {
        let of = Function::from(&names.consumer_function);
        let stored =
            self.sum(consumer::RECORDS_STORED, &of) + self.sum(consumer::RECORDS_ALREADY_STORED, &of);
        RecordActivity {
            stored,
            retried: self.sum(consumer::RECORDS_RETRIED, &of),
            rejected: self.sum(consumer::RECORDS_REJECTED, &of),
            stored_per_second: self.per_second(stored),
        }
    }

    fn table(&mut self, names: &Names) -> TableActivity {
        let (of_table, of_writes) = (Table::from(&names.table), Writes::from(&names.table));
        let done = self.series(writes::LATENCY, &of_writes, Statistic::SampleCount);
        let writes = done.and_then(Series::total).unwrap_or(0.0);
        let consumed = self.sum(table::CONSUMED_WRITES, &of_table);
        let provisioned = self.worst(table::PROVISIONED_WRITES, &of_table, Statistic::Maximum);
        TableActivity {
            writes,
            throttled: self.sum(writes::THROTTLED, &of_writes),
            failed: self.sum(writes::FAILED, &of_writes),
            capacity_use: provisioned
                .filter(|provisioned| *provisioned > 0.0)
                .map(|provisioned| 100.0 * self.per_second(consumed) / provisioned),
            p99_ms: self.newest(writes::LATENCY, &of_writes, Statistic::P99),
        }
    }

    fn activity(&mut self, names: &Names) -> Activity {
        Activity {
            window_s: self.window_s,
            api: self.api(names),
            ingest: self.function(&Function::from(&names.ingest_function)),
            queue: self.queue(&Queue::from(&names.queue)),
            consumer: self.function(&Function::from(&names.consumer_function)),
            records: self.records(names),
            table: self.table(names),
            dlq: self.queue(&Queue::from(&names.dead_letter_queue)),
            archiver: self.function(&Function::from(&names.archiver_function)),
        }
    }
}

impl Activity {
    /// What it is computed from, if it is read at this time: the running minute, and four before it.
    fn window(at: Timestamp) -> TimeRange {
        let minute = at.as_second().div_euclid(60) * 60;
        let since = at.as_second() - minute + 60 * MINUTES;
        TimeRange::last(SignedDuration::from_secs(since), at)
    }

    /// The range to read: the window, and before it the windows of older readings. If the source fails, the cache
    /// answers with an older reading over this range. It has the same length at any second.
    pub fn range(now: Timestamp) -> TimeRange {
        let next_minute = (now.as_second().div_euclid(60) + 1) * 60;
        let length = SignedDuration::from_secs(60 + 60 * MINUTES + OLDEST_S);
        TimeRange::last(length, Timestamp::from_second(next_minute).unwrap_or(now))
    }

    /// The period to read it with.
    pub const PERIOD: Period = Period::MINUTE;

    /// The queries.
    pub fn queries(names: &Names) -> Vec<MetricQuery> {
        let mut numbers = Numbers { queries: Vec::new(), read: None, window_s: 0.0 };
        numbers.activity(names);
        numbers.queries
    }

    /// The activity when it was read, from the results of [`Self::queries`] over [`Self::range`]. `None` if the numbers
    /// are older than the window: they say nothing about the pipeline now.
    pub fn from_reading(reading: &Reading, names: &Names, now: Timestamp) -> Option<Self> {
        let read_at = reading.freshness.read_at;
        if now.as_second() - read_at.as_second() > OLDEST_S {
            return None;
        }
        let window = Self::window(read_at);
        let series = reading.series.iter().map(|series| series.over(window)).collect::<Vec<_>>();
        // A pipeline that has just started must not appear slow.
        let idle = first_point(&series).unwrap_or(0) as i64;
        let seconds = window.seconds() - idle * i64::from(Self::PERIOD.seconds());
        let window_s = seconds.max(1) as f64;
        Some(Numbers { queries: Vec::new(), read: Some(&series), window_s }.activity(names))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Freshness;
    use std::collections::HashSet;
    use std::sync::Arc;

    #[test]
    fn each_number_is_read_from_its_own_series() {
        let names = Names::default();
        let now = Timestamp::from_second(1_767_225_600 + 60).unwrap();
        let queries = Activity::queries(&names);
        assert_eq!(queries.iter().collect::<HashSet<_>>().len(), queries.len());
        let value = |query: &MetricQuery| match (&*query.metric.name, query.statistic) {
            ("Count", _) => 48.0,
            ("5XXError", _) => 1.0,
            ("Latency", Statistic::P99) => 41.0,
            ("SuccessfulRequestLatency", Statistic::SampleCount) => 7.0,
            ("ConsumedWriteCapacityUnits", _) => 240.0,
            ("ProvisionedWriteCapacityUnits", Statistic::Maximum) => 10.0,
            ("RecordsStored" | "RecordsAlreadyStored", _) => 2.0,
            _ => 0.0,
        };
        let series = queries.iter().map(|query| {
            let mut series = Series::empty(Activity::range(now), Activity::PERIOD);
            series.points.fill(Some(value(query)));
            Arc::new(series)
        });
        let freshness = Freshness { read_at: now, error: None };
        let reading = Reading { series: series.collect(), freshness };
        let activity = Activity::from_reading(&reading, &names, now).unwrap();
        assert_eq!(activity.window_s, 240.0);
        assert_eq!(activity.api.requests, 4.0 * 48.0);
        assert_eq!(activity.api.per_second, 0.8);
        assert_eq!((activity.api.server_errors, activity.api.p99_ms), (4.0, Some(41.0)));
        assert_eq!((activity.table.writes, activity.table.capacity_use), (28.0, Some(40.0)));
        assert_eq!(activity.records.stored, 16.0);
        assert!(!activity.table.is_down());
    }

    #[test]
    fn rates_are_over_the_time_since_recording_began() {
        let names = Names::default();
        let now = Timestamp::from_second(1_767_225_600 + 20).unwrap();
        let series = Activity::queries(&names).into_iter().map(|query| {
            let mut series = Series::empty(Activity::range(now), Activity::PERIOD);
            if query.metric.name == "Count" {
                let newest = series.points.len() - 1;
                series.points[newest - 1] = Some(30.0);
                series.points[newest] = Some(10.0);
            }
            Arc::new(series)
        });
        let freshness = Freshness { read_at: now, error: None };
        let reading = Reading { series: series.collect(), freshness };
        let activity = Activity::from_reading(&reading, &names, now).unwrap();
        assert_eq!((activity.window_s, activity.api.per_second), (80.0, 0.5));
    }

    #[test]
    fn the_running_minute_counts() {
        let now = Timestamp::from_second(1_767_225_600 + 75).unwrap();
        let window = Activity::window(now);
        assert_eq!(window.seconds(), 255);
        assert_eq!(window.aligned(Activity::PERIOD).seconds(), 300);
    }

    /// Requests in ten minutes, read 20 s into the last one, as the cache gives them that many seconds later. Each
    /// minute has one request more than the one before.
    fn requests(age_s: i64) -> (Reading, Timestamp) {
        let read_at = Timestamp::from_second(1_767_225_600 + 600 + 20).unwrap();
        let now = read_at.checked_add(SignedDuration::from_secs(age_s)).unwrap();
        let series = Activity::queries(&Names::default()).into_iter().map(|query| {
            let mut series = Series::empty(Activity::range(read_at), Activity::PERIOD);
            if query.metric.name == "Count" {
                let numbers = (1..).map(|number| Some(f64::from(number)));
                series.points.iter_mut().zip(numbers).for_each(|(point, number)| *point = number);
            }
            Arc::new(series.over(Activity::range(now)))
        });
        (Reading { series: series.collect(), freshness: Freshness { read_at, error: None } }, now)
    }

    #[test]
    fn old_numbers_count_over_the_window_in_which_they_were_read() {
        let activity = |age_s| {
            let (reading, now) = requests(age_s);
            Activity::from_reading(&reading, &Names::default(), now)
        };
        let fresh = activity(0).unwrap();
        assert_eq!((fresh.window_s, fresh.api.requests), (260.0, 6.0 + 7.0 + 8.0 + 9.0 + 10.0));
        for age_s in [39, 40, 60, 250, 300] {
            assert_eq!(activity(age_s).as_ref(), Some(&fresh), "{age_s} s later");
        }
        assert_eq!(activity(301), None, "older than the window");
    }

    #[test]
    fn the_range_is_equally_long_at_any_second() {
        for second in [0, 1, 59] {
            let now = Timestamp::from_second(1_767_225_600 + second).unwrap();
            assert_eq!(Activity::range(now).aligned(Activity::PERIOD).seconds(), 600, "{second}");
        }
    }
}
