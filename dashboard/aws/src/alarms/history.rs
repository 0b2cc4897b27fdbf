//! Changes of alarms, from CloudWatch's history of 30 days.

use super::{AlarmUpdate, alarm_updates};
use crate::read_error;
use aws_sdk_cloudwatch::Client;
use aws_sdk_cloudwatch::types::ScanBy;
use jiff::Timestamp;
use spillway_dashboard_model::alarms::{
    AlarmChange, AlarmChanges, AlarmState, NotNotified, Notified, Rule, RuleName, RuleSet, Tier,
};
use spillway_dashboard_model::{ReadError, TimeRange};
use std::collections::{BTreeMap, HashMap};

/// Maximum number of pages with 100 changes each. Without a rule's name, they include other alarms of the account.
const MAX_PAGES: usize = 10;

/// Changes in the range, newest first, at most `limit`.
pub(super) async fn changes(
    client: &Client,
    rules: &RuleSet,
    names: &BTreeMap<String, String>,
    rule: Option<&RuleName>,
    range: TimeRange,
    limit: usize,
) -> Result<AlarmChanges, ReadError> {
    let mut alarm = None;
    if let Some(rule) = rule {
        let Some(name) = names.get(rule.as_str()) else { return Ok(AlarmChanges::default()) };
        alarm = Some(name.clone());
    }
    let by_alarm: HashMap<&str, &Rule> =
        names.iter().filter_map(|(rule, alarm)| Some((alarm.as_str(), rules.get(rule)?))).collect();
    let mut found = AlarmChanges::default();
    let collect = |update| {
        let Some(change) = change(update, &by_alarm) else { return true };
        found.has_more = found.changes.len() == limit;
        if !found.has_more {
            found.changes.push(change);
        }
        !found.has_more
    };
    let range = (Some(range.from()), range.to());
    let newest_first = ScanBy::TimestampDescending;
    let whole = alarm_updates(client, alarm.as_deref(), range, newest_first, MAX_PAGES, collect).await;
    found.has_more |= !whole.map_err(read_error)?;
    Ok(found)
}

/// The change of the alarm's rule, if it has one.
fn change(update: AlarmUpdate, rules: &HashMap<&str, &Rule>) -> Option<AlarmChange> {
    let rule = rules.get(update.alarm.as_str())?;
    let AlarmUpdate { at, from, to, reason, .. } = update;
    let notified = notified(rule, at, from, to);
    Some(AlarmChange { rule: rule.name.clone(), at, from, to, reason, notified })
}

/// The actions of alarms in `terraform/modules/alarms`. A high alarm notifies the topic when it fires and when it
/// clears. The composite of its subsystem notifies for a low alarm, and a composite alarm for its parts.
fn notified(rule: &Rule, at: Timestamp, from: AlarmState, to: AlarmState) -> Notified {
    match (rule.notify, rule.tier) {
        (false, _) => Notified::Never(NotNotified::Part),
        (true, Tier::High) if to != AlarmState::InsufficientData => Notified::At(at),
        (true, Tier::Low) if to == AlarmState::Alarm || from == AlarmState::Alarm => Notified::BySubsystem,
        (true, _) => Notified::Never(NotNotified::NoNews),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_sdk_cloudwatch::types::AlarmHistoryItem;
    use aws_smithy_types::DateTime;
    use spillway_dashboard_model::alarms::Limits;

    /// A state update in the format of CloudWatch's user guide.
    const DATA: &str = r#"{"version":"1.0","oldState":{"stateValue":"OK","stateReason":"Unchecked: Initial alarm creation"},
        "newState":{"stateValue":"ALARM","stateReason":"Threshold Crossed: 3 datapoints were greater than the threshold (300.0).",
        "stateReasonData":{"version":"1.0","queryDate":"2026-03-02T14:02:00.000+0000","threshold":300.0}}}"#;

    fn read(name: &str, data: &str) -> Option<AlarmChange> {
        let item = AlarmHistoryItem::builder()
            .alarm_name(name)
            .timestamp(DateTime::from_secs_f64(1_772_460_195.25))
            .history_data(data)
            .build();
        let rules = RuleSet::built_in(&Limits::built_in().unwrap()).unwrap();
        let alarms = ["queue-age-low", "queue-age-high", "latency-burn-14x-long"];
        let names: Vec<_> =
            alarms.iter().map(|rule| (format!("spillway-{rule}"), rules.get(rule).unwrap())).collect();
        let update = super::super::read::update(&item)?;
        change(update, &names.iter().map(|(name, rule)| (name.as_str(), *rule)).collect())
    }

    #[test]
    fn a_state_update_is_a_change_of_its_rule() {
        let change = read("spillway-queue-age-low", DATA).unwrap();
        assert_eq!(change.rule.as_str(), "queue-age-low");
        assert_eq!((change.from, change.to), (AlarmState::Ok, AlarmState::Alarm));
        assert_eq!(change.at.to_string(), "2026-03-02T14:03:15.25Z");
        assert!(change.reason.starts_with("Threshold Crossed"));
    }

    #[test]
    fn notifications_follow_from_the_actions_that_terraform_sets() {
        let notified = |name: &str, data: &str| read(name, data).unwrap().notified;
        let (fires, ends) = (DATA, DATA.replace("\"ALARM\"", "\"INSUFFICIENT_DATA\""));
        let at: Timestamp = "2026-03-02T14:03:15.25Z".parse().unwrap();
        assert_eq!(notified("spillway-queue-age-high", fires), Notified::At(at));
        assert_eq!(notified("spillway-queue-age-high", &ends), Notified::Never(NotNotified::NoNews));
        assert_eq!(notified("spillway-queue-age-low", fires), Notified::BySubsystem);
        assert_eq!(notified("spillway-queue-age-low", &ends), Notified::Never(NotNotified::NoNews));
        assert_eq!(notified("spillway-latency-burn-14x-long", fires), Notified::Never(NotNotified::Part));
    }

    #[test]
    fn other_alarms_and_unreadable_changes_are_left_out() {
        assert!(read("another-system-s", DATA).is_none());
        assert!(read("spillway-queue-age-low", "{}").is_none());
    }
}
