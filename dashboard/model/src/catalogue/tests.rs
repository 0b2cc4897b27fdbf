use super::*;
use crate::{Freshness, MetricReader, ReadError, Reading};
use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use spillway_metrics::{Period, Series, TimeRange};
use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

fn metrics(stage: Stage) -> BTreeSet<String> {
    let queries = of_stage(stage, &Names::default()).into_iter().flat_map(|entry| entry.queries());
    let name = |query: MetricQuery| {
        let dimensions: Vec<_> =
            query.metric.dimensions.iter().map(|(name, value)| format!("{name}={value}")).collect();
        format!("{} {} {}", query.metric.namespace, query.metric.name, dimensions.join(","))
            .trim_end()
            .to_owned()
    };
    queries.map(name).collect()
}

#[track_caller]
fn check(stage: Stage, namespace: &str, dimensions: &str, names: &[&str]) {
    let have = metrics(stage);
    for name in names {
        let wanted = format!("{namespace} {name} {dimensions}").trim_end().to_owned();
        assert!(have.contains(&wanted), "{wanted} is missing among {have:#?}");
    }
}

#[test]
fn every_metric_of_each_service_is_in_it() {
    let api = ["Count", "4XXError", "5XXError", "Latency", "IntegrationLatency"];
    check(Stage::Api, "AWS/ApiGateway", "ApiName=spillway,Stage=live", &api);
    let lambda = ["Invocations", "Errors", "Throttles", "Duration", "ConcurrentExecutions"];
    check(Stage::Ingest, "AWS/Lambda", "FunctionName=spillway-ingest", &lambda);
    check(Stage::Consumer, "AWS/Lambda", "FunctionName=spillway-consumer", &lambda);
    check(Stage::Archiver, "AWS/Lambda", "FunctionName=spillway-archiver", &lambda);
    let sqs = [
        "NumberOfMessagesSent",
        "NumberOfMessagesReceived",
        "NumberOfMessagesDeleted",
        "ApproximateNumberOfMessagesVisible",
        "ApproximateNumberOfMessagesNotVisible",
        "ApproximateNumberOfMessagesDelayed",
        "ApproximateAgeOfOldestMessage",
    ];
    check(Stage::Queue, "AWS/SQS", "QueueName=spillway-events", &sqs);
    check(Stage::Dlq, "AWS/SQS", "QueueName=spillway-events-dlq", &sqs);
    let table = ["ConsumedWriteCapacityUnits", "ProvisionedWriteCapacityUnits", "WriteThrottleEvents"];
    check(Stage::Table, "AWS/DynamoDB", "TableName=spillway-events", &table);
    let writes = ["ThrottledRequests", "SystemErrors", "SuccessfulRequestLatency"];
    check(Stage::Table, "AWS/DynamoDB", "TableName=spillway-events,Operation=PutItem", &writes);
    let account = [
        "UserErrors",
        "AccountProvisionedWriteCapacityUtilization",
        "MaxProvisionedTableWriteCapacityUtilization",
    ];
    check(Stage::Account, "AWS/DynamoDB", "", &account);
    let consumer = [
        "ReceiveCount",
        "RecordsStored",
        "RecordsAlreadyStored",
        "RecordsRetried",
        "RecordsRejected",
        "AcceptToStoredLatency",
        "BatchSize",
    ];
    check(Stage::Consumer, "Spillway", "FunctionName=spillway-consumer", &consumer);
    check(Stage::Archiver, "Spillway", "FunctionName=spillway-archiver", &["OldestDeadLetterAge"]);
}

