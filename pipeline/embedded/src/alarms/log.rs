//! Alarms in the database: their states, every change, and who was notified.

use super::keep::Keep;
use super::write::{Entry, append};
use crate::db::{Columns, Db, DbError, from_millis, millis, text};
use jiff::SignedDuration;
use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::Serialize;
use serde::de::DeserializeOwned;
use spillway_alerts::hours::{Digest, NotifierState};
use spillway_alerts::{AlarmChange, AlarmPeriod, AlarmState, AlarmStatus, NotNotified, Notified, RuleName};
use spillway_core::Timestamp;
use std::collections::HashMap;
use std::sync::Arc;

/// Seconds that changes and messages are kept: as long as CloudWatch keeps datapoints.
const KEPT_S: i64 = spillway_metrics::retention::LONGEST;

/// Fact: up to when alarms were evaluated, in Unix milliseconds.
pub(super) const EVALUATED_UNTIL: &str = "alarms_evaluated_until";
/// Fact: the notifier's state.
pub(super) const NOTIFIER: &str = "alarms_teller";

/// The alarms of a data folder. Any process may read them; the one that runs the pipeline writes. While the folder can't be
/// written, that process has the newest ones in memory, and others see the last that were written.
pub struct AlarmLog {
    keep: Keep,
}

impl AlarmLog {
    /// The alarms in a database.
    pub(crate) fn new(db: Arc<Db>) -> Self {
        Self { keep: Keep::new(db) }
    }

    /// The status of each alarm that was ever evaluated. Whether notifications are held back at the moment is not stored, so
    /// `suppressed` is left empty.
    pub async fn statuses(&self) -> Result<Vec<AlarmStatus>, DbError> {
        let changes = self.last_changes().await?.into_iter();
        let mut notified: HashMap<RuleName, Notified> =
            changes.map(|change| (change.rule, change.notified)).collect();
        let periods = self.last_periods().await?.into_iter();
        let mut periods: HashMap<RuleName, AlarmPeriod> =
            periods.map(|period| (period.rule.clone(), period)).collect();
        self.keep
            .read(move |connection| {
                let mut query = connection
                    .prepare_cached("SELECT rule, state, since, reason, trouble FROM alarm_states")?;
                let rows = query.query_map([], |row| {
                    let columns = Columns::of(row);
                    let rule = RuleName::new(columns.text(0)?);
                    let (since, reason) = (columns.optional_time(2)?, columns.text(3)?);
                    Ok(AlarmStatus {
                        state: state(&columns, 1)?,
                        since,
                        evaluation_error: columns.optional_text(4)?,
                        reason: columns.unless_damaged(reason),
                        notified: notified.remove(&rule),
                        suppressed: None,
                        last_alarm: periods.remove(&rule),
                        rule,
                    })
                })?;
                rows.collect()
            })
            .await
    }

    /// Changes from `from` on and before `until`, newest first, of one rule or of all, at most `limit`.
    pub async fn changes(
        &self,
        rule: Option<&RuleName>,
        from: Timestamp,
        until: Timestamp,
        limit: usize,
    ) -> Result<Vec<AlarmChange>, DbError> {
        let rule = rule.map(RuleName::to_string);
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.keep
            .read(move |connection| {
                let mut query = connection.prepare_cached(&format!(
                    "{CHANGES} WHERE c.at >= ?1 AND c.at < ?2 AND (?3 IS NULL OR c.rule = ?3)
                     ORDER BY c.at DESC, c.seq DESC LIMIT ?4"
                ))?;
                let rows = query.query_map(params![millis(from), millis(until), rule, limit], change)?;
                rows.collect()
            })
            .await
    }

    /// The last change of each rule.
    pub(super) async fn last_changes(&self) -> Result<Vec<AlarmChange>, DbError> {
        self.keep
            .read(|connection| {
                let mut query = connection.prepare_cached(&format!(
                    "{CHANGES} WHERE c.seq IN (SELECT max(seq) FROM alarm_changes GROUP BY rule)"
                ))?;
                query.query_map([], change)?.collect()
            })
            .await
    }

    /// Periods in `ALARM` that overlap a range, the oldest first, of one rule or of all.
    pub async fn periods(
        &self,
        rule: Option<&RuleName>,
        from: Timestamp,
        until: Timestamp,
    ) -> Result<Vec<AlarmPeriod>, DbError> {
        let rule = rule.map(RuleName::to_string);
        self.keep
            .read(move |connection| {
                let mut query = connection.prepare_cached(&format!(
                    "SELECT * FROM ({PERIODS} AND c.at < ?2 AND (?3 IS NULL OR c.rule = ?3))
                     WHERE ended IS NULL OR ended >= ?1 ORDER BY began, rule"
                ))?;
                query.query_map(params![millis(from), millis(until), rule], period)?.collect()
            })
            .await
    }

