//! Turns the alarm history of CloudWatch into the content of the morning's digest.

use crate::ports::{AlarmStatus, Change};
use crate::watch::Watch;
use jiff::Timestamp;
use spillway_alerts::hours::Digest;
use spillway_alerts::{AlarmState, RuleName, StateChange};
use std::collections::BTreeMap;

/// A reason is a line in a mail; CloudWatch's lists every datapoint.
const LONGEST_REASON: usize = 240;

/// The night: from when business hours ended until they began again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Overnight {
    /// When they ended.
    pub closed_at: Timestamp,
    /// When they began.
    pub opened_at: Timestamp,
}

/// Alarms that were in ALARM when business hours ended. Their change into it was earlier, so it has to be
/// looked up.
pub(crate) fn in_alarm_at_closing(
    watch: &Watch,
    night: Overnight,
    now: &[AlarmStatus],
    changes: &[Change],
) -> Vec<String> {
    let alarms = watch.notifying_low_alarms();
    let was = |alarm: &&String| match changes.iter().find(|change| change.alarm == **alarm) {
        Some(first) => first.from == AlarmState::Alarm,
        None => now.iter().any(|status| {
            status.alarm == **alarm && status.state == AlarmState::Alarm && status.since < night.closed_at
        }),
    };
    alarms.iter().filter(was).cloned().collect()
}

/// Builds the digest from two lists. One has the changes since closing, the oldest first; some after the opening may
/// be among them. The other has the alarms that were in ALARM at closing, with the time and reason as far as they are
/// known.
pub fn overnight(
    watch: &Watch,
    night: Overnight,
    at_closing: &[(String, Option<Change>)],
    changes: &[Change],
) -> Digest {
    let rule = |alarm: &str| watch.notifying_low(alarm).map(|rule| rule.name.clone());
    let mut in_alarm: BTreeMap<RuleName, (Timestamp, String)> = BTreeMap::new();
    for (alarm, into) in at_closing {
        let Some(rule) = rule(alarm) else { continue };
        let known = into.as_ref().map(|change| (change.at, short(&change.reason)));
        let unknown =
            || (night.closed_at, "it was in alarm before; CloudWatch no longer has the time".into());
        in_alarm.insert(rule, known.unwrap_or_else(unknown));
    }
    let meanwhile =
        changes.iter().filter(|change| change.at >= night.closed_at && change.at < night.opened_at);
    let meanwhile: Vec<StateChange> = meanwhile
        .filter_map(|change| {
            let rule = rule(&change.alarm)?;
            let reason = short(&change.reason);
            Some(StateChange { rule, at: change.at, from: change.from, to: change.to, reason })
        })
        .collect();
    Digest::of(Some(night.closed_at), night.opened_at, &in_alarm, &meanwhile)
}

/// On one line, and short enough to read.
pub(crate) fn short(reason: &str) -> String {
    let line = reason.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(LONGEST_REASON) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}
