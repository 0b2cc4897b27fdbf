//! Writing alarms into the database.

use super::log::{AlarmLog, EVALUATED_UNTIL, NOTIFIER};
use crate::db::{Columns, DAMAGED, DbError, millis};
use rusqlite::{Connection, OptionalExtension, params};
use spillway_alerts::StateChange;
use spillway_alerts::evaluate::Status;
use spillway_alerts::hours::NotifierState;
use spillway_alerts::incidents::Incident;
use spillway_core::Timestamp;

/// The results of one evaluation, to be kept.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) evaluated_until: Timestamp,
    /// Of rules whose status changed, with why they could not be evaluated.
    pub(super) statuses: Vec<(Status, Option<String>)>,
    pub(super) changes: Vec<(StateChange, NotificationOutcome)>,
    /// The time of each opening whose digest reports the changes held back before it.
    pub(super) openings: Vec<Timestamp>,
    pub(super) messages: Vec<NewMessage>,
    pub(super) notifier: NotifierState,
    /// Those that have changed.
    pub(super) incidents: Vec<Incident>,
}

/// The outcome of the notification of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NotificationOutcome {
    /// By that message of the entry.
    By(usize),
    Held,
    Part,
    NoNews,
    Known,
    Muted,
    Simulated,
}

/// A notification to send.
#[derive(Clone, Debug)]
pub(super) struct NewMessage {
    pub(super) at: Timestamp,
    /// `alarm` or `digest`.
    pub(super) kind: &'static str,
    pub(super) document: String,
    /// Whether it goes to a webhook.
    pub(super) waits: bool,
}

pub(super) fn append(tx: &Connection, entry: &Entry) -> rusqlite::Result<()> {
    let mut add_message = tx.prepare_cached(
        "INSERT INTO alarm_messages (at, kind, document, delivery, next_try_at) VALUES (?1, ?2, ?3, ?4, ?1)",
    )?;
    let mut numbers = Vec::new();
    for message in &entry.messages {
        let delivery = if message.waits { "waiting" } else { "none" };
        add_message.execute(params![millis(message.at), message.kind, message.document, delivery])?;
        numbers.push(tx.last_insert_rowid());
    }
    let mut insert = tx.prepare_cached(
        "INSERT INTO alarm_changes (at, rule, before, after, reason, told, told_at, message)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    )?;
    for (change, outcome) in &entry.changes {
        let (notified, message) = match outcome {
            NotificationOutcome::By(message) => ("told", Some(*message)),
            NotificationOutcome::Held => ("held", None),
            NotificationOutcome::Part => ("part", None),
            NotificationOutcome::NoNews => ("no_news", None),
            NotificationOutcome::Known => ("known", None),
            NotificationOutcome::Muted => ("muted", None),
            NotificationOutcome::Simulated => ("simulated", None),
        };
        let told_at = message.and_then(|number| entry.messages.get(number)).map(|message| millis(message.at));
        let number = message.and_then(|number| numbers.get(number));
        let (before, after) = (change.from.to_string(), change.to.to_string());
        let rule = change.rule.as_str();
        insert.execute(params![
            millis(change.at),
            rule,
            before,
            after,
            change.reason,
            notified,
            told_at,
            number
        ])?;
    }
    let mut open = tx.prepare_cached(
        "UPDATE alarm_changes SET told = 'digest', told_at = ?1 WHERE told = 'held' AND at < ?1",
    )?;
    for opening in &entry.openings {
        open.execute([millis(*opening)])?;
    }
    let mut upsert = tx.prepare_cached(
        "INSERT OR REPLACE INTO alarm_states (rule, state, since, reason, trouble) VALUES (?1, ?2, ?3, ?4, ?5)",
    )?;
    for (status, error) in &entry.statuses {
        let since = status.since.map(millis);
        upsert.execute(params![
            status.rule.as_str(),
            status.state.to_string(),
            since,
            status.reason,
            error
        ])?;
    }
    let mut save = tx.prepare_cached("INSERT OR REPLACE INTO incidents VALUES (?1, ?2, ?3, ?4)")?;
    for incident in &entry.incidents {
        let document = serde_json::to_string(incident).unwrap_or_default();
        save.execute(params![
            incident.id.as_str(),
            millis(incident.began),
            incident.ended.map(millis),
            document
        ])?;
    }
    note(tx, EVALUATED_UNTIL, &millis(entry.evaluated_until).to_string())?;
    note(tx, NOTIFIER, &serde_json::to_string(&entry.notifier).unwrap_or_default())
}

pub(super) fn note(tx: &Connection, name: &str, value: &str) -> rusqlite::Result<()> {
    tx.prepare_cached("INSERT OR REPLACE INTO facts VALUES (?1, ?2)")?.execute([name, value]).map(|_| ())
}

/// A message that waits and has no document, or one without an id.
const UNSENDABLE: &str =
    "delivery = 'waiting' AND CASE WHEN json_valid(document) THEN document ->> 'id' END IS NULL";

/// The message with this id, if it waits. SQLite refuses to look into a document that is not JSON.
const WAITS: &str = "delivery = 'waiting' AND CASE WHEN json_valid(document) THEN document ->> 'id' END = ?1";

/// A message that waits for the webhook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Waiting {
    /// Its id in the document. A number of the table may be another one in memory than in the database.
    pub(super) id: String,
    /// When its notification became due.
    pub(super) at: Timestamp,
    pub(super) document: String,
    /// The number of failed attempts.
    pub(super) attempts: u32,
    pub(super) next_try_at: Timestamp,
}

