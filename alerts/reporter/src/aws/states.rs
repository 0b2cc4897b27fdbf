//! States of alarms and their history, from CloudWatch.

use super::refused;
use crate::ports::{AlarmStatus, Change, PortError, States};
use async_trait::async_trait;
use aws_sdk_cloudwatch::Client;
use aws_sdk_cloudwatch::types::{AlarmHistoryItem, AlarmType, HistoryItemType, ScanBy, StateValue};
use aws_smithy_types::DateTime;
use jiff::Timestamp;
use serde::Deserialize;
use spillway_alerts::AlarmState;

/// Alarms that one call describes ("DescribeAlarms" in the CloudWatch API reference).
const MAX_NAMES: usize = 100;
/// Changes that one page has.
const PAGE: i32 = 100;
/// More pages than any night has. The limit stops an answer that always announces another page.
const MAX_PAGES: usize = 1_000;
const DESCRIBE: &str = "cloudwatch:DescribeAlarms";
const HISTORY: &str = "cloudwatch:DescribeAlarmHistory";

/// Alarms of an account and region.
#[derive(Clone, Debug)]
pub struct CloudWatchStates {
    client: Client,
}

impl CloudWatchStates {
    /// Through this client.
    pub fn new(client: Client) -> Self {
        Self { client }
    }

    async fn history(
        &self,
        alarm: Option<&str>,
        (from, to): (Option<Timestamp>, Timestamp),
        scan: ScanBy,
        mut wanted: impl FnMut(Change) -> bool,
    ) -> Result<(), PortError> {
        let mut token = None;
        for _ in 0..MAX_PAGES {
            let page = self
                .client
                .describe_alarm_history()
                .set_alarm_name(alarm.map(str::to_owned))
                // Without it composite alarms are left out.
                .alarm_types(AlarmType::MetricAlarm)
                .alarm_types(AlarmType::CompositeAlarm)
                .history_item_type(HistoryItemType::StateUpdate)
                .set_start_date(from.map(|from| DateTime::from_millis(from.as_millisecond())))
                .end_date(DateTime::from_millis(to.as_millisecond()))
                .scan_by(scan.clone())
                .max_records(PAGE)
                .set_next_token(token)
                .send()
                .await
                .map_err(|error| refused!(error, HISTORY))?;
            for change in page.alarm_history_items().iter().filter_map(change) {
                if !wanted(change) {
                    return Ok(());
                }
            }
            token = page.next_token().filter(|token| !token.is_empty()).map(str::to_owned);
            if token.is_none() {
                return Ok(());
            }
        }
        Err(PortError(format!("{HISTORY} returned too many pages")))
    }
}

#[async_trait]
impl States for CloudWatchStates {
    async fn now(&self, alarms: &[String]) -> Result<Vec<AlarmStatus>, PortError> {
        let mut found = Vec::new();
        for names in alarms.chunks(MAX_NAMES) {
            let answer = self
                .client
                .describe_alarms()
                .set_alarm_names(Some(names.to_vec()))
                .alarm_types(AlarmType::MetricAlarm)
                .alarm_types(AlarmType::CompositeAlarm)
                .max_records(PAGE)
                .send()
                .await
                .map_err(|error| refused!(error, DESCRIBE))?;
            let metric = answer.metric_alarms().iter().map(|alarm| {
                let since = alarm.state_transitioned_timestamp().or(alarm.state_updated_timestamp());
                (alarm.alarm_name(), alarm.state_value(), since, alarm.state_reason())
            });
            let composite = answer.composite_alarms().iter().map(|alarm| {
                let since = alarm.state_transitioned_timestamp().or(alarm.state_updated_timestamp());
                (alarm.alarm_name(), alarm.state_value(), since, alarm.state_reason())
            });
            found.extend(metric.chain(composite).filter_map(|(name, state, since, reason)| {
                Some(AlarmStatus {
                    alarm: name?.to_owned(),
                    state: state_of(state?)?,
                    since: time(since?)?,
                    reason: reason.unwrap_or_default().to_owned(),
                })
            }));
        }
        Ok(found)
    }

    async fn changes(&self, from: Timestamp, to: Timestamp) -> Result<Vec<Change>, PortError> {
        let mut changes = Vec::new();
        let all = |change| {
            changes.push(change);
            true
        };
        self.history(None, (Some(from), to), ScanBy::TimestampAscending, all).await?;
        // Pages come in order, but changes of the same moment may not.
        changes.sort_by_key(|change: &Change| change.at);
        Ok(changes)
    }

    async fn last_into_alarm(&self, alarm: &str, before: Timestamp) -> Result<Option<Change>, PortError> {
        let mut found = None;
        let last = |change: Change| {
            let into = change.to == AlarmState::Alarm && change.at < before;
            found = into.then_some(change);
            !into
        };
        self.history(Some(alarm), (None, before), ScanBy::TimestampDescending, last).await?;
        Ok(found)
    }
}

/// The data of a history item beside its fields, as far as it is used here.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Data {
    old_state: DataState,
    new_state: DataState,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct DataState {
    state_value: AlarmState,
    state_reason: Option<String>,
}

/// An item that cannot be read counts as no change: a new kind of item must not prevent the digest.
fn change(item: &AlarmHistoryItem) -> Option<Change> {
    let data: Data = serde_json::from_str(item.history_data()?).ok()?;
    Some(Change {
        alarm: item.alarm_name()?.to_owned(),
        at: time(item.timestamp()?)?,
        from: data.old_state.state_value,
        to: data.new_state.state_value,
        reason: data.new_state.state_reason.unwrap_or_default(),
    })
}

fn state_of(state: &StateValue) -> Option<AlarmState> {
    match state {
        StateValue::Ok => Some(AlarmState::Ok),
        StateValue::Alarm => Some(AlarmState::Alarm),
        StateValue::InsufficientData => Some(AlarmState::InsufficientData),
        _ => None,
    }
}

fn time(time: &DateTime) -> Option<Timestamp> {
    Timestamp::from_millisecond(time.to_millis().ok()?).ok()
}
