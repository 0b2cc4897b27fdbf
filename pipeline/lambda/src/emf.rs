//! Metrics as log lines, in CloudWatch's embedded metric format.
//!
//! CloudWatch reads them from the function's log, so a measurement costs no call, and none can fail. The format is
//! "Specification: Embedded metric format" in CloudWatch's user guide. A metric that was measured once is a number.
//! One that was measured several times is an array of numbers, so that percentiles stay exact. The specification
//! allows 100 of them a line. Objects with values and their counts, as `PutMetricData` has them, are not in the
//! specification.

use serde_json::{Map, Value, json};
use spillway_core::Timestamp;
use spillway_core::metric::{Measurement, MetricId, Unit};
use std::collections::BTreeMap;

/// Maximum values of one metric in one line.
const MAX_VALUES: usize = 100;

/// The measured values by the metric's name, in the order of measuring.
type Metrics<'m> = BTreeMap<&'m str, (Unit, Vec<f64>)>;

/// The lines for these measurements. Those with the same namespace and dimensions share a line.
///
/// Each line has a `level`, because Lambda drops lines below the function's level and reads a line without one as `INFO`.
/// At `WARN` all metrics would be lost.
pub fn lines(measurements: &[Measurement], now: Timestamp, level: &str) -> Vec<String> {
    let mut groups: Vec<(&MetricId, Metrics<'_>)> = Vec::new();
    for Measurement { metric, value, unit } in measurements {
        if !value.is_finite() {
            continue;
        }
        let same =
            |other: &MetricId| other.namespace == metric.namespace && other.dimensions == metric.dimensions;
        let position = groups.iter().position(|(other, _)| same(other)).unwrap_or_else(|| {
            groups.push((metric, BTreeMap::new()));
            groups.len() - 1
        });
        groups[position].1.entry(&metric.name).or_insert((*unit, Vec::new())).1.push(*value);
    }
    let mut lines = Vec::new();
    for (about, mut metrics) in groups {
        while !metrics.is_empty() {
            lines.push(line(about, &mut metrics, now, level).to_string());
        }
    }
    lines
}

/// Removes from `metrics` the values that fit into one line.
fn line(about: &MetricId, metrics: &mut Metrics<'_>, now: Timestamp, level: &str) -> Value {
    let mut root = Map::new();
    let mut definitions = Vec::new();
    metrics.retain(|name, (unit, values)| {
        let some: Vec<_> = values.drain(..values.len().min(MAX_VALUES)).map(number).collect();
        definitions.push(json!({ "Name": name, "Unit": unit }));
        let target = if let [one] = &some[..] { one.clone() } else { Value::Array(some) };
        root.insert((*name).to_owned(), target);
        !values.is_empty()
    });
    let names: Vec<_> = about.dimensions.iter().map(|(name, _)| name.as_ref()).collect();
    for (name, value) in &about.dimensions {
        root.insert(name.clone().into_owned(), value.as_ref().into());
    }
    root.insert("level".to_owned(), level.into());
    root.insert("timestamp".to_owned(), now.to_string().into());
    root.insert(
        "_aws".to_owned(),
        json!({
            "Timestamp": now.as_millisecond(),
            "CloudWatchMetrics": [
                { "Namespace": about.namespace, "Dimensions": [names], "Metrics": definitions }
            ],
        }),
    );
    Value::Object(root)
}

fn number(value: f64) -> Value {
    let is_whole = value.fract() == 0.0 && value.abs() < 1e15;
    if is_whole { Value::from(value as i64) } else { Value::from(value) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measured(name: &'static str, value: f64, unit: Unit) -> Measurement {
        let metric = MetricId::new("Spillway", name, &[("FunctionName", "shop-consumer")]);
        Measurement { metric, value, unit }
    }

    fn parsed(measurements: &[Measurement]) -> Vec<Value> {
        let lines = lines(measurements, Timestamp::UNIX_EPOCH, "INFO");
        lines.iter().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    #[test]
    fn a_batch_is_one_line_with_every_value() {
        let mut batch = vec![measured("BatchSize", 4.0, Unit::Count)];
        batch.extend([2.0, 1.0, 1.0, 19.0].map(|count| measured("ReceiveCount", count, Unit::Count)));
        batch.extend([0.5, 0.5].map(|ms| measured("AcceptToStoredLatency", ms, Unit::Milliseconds)));
        insta::assert_json_snapshot!(parsed(&batch));
    }

    #[test]
    fn a_line_has_at_most_a_hundred_values_of_a_metric_and_none_is_lost() {
        let mut all: Vec<_> = (0..250)
            .map(|value| measured("AcceptToStoredLatency", f64::from(value), Unit::Milliseconds))
            .collect();
        all.push(measured("BatchSize", 250.0, Unit::Count));
        let lines = parsed(&all);
        let lengths: Vec<_> =
            lines.iter().map(|line| line["AcceptToStoredLatency"].as_array().unwrap().len()).collect();
        assert_eq!(lengths, [100, 100, 50]);
        assert_eq!(
            (&lines[0]["AcceptToStoredLatency"][0], &lines[2]["AcceptToStoredLatency"][49]),
            (&json!(0), &json!(249))
        );
        let sizes = lines.iter().filter(|line| line.get("BatchSize").is_some()).count();
        assert_eq!(sizes, 1, "a metric that fits into the first line is not repeated");
    }

    #[test]
    fn other_dimensions_are_another_line_and_no_number_is_no_measurement() {
        let other = Measurement {
            metric: MetricId::new("Spillway", "BatchSize", &[("FunctionName", "other")]),
            value: -1.5,
            unit: Unit::Count,
        };
        let lines =
            parsed(&[measured("BatchSize", 1.0, Unit::Count), other, measured("X", f64::NAN, Unit::Count)]);
        assert_eq!(lines.len(), 2);
        assert_eq!((&lines[1]["FunctionName"], &lines[1]["BatchSize"]), (&json!("other"), &json!(-1.5)));
        assert!(parsed(&[]).is_empty());
    }
}
