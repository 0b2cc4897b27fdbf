//! The parts of CloudWatch that the emulator lacks.
//!
//! In AWS, CloudWatch Logs reads log lines in the embedded metric format and records the values in them. Lambda records
//! metrics of every invocation. The emulator stores the functions' log lines, and records metrics that are put, but
//! makes no metrics from log lines. [`LogMetrics`] does, by the format's specification and from Lambda's `REPORT`
//! lines.

use super::aws::Aws;
use serde_json::{Value, json};
use std::collections::HashSet;

/// Maximum number of values of one metric in a line ("Specification: Embedded metric format", Target members).
const MAX_VALUES: usize = 100;
/// Maximum number of values in one request.
const AT_ONCE: usize = 1000;
/// How far back a read starts, in milliseconds. An invocation's lines never arrive later than this.
const OVERLAP_MS: u64 = 10_000;

/// Turns functions' log lines into metrics, each line once.
#[derive(Debug, Default)]
pub struct LogMetrics {
    /// The emulator writes one stream for each invocation, all of it at once.
    seen: HashSet<String>,
    newest_ms: u64,
    /// Number of values put so far.
    put: u64,
}

impl LogMetrics {
    /// Reads the log lines since the last call, and puts their metrics. Returns the total number of values put so far.
    pub async fn catch_up(&mut self, aws: &Aws, functions: &[String]) -> u64 {
        let mut newest = self.newest_ms;
        for function in functions {
            let group = format!("/aws/lambda/{function}");
            let mut from = self.newest_ms.saturating_sub(OVERLAP_MS);
            loop {
                let request = json!({"logGroupName": group, "startTime": from, "limit": 10_000});
                let answer = aws.call("Logs_20140328.FilterLogEvents", &request).await;
                let events = answer["events"].as_array().cloned().unwrap_or_default();
                let last =
                    events.iter().filter_map(|event| event["timestamp"].as_u64()).max().unwrap_or(from);
                newest = newest.max(last);
                // A full page may end in the middle of a stream, whose lines all have the same time. The next page
                // reads those lines again.
                let full = events.len() >= 10_000 && last > from;
                let complete = |event: &Value| !full || event["timestamp"].as_u64() != Some(last);
                let events = events.into_iter().filter(complete).collect::<Vec<_>>();
                self.put(aws, function, &events).await;
                if !full {
                    break;
                }
                from = last;
            }
        }
        self.newest_ms = newest;
        self.put
    }

    async fn put(&mut self, aws: &Aws, function: &str, events: &[Value]) {
        let stream = |event: &Value| event["logStreamName"].as_str().unwrap_or_default().to_owned();
        let fresh: Vec<_> = events.iter().filter(|event| !self.seen.contains(&stream(event))).collect();
        let mut data: Vec<(String, Value)> = Vec::new();
        for event in &fresh {
            let message = event["message"].as_str().unwrap_or_default();
            if let Ok(line) = serde_json::from_str::<Value>(message) {
                data.extend(embedded(&line));
            } else if let Some(duration_ms) = reported_ms(message) {
                data.extend(invocation(function, duration_ms, &event["timestamp"]));
            }
        }
        self.seen.extend(fresh.into_iter().map(stream));
        self.put += data.len() as u64;
        let mut namespaces: Vec<_> = data.iter().map(|(namespace, _)| namespace.clone()).collect();
        namespaces.sort_unstable();
        namespaces.dedup();
        for namespace in namespaces {
            let of_it: Vec<_> =
                data.iter().filter(|(of, _)| *of == namespace).map(|(_, datum)| datum).collect();
            for some in of_it.chunks(AT_ONCE) {
                let request = json!({"Namespace": namespace, "MetricData": some});
                aws.call("GraniteServiceVersion20100801.PutMetricData", &request).await;
            }
        }
    }
}

