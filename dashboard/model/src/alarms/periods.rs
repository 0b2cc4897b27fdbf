//! Periods in alarm, from changes.

use super::{AlarmChange, AlarmPeriod, AlarmState};
use crate::TimeRange;
use std::collections::BTreeMap;

/// The periods in `ALARM` that overlap `range`, the oldest first. `changes` are all changes from the start of the range
/// until now, in any order. If a rule leaves `ALARM` without entering it, its period starts with the range. A rule
/// without a change has no period here; the caller knows its state and adds one.
pub fn periods(changes: &[AlarmChange], range: TimeRange) -> Vec<AlarmPeriod> {
    let mut in_order: Vec<&AlarmChange> = changes.iter().collect();
    in_order.sort_by_key(|change| change.at);
    let mut open = BTreeMap::new();
    let mut all = Vec::new();
    for change in in_order {
        if change.to == AlarmState::Alarm {
            open.entry(&change.rule).or_insert(change.at);
        } else if change.from == AlarmState::Alarm {
            let from = open.remove(&change.rule).unwrap_or(range.from());
            all.push(AlarmPeriod { rule: change.rule.clone(), from, until: Some(change.at) });
        }
    }
    all.extend(open.into_iter().map(|(rule, from)| AlarmPeriod { rule: rule.clone(), from, until: None }));
    all.retain(|period| period.from < range.to() && period.until.is_none_or(|until| until >= range.from()));
    all.sort_by(|a, b| (a.from, &a.rule).cmp(&(b.from, &b.rule)));
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alarms::{NotNotified, Notified, RuleName};
    use jiff::Timestamp;

    fn minute(minute: i64) -> Timestamp {
        Timestamp::from_second(60 * minute).unwrap()
    }

    fn change(rule: &str, at: i64, from: AlarmState, to: AlarmState) -> AlarmChange {
        let notified = Notified::Never(NotNotified::NoNews);
        AlarmChange { rule: RuleName::new(rule), at: minute(at), from, to, reason: String::new(), notified }
    }

    #[test]
    fn changes_make_periods_clipped_at_the_beginning_and_open_at_the_end() {
        use AlarmState::{Alarm, InsufficientData, Ok};
        let changes = [
            change("lasts", 30, Ok, Alarm),
            change("began before", 15, Alarm, Ok),
            change("twice", 12, Ok, Alarm),
            change("twice", 14, Alarm, InsufficientData),
            change("twice", 16, InsufficientData, Alarm),
            change("twice", 18, Alarm, Ok),
            change("never", 20, InsufficientData, Ok),
            change("after the range", 70, Ok, Alarm),
        ];
        let range = TimeRange::new(minute(10), minute(60)).unwrap();
        let found: Vec<_> = periods(&changes, range)
            .into_iter()
            .map(|period| (period.rule.to_string(), period.from, period.until))
            .collect();
        let expected = [
            ("began before", 10, Some(15)),
            ("twice", 12, Some(14)),
            ("twice", 16, Some(18)),
            ("lasts", 30, None),
        ];
        let expected = expected.map(|(rule, from, until)| (rule.to_owned(), minute(from), until.map(minute)));
        assert_eq!(found, expected);
    }
}