    /// The last period in `ALARM` of each rule that has one.
    pub(super) async fn last_periods(&self) -> Result<Vec<AlarmPeriod>, DbError> {
        self.keep
            .read(|connection| {
                let mut query = connection.prepare_cached(&format!(
                    "{PERIODS} AND c.seq IN
                     (SELECT max(seq) FROM alarm_changes WHERE after = 'ALARM' GROUP BY rule)"
                ))?;
                query.query_map([], period)?.collect()
            })
            .await
    }

    /// Notifications as they went to the webhook, newest first. `kind` is `alarm` or `digest`.
    pub async fn messages(
        &self,
        kind: &'static str,
        limit: usize,
    ) -> Result<Vec<serde_json::Value>, DbError> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.keep
            .read(move |connection| {
                let mut query = connection.prepare_cached(
                    "SELECT document FROM alarm_messages WHERE kind = ?1 ORDER BY at DESC, seq DESC LIMIT ?2",
                )?;
                let rows = query.query_map(params![kind, limit], |row| {
                    Ok(serde_json::from_str(&text(row, 0)?).unwrap_or_default())
                })?;
                rows.collect()
            })
            .await
    }

    /// The newest opening digest that can be read; `None` if there was none yet.
    pub async fn last_digest(&self) -> Result<Option<Digest>, DbError> {
        let newest = self.messages("digest", DIGESTS).await?.into_iter();
        let read = |document: serde_json::Value| serde_json::from_value(document.get("digest")?.clone()).ok();
        Ok(newest.filter_map(read).next())
    }

    /// Up to when alarms were evaluated; `None` if they never were, or if that can't be read any more.
    pub async fn evaluated_until(&self) -> Result<Option<Timestamp>, DbError> {
        let read = |connection: &Connection| fact(connection, EVALUATED_UNTIL);
        let at = self.keep.read(read).await?.and_then(|text| text.parse().ok());
        Ok(at.map(from_millis))
    }

    /// The state of the last notifier. One that another version wrote is lost, as an upgrade must not stop the alarms. Then
    /// low alarms that it held back are in no digest.
    pub(super) async fn notifier(&self) -> NotifierState {
        match self.fact(NOTIFIER).await {
            Ok(state) => state.unwrap_or_default(),
            Err(error) => {
                tracing::warn!(%error, "alarms that were held back are in no digest");
                NotifierState::default()
            }
        }
    }

    /// Ends the alarms of rules that are gone: nothing would ever clear them. Their history stays.
    pub(super) async fn forget(&self, gone: Vec<RuleName>, now: Timestamp) -> Result<(), DbError> {
        if gone.is_empty() {
            return Ok(());
        }
        let forget = move |tx: &Connection| {
            for rule in &gone {
                let rule = rule.as_str();
                let (alarm, unknown) = (AlarmState::Alarm.to_string(), AlarmState::default().to_string());
                tx.execute(
                    "INSERT INTO alarm_changes (at, rule, before, after, reason, told)
                     SELECT ?1, rule, state, ?3, 'the rule was removed or renamed', 'no_news'
                     FROM alarm_states WHERE rule = ?2 AND state = ?4",
                    params![millis(now), rule, unknown, alarm],
                )?;
                tx.execute(
                    "UPDATE alarm_changes SET told = 'no_news' WHERE rule = ?1 AND told = 'held'",
                    [rule],
                )?;
                tx.execute("DELETE FROM alarm_states WHERE rule = ?1", [rule])?;
            }
            Ok(())
        };
        self.keep.write(forget).await
    }

    /// A fact that was recorded under a name, as JSON.
    ///
    /// # Errors
    /// It can't be read, or another version wrote it.
    pub(super) async fn fact<T: DeserializeOwned>(&self, name: &'static str) -> Result<Option<T>, DbError> {
        let read = move |connection: &Connection| fact(connection, name);
        let Some(text) = self.keep.read(read).await? else { return Ok(None) };
        serde_json::from_str(&text).map(Some).map_err(|error| {
            DbError::Other(format!(
                "another version of Spillway wrote {name}, which this one can't read ({error})"
            ))
        })
    }

    pub(super) async fn note<T: Serialize>(&self, name: &'static str, value: &T) -> Result<(), DbError> {
        let text = serde_json::to_string(value).map_err(|error| DbError::Other(error.to_string()))?;
        self.keep.write(move |tx| super::write::note(tx, name, &text)).await
    }

    /// Keeps the results of an evaluation: all of them or none.
    pub(super) async fn append(&self, entry: Entry) -> Result<(), DbError> {
        self.keep.write(move |tx| append(tx, &entry)).await
    }

    /// Adapts the times of alarms to a clock that was set by that much: messages that wait keep their ages and waits, and
    /// nothing is in the future.
    pub(crate) async fn clock_was_set(&self, by: SignedDuration, now: Timestamp) -> Result<(), DbError> {
        let by = i64::try_from(by.as_millis()).unwrap_or(0);
        let now = millis(now);
        let adapt = move |tx: &Connection| {
            tx.execute(
                "UPDATE alarm_messages SET at = at + ?1, next_try_at = next_try_at + ?1 WHERE delivery = 'waiting'",
                [by],
            )?;
            for (table, time) in [
                ("alarm_messages", "at"),
                ("alarm_changes", "at"),
                ("alarm_changes", "told_at"),
                ("alarm_states", "since"),
            ] {
                tx.execute(&format!("UPDATE {table} SET {time} = ?1 WHERE {time} > ?1"), [now])?;
            }
            Ok(())
        };
        self.keep.write(adapt).await
    }

    /// Deletes what is older than it is kept for.
    pub(super) async fn delete_old(&self, now: Timestamp) -> Result<(), DbError> {
        let before = (now.as_second() - KEPT_S) * 1_000;
        let delete = move |tx: &Connection| {
            tx.execute("DELETE FROM alarm_changes WHERE at < ?1", [before])?;
            tx.execute("DELETE FROM incidents WHERE ended < ?1", [before])?;
            tx.execute("DELETE FROM alarm_messages WHERE at < ?1", [before]).map(|_| ())
        };
        self.keep.write(delete).await
    }

    pub(super) fn keep(&self) -> &Keep {
        &self.keep
    }
}

