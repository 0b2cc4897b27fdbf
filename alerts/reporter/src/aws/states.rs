//! States of alarms and their history, from CloudWatch.

use crate::ports::{AlarmStatus, Change, PortError, States};
use async_trait::async_trait;
use aws_sdk_cloudwatch::Client;
use aws_sdk_cloudwatch::types::ScanBy;
use jiff::Timestamp;
use spillway_alerts::AlarmState;
use spillway_dashboard_aws::{AlarmNow, AlarmUpdate, alarm_updates, alarms_now};

/// More pages than any night has. The limit stops an answer that always announces another page.
const MAX_PAGES: usize = 1_000;

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
        range: (Option<Timestamp>, Timestamp),
        scan: ScanBy,
        mut wanted: impl FnMut(Change) -> bool,
    ) -> Result<(), PortError> {
        let wanted =
            |AlarmUpdate { alarm, at, from, to, reason }| wanted(Change { alarm, at, from, to, reason });
        match alarm_updates(&self.client, alarm, range, scan, MAX_PAGES, wanted).await? {
            true => Ok(()),
            false => {
                Err(PortError("CloudWatch answers with page after page of history and no end".to_owned()))
            }
        }
    }
}

#[async_trait]
impl States for CloudWatchStates {
    async fn now(&self, alarms: &[String]) -> Result<Vec<AlarmStatus>, PortError> {
        let status = |AlarmNow { name, state, since, reason }| {
            Some(AlarmStatus { alarm: name, state: state?, since: since?, reason })
        };
        Ok(alarms_now(&self.client, alarms).await?.into_iter().filter_map(status).collect())
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