#[test]
fn every_entry_has_texts_and_a_unique_place() {
    let names = Names::default();
    for entries in [catalogue(&names), overview(&names)] {
        let mut places = HashSet::new();
        for entry in entries {
            let place = (entry.stage, entry.key);
            assert!(places.insert(place), "{place:?} appears twice");
            assert!(!entry.title.is_empty() && !entry.help.is_empty(), "{place:?} has no words");
            assert!(entry.title.chars().count() <= 60, "{place:?}: the title is long");
            assert!((1..=8).contains(&entry.lines.len()), "{place:?}: a chart has eight colours");
            assert!(entry.key.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-'), "{place:?}");
            assert!(entry.help.ends_with('.') && !entry.help.contains("  "), "{place:?}: {}", entry.help);
            for query in entry.queries() {
                assert!(
                    entry.metric_names().contains(&*query.metric.name),
                    "{place:?} does not name {query:?}"
                );
            }
        }
    }
}

#[test]
fn the_overview_reads_only_metrics_of_the_stages() {
    let names = Names::default();
    let known: HashSet<_> =
        catalogue(&names).into_iter().flat_map(|entry| entry.queries()).map(|query| query.metric).collect();
    for query in overview(&names).into_iter().flat_map(|entry| entry.queries()) {
        assert!(known.contains(&query.metric), "{query:?}");
    }
}

#[test]
fn stages_are_found_by_their_slug() {
    for stage in Stage::ALL.iter().copied() {
        assert_eq!(Stage::parse(stage.slug()), Some(stage));
        assert!(!of_stage(stage, &Names::default()).is_empty());
    }
    assert_eq!(Stage::parse("Queue"), None);
}

#[test]
fn one_call_is_within_cloudwatchs_limits() {
    let queries: HashSet<_> =
        catalogue(&Names::default()).into_iter().flat_map(|entry| entry.queries()).collect();
    assert!(queries.len() <= 500 && queries.len() * 300 <= 100_800, "{}", queries.len());
}

/// A reader with two metrics that counts its calls. Its numbers are from this long before the end of the range.
struct Two(SignedDuration);

#[async_trait]
impl MetricReader for Two {
    async fn read(
        &self,
        queries: &[MetricQuery],
        range: TimeRange,
        period: Period,
    ) -> Result<Reading, ReadError> {
        let series = queries.iter().map(|query| {
            let mut series = Series::empty(range, period);
            match &*query.metric.name {
                "Count" => series.points[1..3].fill(Some(10.0)),
                "5XXError" => series.points[2] = Some(1.0),
                _ => {}
            }
            Arc::new(series)
        });
        let unique: HashSet<_> = queries.iter().collect();
        assert_eq!(unique.len(), queries.len(), "no query is repeated");
        let freshness = Freshness { read_at: range.to().checked_sub(self.0).unwrap(), error: None };
        Ok(Reading { series: series.collect(), freshness })
    }
}

#[tokio::test]
async fn charts_are_read_in_one_call_and_counts_are_filled_from_the_first_number_on() {
    let now = Timestamp::from_second(1_767_225_600).unwrap();
    let range = TimeRange::last(SignedDuration::from_mins(5), now);
    let entries = of_stage(Stage::Api, &Names::default());
    let charts = read(&Two(SignedDuration::ZERO), &entries, range, Period::MINUTE).await.unwrap();
    let points = |key: &str| {
        let position = entries.iter().position(|entry| entry.key == key).unwrap();
        charts.charts[position].lines[0].points.clone()
    };
    let zero = Some(0.0);
    assert_eq!(points("requests"), [None, Some(10.0), Some(10.0), zero, zero]);
    assert_eq!(points("server-errors"), [None, zero, Some(1.0), zero, zero]);
    assert_eq!(points("error-share"), [None, zero, Some(10.0), zero, zero]);
    assert_eq!(points("latency"), [None; 5], "without requests there is no latency, not one of zero");
    let latency = entries.iter().position(|entry| entry.key == "latency").unwrap();
    assert!(charts.charts[latency].is_empty());
}

#[tokio::test]
async fn counts_after_the_reading_are_unknown_and_not_zero() {
    let now = Timestamp::from_second(1_767_225_600).unwrap();
    let range = TimeRange::last(SignedDuration::from_mins(5), now);
    let entries = of_stage(Stage::Api, &Names::default());
    let charts = read(&Two(SignedDuration::from_secs(90)), &entries, range, Period::MINUTE).await.unwrap();
    let requests = entries.iter().position(|entry| entry.key == "requests").unwrap();
    let points = &charts.charts[requests].lines[0].points;
    assert_eq!(*points, [None, Some(10.0), Some(10.0), Some(0.0), None]);
}
