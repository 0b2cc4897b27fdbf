//! CloudWatch's alarms and their history.

use super::{map, member};
use ciborium::Value;
use serde_json::json;
use spillway_core::Timestamp;
use std::collections::BTreeMap;

/// The changes of each alarm, by its name.
#[derive(Debug, Default)]
pub(super) struct Alarms(BTreeMap<String, Vec<Change>>);

#[derive(Debug)]
struct Change {
    at: Timestamp,
    from: String,
    to: String,
}

/// The state of an alarm without a change.
const UNCHANGED: &str = "OK";

impl Alarms {
    pub(super) fn changed(&mut self, name: &str, at: Timestamp, to: &str) {
        let changes = self.0.entry(name.to_owned()).or_default();
        let from = changes.last().map_or(UNCHANGED, |change| &change.to).to_owned();
        changes.push(Change { at, from, to: to.to_owned() });
    }

    /// The answer of `DescribeAlarms`.
    pub(super) fn now(&self, request: &Value) -> Value {
        let asked = member(request, "AlarmNames");
        let alarm = |name: &Value| {
            let last = name.as_text().and_then(|name| self.0.get(name)?.last());
            let at = last.map_or(Timestamp::UNIX_EPOCH, |change| change.at);
            map([
                ("AlarmName", name.clone()),
                ("StateValue", last.map_or(UNCHANGED, |change| &change.to).into()),
                ("StateReason", last.map_or("Unchecked: Initial alarm creation", |_| REASON).into()),
                ("StateTransitionedTimestamp", time(at)),
            ])
        };
        let alarms = asked.as_array().into_iter().flatten().map(alarm);
        map([("MetricAlarms", Value::Array(alarms.collect())), ("CompositeAlarms", Value::Array(Vec::new()))])
    }

    /// The answer of `DescribeAlarmHistory`, newest first, in pages.
    pub(super) fn history(&self, request: &Value) -> Value {
        let name = member(request, "AlarmName");
        let second = |name| match member(request, name) {
            Value::Tag(1, time) => match *time {
                Value::Float(at) => Some(at),
                other => other.as_integer().map(|at| i128::from(at) as f64),
            },
            _ => None,
        };
        let (from, to) = (second("StartDate").unwrap_or(0.0), second("EndDate").unwrap_or(f64::INFINITY));
        let of_alarm = |of: &String| name.as_text().is_none_or(|name| name == of);
        let all = self.0.iter().filter(|(of, _)| of_alarm(of));
        let all = all.flat_map(|(of, changes)| changes.iter().map(move |change| (of, change)));
        let mut found: Vec<_> = all.filter(|(_, change)| (from..=to).contains(&seconds(change.at))).collect();
        found.sort_by_key(|(_, change)| std::cmp::Reverse(change.at));
        let most = member(request, "MaxRecords").as_integer().map_or(100, i128::from) as usize;
        let start =
            member(request, "NextToken").as_text().map_or(0, |token| token.parse().expect("our token"));
        let item = |(of, change): &(&String, &Change)| {
            map([
                ("AlarmName", of.as_str().into()),
                ("AlarmType", "MetricAlarm".into()),
                ("HistoryItemType", "StateUpdate".into()),
                ("Timestamp", time(change.at)),
                ("HistoryData", data(change).into()),
            ])
        };
        let page: Vec<_> = found.iter().skip(start).take(most).map(item).collect();
        let next = start + page.len();
        let mut members = vec![("AlarmHistoryItems", Value::Array(page))];
        if next < found.len() {
            members.push(("NextToken", next.to_string().into()));
        }
        map(members)
    }
}

const REASON: &str = "Threshold Crossed: 1 datapoint was greater than the threshold (300.0).";

/// A state update as "Alarm history" in CloudWatch's user guide records it.
fn data(change: &Change) -> String {
    json!({
        "version": "1.0",
        "oldState": {"stateValue": change.from, "stateReason": "Unchecked: Initial alarm creation"},
        "newState": {"stateValue": change.to, "stateReason": REASON,
            "stateReasonData": {"version": "1.0", "threshold": 300.0}},
    })
    .to_string()
}

fn seconds(at: Timestamp) -> f64 {
    at.as_millisecond() as f64 / 1000.0
}

fn time(at: Timestamp) -> Value {
    Value::Tag(1, Box::new(Value::Float(seconds(at))))
}