fn fact(connection: &Connection, name: &str) -> rusqlite::Result<Option<String>> {
    let mut query = connection.prepare_cached("SELECT value FROM facts WHERE name = ?1")?;
    query.query_row([name], |row| text(row, 0)).optional()
}

/// The newest digests among which one is looked for that can be read.
const DIGESTS: usize = 5;

/// What [`change`] reads.
const CHANGES: &str = "
SELECT c.at, c.rule, c.before, c.after, c.reason, c.told, c.told_at, m.tried_at, m.trouble, m.delivery
FROM alarm_changes c LEFT JOIN alarm_messages m ON m.seq = c.message";

/// What [`period`] reads; more conditions may follow.
const PERIODS: &str = "
SELECT c.rule AS rule, c.at AS began,
       (SELECT e.at FROM alarm_changes e WHERE e.rule = c.rule AND e.at >= c.at AND e.seq > c.seq
        ORDER BY e.at, e.seq LIMIT 1) AS ended
FROM alarm_changes c WHERE c.after = 'ALARM'";

fn change(row: &Row<'_>) -> rusqlite::Result<AlarmChange> {
    let columns = Columns::of(row);
    let at = columns.time(0)?;
    let notified_at = columns.optional_time(6)?.unwrap_or(at);
    let (tried_at, error) = (columns.optional_time(7)?, columns.optional_text(8)?);
    let is_waiting = columns.optional_text(9)?.as_deref() == Some("waiting");
    let notified = match columns.text(5)?.as_str() {
        "held" => Notified::Held(None),
        "digest" => Notified::InDigest(notified_at),
        "part" => Notified::Never(NotNotified::Part),
        "no_news" => Notified::Never(NotNotified::NoNews),
        "known" => Notified::Never(NotNotified::KnownIncident),
        "muted" => Notified::Never(NotNotified::Muted),
        "simulated" => Notified::Never(NotNotified::Simulated),
        other => {
            columns.found(other == "told");
            match (tried_at, error) {
                // The error is removed when the message is delivered.
                (Some(at), Some(reason)) => Notified::Failed { at, reason },
                _ if is_waiting => Notified::Sending(notified_at),
                _ => Notified::At(notified_at),
            }
        }
    };
    let (rule, reason) = (RuleName::new(columns.text(1)?), columns.text(4)?);
    let (from, to) = (state(&columns, 2)?, state(&columns, 3)?);
    Ok(AlarmChange { at, rule, from, to, notified, reason: columns.unless_damaged(reason) })
}

/// A change without a readable time is in no range, and neither is its period.
fn period(row: &Row<'_>) -> rusqlite::Result<AlarmPeriod> {
    let columns = Columns::of(row);
    Ok(AlarmPeriod {
        rule: RuleName::new(columns.text(0)?),
        from: columns.time(1)?,
        until: columns.optional_time(2)?,
    })
}

fn state(columns: &Columns<'_, '_>, column: usize) -> rusqlite::Result<AlarmState> {
    let text = columns.text(column)?;
    let known = [AlarmState::Ok, AlarmState::Alarm, AlarmState::InsufficientData];
    let state = known.into_iter().find(|state| state.to_string() == text);
    columns.found(state.is_some());
    Ok(state.unwrap_or_default())
}
