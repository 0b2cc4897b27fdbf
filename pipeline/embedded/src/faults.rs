//! Faults that are switched on: kept in the data folder, so that another process can start and stop them.

mod fault;

pub use fault::{Fault, FaultKind};

use crate::db::{Db, DbError, text};
use crate::ops;
use rusqlite::Connection;
use spillway_core::Timestamp;
use spillway_core::ports::{AuditEntry, Clock};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

/// The faults of a pipeline.
pub struct Faults {
    db: Arc<Db>,
    clock: Arc<dyn Clock>,
    /// As of the last [`Self::refresh`]. It is read at every call of the store, so that must cost nothing.
    known: RwLock<Vec<Fault>>,
    /// Of each kind that affects a share of the calls: the part of a call by which it is behind its share.
    behind: Mutex<HashMap<&'static str, f64>>,
}

impl Faults {
    /// The faults in a database.
    pub fn new(db: Arc<Db>, clock: Arc<dyn Clock>) -> Self {
        Self { db, clock, known: RwLock::default(), behind: Mutex::default() }
    }

    /// Switches a fault on, with its entry of the audit log. One of the same kind that is on is replaced.
    pub async fn start(&self, fault: Fault, entry: AuditEntry) -> Result<(), DbError> {
        let now = self.clock.now();
        let start = move |tx: &Connection| {
            stop(tx, fault.kind.name(), now)?;
            insert(tx, &fault)?;
            ops::append(tx, &entry)
        };
        self.db.write(start).await?;
        self.refresh().await
    }

    /// Adds a fault to the plan and keeps the others.
    pub async fn add(&self, fault: Fault) -> Result<(), DbError> {
        self.db.write(move |tx| insert(tx, &fault)).await?;
        self.refresh().await
    }

    /// Switches off the faults of that kind that are on now, with the entry of the audit log if there are any. Returns how
    /// many there were.
    pub async fn stop(&self, name: &str, entry: AuditEntry) -> Result<usize, DbError> {
        let (now, name) = (self.clock.now(), name.to_owned());
        let stop = move |tx: &Connection| {
            let stopped = stop(tx, &name, now)?;
            if stopped > 0 {
                ops::append(tx, &entry)?;
            }
            Ok(stopped)
        };
        let stopped = self.db.write(stop).await?;
        self.refresh().await?;
        Ok(stopped)
    }

    /// All faults that ever were, oldest first.
    pub async fn list(&self) -> Result<Vec<Fault>, DbError> {
        let faults = self.db.read(read).await?;
        Ok(faults.into_iter().map(|(_, fault)| fault).collect())
    }

    /// Reads the faults again, in case another process changed them.
    pub async fn refresh(&self) -> Result<(), DbError> {
        let now = self.clock.now();
        let mut faults = self.list().await?;
        faults.retain(|fault| fault.until.is_none_or(|until| until > now));
        *self.known.write().unwrap_or_else(PoisonError::into_inner) = faults;
        Ok(())
    }

    /// The value of a matching fault that is on at that time, if there is one.
    pub fn find<T>(&self, now: Timestamp, matches: impl Fn(&FaultKind) -> Option<T>) -> Option<T> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        known.iter().filter(|fault| fault.is_on(now)).find_map(|fault| matches(&fault.kind))
    }

    /// Whether a call fails now, by a fault that affects a share of the calls: with a share of 0.05 every twentieth. So a
    /// simulation is the same each time. `matches` returns the share of a matching fault.
    pub fn strikes(&self, now: Timestamp, matches: impl Fn(&FaultKind) -> Option<f64>) -> bool {
        let found = self.find(now, |kind| matches(kind).map(|share| (kind.name(), share)));
        let Some((name, share)) = found else { return false };
        if share >= 1.0 {
            return true;
        }
        let mut behind = self.behind.lock().unwrap_or_else(PoisonError::into_inner);
        let behind = behind.entry(name).or_insert(0.0);
        *behind += share.max(0.0);
        // The shares add up with a rounding error.
        let strikes = *behind >= 1.0 - 1e-9;
        if strikes {
            *behind -= 1.0;
        }
        strikes
    }
}

fn insert(tx: &Connection, fault: &Fault) -> rusqlite::Result<()> {
    let document = serde_json::to_string(fault).unwrap_or_default();
    tx.execute("INSERT INTO faults (document) VALUES (?1)", [document]).map(|_| ())
}

fn stop(tx: &Connection, name: &str, now: Timestamp) -> rusqlite::Result<usize> {
    let mut stopped = 0;
    for (id, mut fault) in read(tx)? {
        if fault.kind.name() == name && fault.is_on(now) {
            fault.until = Some(now);
            let document = serde_json::to_string(&fault).unwrap_or_default();
            tx.execute("UPDATE faults SET document = ?2 WHERE id = ?1", (id, document))?;
            stopped += 1;
        }
    }
    Ok(stopped)
}

/// Moves the times of faults that are on or planned, because the clock was set by that much.
pub(crate) fn move_times(
    tx: &Connection,
    before: Timestamp,
    by: jiff::SignedDuration,
) -> rusqlite::Result<()> {
    for (id, mut fault) in read(tx)? {
        if fault.until.is_some_and(|until| until <= before) {
            continue;
        }
        let moved = |time: Timestamp| time.checked_add(by).unwrap_or(time);
        (fault.from, fault.until) = (moved(fault.from), fault.until.map(moved));
        let document = serde_json::to_string(&fault).unwrap_or_default();
        tx.execute("UPDATE faults SET document = ?2 WHERE id = ?1", (id, document))?;
    }
    Ok(())
}

fn read(connection: &Connection) -> rusqlite::Result<Vec<(i64, Fault)>> {
    let mut query = connection.prepare_cached("SELECT id, document FROM faults ORDER BY id")?;
    let rows = query.query_map([], |row| Ok((row.get::<_, i64>(0)?, text(row, 1)?)))?;
    let mut faults = Vec::new();
    for row in rows {
        let (id, document) = row?;
        if let Ok(fault) = serde_json::from_str(&document) {
            faults.push((id, fault));
        }
    }
    Ok(faults)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::RealClock;
    use crate::pipeline::{Options, Pipeline};

    #[tokio::test]
    async fn a_share_of_the_calls_is_affected_evenly() {
        let dir = tempfile::tempdir().unwrap();
        let pipeline = Pipeline::open(dir.path(), Options::at(Arc::new(RealClock))).await.unwrap();
        let (faults, now) = (&pipeline.local.faults, pipeline.ports.clock.now());
        let outage = |kind: &FaultKind| match kind {
            FaultKind::StoreOutage { share } => Some(*share),
            _ => None,
        };
        let entry = AuditEntry {
            at: now,
            by: "ada".to_owned(),
            action: "fault".to_owned(),
            subject: "store-outage".to_owned(),
            detail: String::new(),
        };
        assert!(!faults.strikes(now, outage), "no fault is on");
        for (share, every) in [(1.0, 1), (0.5, 2), (0.05, 20)] {
            let kind = FaultKind::StoreOutage { share };
            faults.start(Fault { kind, from: now, until: None }, entry.clone()).await.unwrap();
            for call in 1..=100 {
                assert_eq!(faults.strikes(now, outage), call % every == 0, "call {call} of {share}");
            }
        }
        let none = FaultKind::StoreOutage { share: 0.0 };
        faults.start(Fault { kind: none, from: now, until: None }, entry).await.unwrap();
        assert!((0..100).all(|_| !faults.strikes(now, outage)));
    }
}
