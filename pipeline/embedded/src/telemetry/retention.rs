//! Rollups and retention, as CloudWatch and X-Ray have them.

use super::slots::{MINUTE, SHORT};
use rusqlite::{Connection, OptionalExtension, params};
use spillway_metrics::retention::{KEPT, Kept, RECENT, floor};

const DAY: i64 = 24 * 3_600;

/// Each longer period with the shorter one it is made from, in the order in which they have to be made.
fn rollups() -> impl DoubleEndedIterator<Item = (i64, i64)> {
    let seconds = |kept: &Kept| i64::from(kept.period.seconds());
    KEPT.windows(2).map(move |pair| (seconds(&pair[1]), seconds(&pair[0])))
}

/// Minutes younger than this may still get measurements, so they are not rolled up yet. Later measurements
/// are still included, at the cost of a second pass.
const SETTLED_AFTER: i64 = 2 * MINUTE;

/// X-Ray keeps traces for 30 days.
const SEGMENTS_KEPT: i64 = 30 * DAY;
/// X-Ray has no such limit. A disk has: about 1 GB.
const MAX_SEGMENTS: i64 = 500_000;

/// Age in seconds of the oldest measurement that is still accepted: CloudWatch accepts two weeks.
pub(super) const OLDEST_ACCEPTED: i64 = 14 * DAY;

/// The longer periods that a query may read, longest first.
pub(super) fn longer_periods() -> impl Iterator<Item = i64> {
    rollups().rev().map(|(period, _)| period)
}

/// Records that datapoints from that minute on were written, so that rollups include them.
pub(super) fn note_written(connection: &Connection, oldest: i64) -> rusqlite::Result<()> {
    let mut statement = connection.prepare_cached(
        "INSERT INTO rollup (period, until) VALUES (?1, ?2)
         ON CONFLICT (period) DO UPDATE SET until = excluded.until WHERE excluded.until < until",
    )?;
    for (period, _) in rollups() {
        statement.execute(params![period, floor(oldest, period)])?;
    }
    Ok(())
}

/// Up to when datapoints of a longer period are complete.
pub(super) fn rolled_until(connection: &Connection, period: i64) -> rusqlite::Result<Option<i64>> {
    let mut statement = connection.prepare_cached("SELECT until FROM rollup WHERE period = ?1")?;
    // A time that somebody changed to no number is none: the shorter periods have the datapoints.
    let until = statement.query_row([period], |row| Ok(row.get_ref(0)?.as_i64().ok())).optional()?;
    Ok(until.flatten())
}

/// Computes the longer periods' datapoints as far as the shorter ones are settled.
pub(super) fn roll_up(connection: &mut Connection, now: i64) -> rusqlite::Result<()> {
    let transaction = connection.transaction()?;
    let mut settled = now - SETTLED_AFTER;
    for (period, source) in rollups() {
        let Some(from) = rolled_until(&transaction, period)? else { break };
        let to = floor(settled, period);
        if from < to {
            let mut statement = transaction.prepare_cached(
                "INSERT OR REPLACE INTO datapoint
                 SELECT metric, ?1, start - start % ?1, sum(sum), sum(count), min(minimum), max(maximum),
                        merged_histogram(histogram)
                 FROM datapoint
                 WHERE metric IN (SELECT id FROM metric) AND period = ?2 AND start >= ?3 AND start < ?4
                 GROUP BY metric, start - start % ?1",
            )?;
            statement.execute(params![period, source, from, to])?;
            transaction.execute("UPDATE rollup SET until = ?2 WHERE period = ?1", [period, to])?;
        }
        settled = to.max(from);
    }
    transaction.commit()
}

/// Deletes datapoints that begin after `now`, and longer ones that end after it. What is left of their minutes is rolled up
/// again.
pub(super) fn forget_after(connection: &mut Connection, now: i64) -> rusqlite::Result<()> {
    let transaction = connection.transaction()?;
    for Kept { period, .. } in KEPT {
        let period = i64::from(period.seconds());
        let from = if period == MINUTE { floor(now, MINUTE) + MINUTE } else { floor(now, period) };
        transaction.execute(
            "DELETE FROM datapoint WHERE metric IN (SELECT id FROM metric) AND period = ?1 AND start >= ?2",
            [period, from],
        )?;
        transaction
            .execute("UPDATE rollup SET until = ?2 WHERE period = ?1 AND until > ?2", [period, from])?;
    }
    transaction.execute(
        "DELETE FROM datapoint WHERE metric IN (SELECT id FROM metric) AND period = ?1 AND start > ?2",
        [SHORT, now],
    )?;
    transaction.commit()
}

/// Deletes what is older than it is kept for.
pub(super) fn delete_old(connection: &mut Connection, now: i64) -> rusqlite::Result<()> {
    let transaction = connection.transaction()?;
    for Kept { period, seconds } in KEPT.into_iter().chain([RECENT]) {
        transaction.execute(
            "DELETE FROM datapoint WHERE metric IN (SELECT id FROM metric) AND period = ?1 AND start < ?2",
            [i64::from(period.seconds()), floor(now - seconds, period.seconds().into())],
        )?;
    }
    let newest: i64 =
        transaction.query_row("SELECT coalesce(max(id), 0) FROM segment", [], |row| row.get(0))?;
    let deleted = transaction.execute("DELETE FROM segment WHERE id <= ?1", [newest - MAX_SEGMENTS])?
        + transaction.execute(
            "DELETE FROM segment WHERE start_ms < ?1",
            [(now - SEGMENTS_KEPT).saturating_mul(1000)],
        )?;
    if deleted > 0 {
        transaction.execute("DELETE FROM segment_event WHERE segment NOT IN (SELECT id FROM segment)", [])?;
    }
    transaction.commit()
}
