//! CloudWatch's alarms as they are now, and their history.

use aws_sdk_cloudwatch::Client;
use aws_sdk_cloudwatch::types::{AlarmHistoryItem, AlarmType, HistoryItemType, ScanBy, StateValue};
use aws_smithy_types::DateTime;
use jiff::Timestamp;
use serde::Deserialize;
use spillway_aws::explain::{self, ExplainedError};
use spillway_dashboard_model::alarms::AlarmState;

/// Alarms that one call describes, and changes on one page ("DescribeAlarms" in the CloudWatch API reference).
const MOST: usize = 100;

/// An alarm as it is now.
#[derive(Clone, Debug)]
pub struct AlarmNow {
    /// Its name.
    pub name: String,
    /// Its state; `None` for one that CloudWatch has added since.
    pub state: Option<AlarmState>,
    /// Since when.
    pub since: Option<Timestamp>,
    /// Why, in CloudWatch's words.
    pub reason: String,
}

/// An alarm went from one state to another.
#[derive(Clone, Debug)]
pub struct AlarmUpdate {
    /// Its name.
    pub alarm: String,
    /// When.
    pub at: Timestamp,
    /// State before.
    pub from: AlarmState,
    /// State after.
    pub to: AlarmState,
    /// Why, in CloudWatch's words.
    pub reason: String,
}

/// These alarms as they are now. One that does not exist is left out.
pub async fn alarms_now(client: &Client, names: &[String]) -> Result<Vec<AlarmNow>, ExplainedError> {
    let mut found = Vec::new();
    for names in names.chunks(MOST) {
        let answer = client
            .describe_alarms()
            .set_alarm_names(Some(names.to_vec()))
            // Without it composite alarms are left out.
            .alarm_types(AlarmType::MetricAlarm)
            .alarm_types(AlarmType::CompositeAlarm)
            .max_records(MOST as i32)
            .send()
            .await
            .map_err(|error| explain::explain(&error, "cloudwatch:DescribeAlarms"))?;
        let metric = answer.metric_alarms().iter().map(|alarm| {
            let since = alarm.state_transitioned_timestamp().or(alarm.state_updated_timestamp());
            (alarm.alarm_name(), alarm.state_value(), since, alarm.state_reason())
        });
        let composite = answer.composite_alarms().iter().map(|alarm| {
            let since = alarm.state_transitioned_timestamp().or(alarm.state_updated_timestamp());
            (alarm.alarm_name(), alarm.state_value(), since, alarm.state_reason())
        });
        found.extend(metric.chain(composite).filter_map(|(name, value, since, reason)| {
            let (state, since) = (value.and_then(state), since.and_then(time));
            Some(AlarmNow {
                name: name?.to_owned(),
                state,
                since,
                reason: reason.unwrap_or_default().to_owned(),
            })
        }));
    }
    Ok(found)
}

/// Reads the updates of one alarm or of all, until `wanted` says that it needs no other. `false` if there are more pages than
/// `pages`.
pub async fn alarm_updates(
    client: &Client,
    alarm: Option<&str>,
    (from, to): (Option<Timestamp>, Timestamp),
    scan: ScanBy,
    pages: usize,
    mut wanted: impl FnMut(AlarmUpdate) -> bool,
) -> Result<bool, ExplainedError> {
    let mut token = None;
    for _ in 0..pages {
        let page = client
            .describe_alarm_history()
            .set_alarm_name(alarm.map(str::to_owned))
            .alarm_types(AlarmType::MetricAlarm)
            .alarm_types(AlarmType::CompositeAlarm)
            .history_item_type(HistoryItemType::StateUpdate)
            .set_start_date(from.map(|from| DateTime::from_millis(from.as_millisecond())))
            .end_date(DateTime::from_millis(to.as_millisecond()))
            .scan_by(scan.clone())
            .max_records(MOST as i32)
            .set_next_token(token)
            .send()
            .await
            .map_err(|error| explain::explain(&error, "cloudwatch:DescribeAlarmHistory"))?;
        for update in page.alarm_history_items().iter().filter_map(update) {
            if !wanted(update) {
                return Ok(true);
            }
        }
        token = page.next_token().filter(|token| !token.is_empty()).map(str::to_owned);
        if token.is_none() {
            return Ok(true);
        }
    }
    Ok(false)
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
    #[serde(default)]
    state_reason: String,
}

/// An item that cannot be read counts as none: a new kind of item must hide no other.
pub(super) fn update(item: &AlarmHistoryItem) -> Option<AlarmUpdate> {
    let data: Data = serde_json::from_str(item.history_data()?).ok()?;
    Some(AlarmUpdate {
        alarm: item.alarm_name()?.to_owned(),
        at: time(item.timestamp()?)?,
        from: data.old_state.state_value,
        to: data.new_state.state_value,
        reason: data.new_state.state_reason,
    })
}

fn state(value: &StateValue) -> Option<AlarmState> {
    match value {
        StateValue::Ok => Some(AlarmState::Ok),
        StateValue::Alarm => Some(AlarmState::Alarm),
        StateValue::InsufficientData => Some(AlarmState::InsufficientData),
        _ => None,
    }
}

fn time(time: &DateTime) -> Option<Timestamp> {
    Timestamp::new(time.secs(), i32::try_from(time.subsec_nanos()).ok()?).ok()
}