impl AlarmLog {
    /// The message to send to the webhook next: of those that are due the oldest of a high alarm, then the oldest; if none
    /// is due, the one that is due first. Messages about one incident keep their order. Others don't wait for a message that the
    /// webhook does not accept.
    pub(super) async fn next_waiting(&self, now: Timestamp) -> Result<Option<Waiting>, DbError> {
        let read = move |connection: &Connection| {
            let mut query = connection.prepare_cached(
                "WITH waiting AS MATERIALIZED
                     (SELECT * FROM alarm_messages WHERE delivery = 'waiting' AND json_valid(document))
                 SELECT document ->> 'id', at, document, attempts, next_try_at FROM waiting m
                 WHERE document ->> 'id' IS NOT NULL AND NOT EXISTS (
                     SELECT 1 FROM waiting earlier
                     WHERE earlier.seq < m.seq
                         AND ifnull(earlier.document ->> 'incident', earlier.document ->> 'rule')
                             IS ifnull(m.document ->> 'incident', m.document ->> 'rule'))
                 ORDER BY max(next_try_at, ?1), document ->> 'tier' IS NOT 'high', seq LIMIT 1",
            )?;
            let waiting = query.query_row([millis(now)], |row| {
                let columns = Columns::of(row);
                let (id, at) = (columns.text(0)?, columns.time(1)?);
                Ok(Waiting {
                    id,
                    // A time that can't be read is no reason to give a message up as too old.
                    at: if columns.is_damaged() { now } else { at },
                    document: columns.text(2)?,
                    attempts: columns.int(3)?.try_into().unwrap_or_default(),
                    next_try_at: columns.time(4)?,
                })
            });
            waiting.optional()
        };
        self.keep().read(read).await
    }

    /// Gives up the messages that can't be sent, because somebody changed their rows. The others don't wait for them.
    pub(super) async fn give_up_damaged(&self, now: Timestamp) -> Result<(), DbError> {
        let any = |connection: &Connection| {
            let exists = format!("SELECT EXISTS (SELECT 1 FROM alarm_messages WHERE {UNSENDABLE})");
            connection.prepare_cached(&exists)?.query_row([], |row| row.get::<_, bool>(0))
        };
        if !self.keep().read(any).await? {
            return Ok(());
        }
        tracing::error!(target: "spillway::alarms", "a message for the webhook is given up: {DAMAGED}");
        let write = move |tx: &Connection| {
            let give_up = format!(
                "UPDATE alarm_messages SET delivery = 'given_up', tried_at = ?1, trouble = ?2 WHERE {UNSENDABLE}"
            );
            tx.execute(&give_up, params![millis(now), DAMAGED]).map(|_| ())
        };
        self.keep().write(write).await
    }

    pub(super) async fn delivered(&self, id: &str, now: Timestamp) -> Result<(), DbError> {
        self.settle(id, "delivered", now, now, None).await
    }

    /// Records a failure, and when to retry; `None` gives the message up.
    pub(super) async fn failed(
        &self,
        id: &str,
        now: Timestamp,
        next_try_at: Option<Timestamp>,
        error: &str,
    ) -> Result<(), DbError> {
        let delivery = if next_try_at.is_some() { "waiting" } else { "given_up" };
        self.settle(id, delivery, now, next_try_at.unwrap_or(now), Some(error.to_owned())).await
    }

    /// Gives a message up without another attempt. The reason of the last one stays; without one, this is the reason.
    pub(super) async fn give_up(
        &self,
        id: &str,
        now: Timestamp,
        reason: &'static str,
    ) -> Result<(), DbError> {
        let id = id.to_owned();
        let write = move |tx: &Connection| {
            let mut update = tx.prepare_cached(&format!(
                "UPDATE alarm_messages SET delivery = 'given_up', tried_at = ifnull(tried_at, ?2),
                     trouble = ifnull(trouble, ?3) WHERE {WAITS}"
            ))?;
            update.execute(params![id, millis(now), reason]).map(|_| ())
        };
        self.keep().write(write).await
    }

    async fn settle(
        &self,
        id: &str,
        delivery: &'static str,
        now: Timestamp,
        next_try_at: Timestamp,
        error: Option<String>,
    ) -> Result<(), DbError> {
        let id = id.to_owned();
        let write = move |tx: &Connection| {
            let mut update = tx.prepare_cached(&format!(
                "UPDATE alarm_messages
                 SET delivery = ?2, attempts = attempts + 1, tried_at = ?3, next_try_at = ?4, trouble = ?5
                 WHERE {WAITS}"
            ))?;
            update.execute(params![id, delivery, millis(now), millis(next_try_at), error]).map(|_| ())
        };
        self.keep().write(write).await
    }
}
