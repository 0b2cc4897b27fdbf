//! Follows the machine's clock when somebody sets it.
//!
//! The pipeline's own clock ([`crate::clock::SteadyClock`]) never jumps by itself. When the machine's clock did, one
//! transaction moves the times that the queues keep and lets the pipeline's clock follow. So a message waits as long as it
//! was told to, and none expires early. The jump is in the audit log.

use crate::db::{DbError, from_millis, millis};
use crate::pipeline::Pipeline;
use crate::{faults, ops, queue};
use jiff::SignedDuration;
use rusqlite::Connection;
use serde::{Deserialize, Serialize};
use spillway_core::Timestamp;
use spillway_core::ports::{AuditNote, Clock as _};
use std::sync::Arc;
use std::time::Duration;

/// Smaller differences are those of a clock that is kept right. The shortest wait in the pipeline is as long.
const SHORTEST: SignedDuration = SignedDuration::from_secs(5);

/// Fact: the last jump, as JSON.
pub(crate) const LAST_JUMP: &str = "clock_jump";
/// Who did it, in the audit log.
const BY: &str = "spillway";

/// A jump of the machine's clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Jump {
    /// When it was followed, by the new time.
    pub at: Timestamp,
    /// By how much; negative if the clock was set back.
    pub by: SignedDuration,
}

/// Follows the machine's clock until dropped.
pub(crate) async fn run(pipeline: Arc<Pipeline>, interval: Duration) {
    let mut is_known = false;
    loop {
        match follow(&pipeline).await {
            Ok(_) => is_known = false,
            Err(error) if !is_known => {
                is_known = true;
                tracing::warn!(%error, "the machine's clock was set; the pipeline follows when it can write that down");
            }
            Err(_) => {}
        }
        pipeline.ports.clock.sleep(interval).await;
    }
}

/// Follows the machine's clock now. Returns the jump, if there was one.
///
/// # Errors
/// The data folder can't be written. The pipeline keeps its own time.
pub async fn follow(pipeline: &Pipeline) -> Result<Option<Jump>, DbError> {
    let by = pipeline.clock.behind();
    if by.abs() < SHORTEST {
        pipeline.clock.follow(by);
        return Ok(None);
    }
    if let Some(error) = pipeline.local.db().trouble() {
        return Err(error);
    }
    let alarms = &pipeline.local.alarms;
    // Meanwhile a message to the webhook must not look older than it is.
    if by.is_positive() {
        alarms.clock_was_set(by, pipeline.clock.now() + by).await?;
    }
    let clock = Arc::clone(&pipeline.clock);
    let moved = pipeline.local.db().write(move |tx| {
        let before = clock.now();
        let jump = Jump { at: before + by, by };
        move_times(tx, before, jump)?;
        // In the only thread that writes: what waits for it counts from the new time.
        clock.follow(by);
        Ok(jump)
    });
    let jump = match moved.await {
        Ok(jump) => jump,
        Err(error) => {
            if pipeline.clock.behind().abs() < SHORTEST {
                pipeline.clock.follow(-by);
            }
            if by.is_positive() {
                alarms.clock_was_set(-by, pipeline.clock.now()).await?;
            }
            return Err(error);
        }
    };
    tracing::warn!(by_s = by.as_secs(), "the machine's clock was set, and the pipeline follows it");
    if by.is_negative() {
        alarms.clock_was_set(by, jump.at).await?;
    }
    pipeline.recorder.clock_was_set(jump.at);
    pipeline.local.faults.refresh().await?;
    Ok(Some(jump))
}

fn move_times(tx: &Connection, before: Timestamp, jump: Jump) -> rusqlite::Result<()> {
    queue::move_times(tx, jump.by)?;
    faults::move_times(tx, before, jump.by)?;
    // What has happened has not happened in the future.
    tx.execute("UPDATE dead_letters SET archived_at = ?1 WHERE archived_at > ?1", [millis(jump.at)])?;
    let direction = if jump.by.is_negative() { "back" } else { "forward" };
    let detail = format!("the machine's clock went {direction} by {:#}", jump.by.abs());
    let note = AuditNote { at: jump.at, by: BY.to_owned(), action: "clock-jump", detail };
    ops::append(tx, &note.about("clock"))?;
    let at = from_millis(millis(jump.at));
    let fact = serde_json::to_string(&Jump { at, ..jump }).unwrap_or_default();
    tx.execute("INSERT OR REPLACE INTO facts VALUES (?1, ?2)", [LAST_JUMP, &fact]).map(|_| ())
}