/// The metrics of a line in the embedded metric format: for each directive, each set of dimensions and each metric.
fn embedded(line: &Value) -> Vec<(String, Value)> {
    let mut data = Vec::new();
    for directive in list(&line["_aws"]["CloudWatchMetrics"]) {
        let namespace = text(&directive["Namespace"]);
        for names in list(&directive["Dimensions"]) {
            let dimensions: Vec<_> =
                list(names).map(|name| json!({"Name": name, "Value": line[text(name)]})).collect();
            for metric in list(&directive["Metrics"]) {
                let name = text(&metric["Name"]);
                let Some(target) = line.get(name) else { continue };
                let values = target.as_array().cloned().unwrap_or_else(|| vec![target.clone()]);
                assert!(
                    (1..=MAX_VALUES).contains(&values.len()) && values.iter().all(Value::is_number),
                    "CloudWatch takes a number or an array of up to {MAX_VALUES}, and would refuse {name} in {line}"
                );
                let unit = metric["Unit"].as_str().unwrap_or("None");
                let datum = json!({"MetricName": name, "Dimensions": dimensions, "Unit": unit,
                    "Values": values, "Timestamp": seconds(&line["_aws"]["Timestamp"])});
                data.push((namespace.to_owned(), datum));
            }
        }
    }
    data
}

/// The metrics that Lambda itself records of an invocation.
fn invocation(function: &str, duration_ms: f64, timestamp: &Value) -> Vec<(String, Value)> {
    let dimensions = json!([{"Name": "FunctionName", "Value": function}]);
    let datum = |name: &str, unit: &str, value: f64| {
        let datum = json!({"MetricName": name, "Dimensions": dimensions, "Unit": unit, "Values": [value],
            "Timestamp": seconds(timestamp)});
        ("AWS/Lambda".to_owned(), datum)
    };
    vec![datum("Invocations", "Count", 1.0), datum("Duration", "Milliseconds", duration_ms)]
}

/// The duration from a line `REPORT RequestId: …`, whose fields are separated by tabs.
fn reported_ms(message: &str) -> Option<f64> {
    let (_, rest) = message.strip_prefix("REPORT ")?.split_once("\tDuration: ")?;
    rest.split_once(' ')?.0.parse().ok()
}

fn seconds(milliseconds: &Value) -> f64 {
    milliseconds.as_f64().unwrap_or_default() / 1000.0
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_metric_of_a_line_is_recorded_under_each_set_of_its_dimensions() {
        let line = json!({
            "_aws": {"Timestamp": 1_700_000_000_500_u64, "CloudWatchMetrics": [{
                "Namespace": "Spillway", "Dimensions": [["Deployment"], ["Deployment", "Outcome"]],
                "Metrics": [{"Name": "Records", "Unit": "Count"}, {"Name": "Age", "Unit": "Milliseconds"}, {"Name": "Absent"}],
            }]},
            "Deployment": "d", "Outcome": "stored", "Records": 3, "Age": [1.5, 2.0],
        });
        let data = embedded(&line);
        assert_eq!(data.len(), 4, "two metrics, each under two sets; one has no value");
        assert_eq!(data[0].0, "Spillway");
        assert_eq!(
            data[0].1,
            json!({"MetricName": "Records", "Dimensions": [{"Name": "Deployment", "Value": "d"}],
            "Unit": "Count", "Values": [3], "Timestamp": 1_700_000_000.5})
        );
        assert_eq!(data[2].1["Dimensions"][1], json!({"Name": "Outcome", "Value": "stored"}));
        assert_eq!(data[3].1["Values"], json!([1.5, 2.0]));
        assert!(embedded(&json!({"level": "INFO"})).is_empty());
    }

    #[test]
    fn a_value_that_cloudwatch_would_refuse_is_noticed() {
        let counted = json!({"Values": [10, 7], "Counts": [3, 1]});
        for target in [counted, json!([]), json!("3"), json!([1, "2"]), json!(vec![1; 101])] {
            let line = json!({"Size": target, "_aws": {"Timestamp": 1, "CloudWatchMetrics": [
                {"Namespace": "Spillway", "Dimensions": [[]], "Metrics": [{"Name": "Size"}]}]}});
            assert!(std::panic::catch_unwind(|| embedded(&line)).is_err(), "{line}");
        }
    }

    #[test]
    fn an_invocation_is_read_from_its_report() {
        let report = "REPORT RequestId: a\tDuration: 12 ms\tBilled Duration: 12 ms\tMemory Size: 128 MB";
        assert_eq!(reported_ms(report), Some(12.0));
        assert_eq!(reported_ms("START RequestId: a"), None);
    }
}
