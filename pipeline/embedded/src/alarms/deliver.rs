//! Delivers notifications to the webhook, one message after the other. Retries those that the webhook did not
//! accept, unless it will never accept them.

use super::log::AlarmLog;
use super::webhook::{DeliveryError, Webhook};
use crate::db::DbError;
use jiff::SignedDuration;
use spillway_core::Timestamp;
use spillway_core::ports::Clock;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;

/// Pauses between attempts: the first, doubled each time up to the longest.
const FIRST_PAUSE: Duration = Duration::from_secs(2);
const LONGEST_PAUSE: Duration = Duration::from_secs(300);
/// Older messages are given up: the operator who repairs the webhook then looks at the dashboard.
const GIVE_UP_AFTER: SignedDuration = SignedDuration::from_hours(24);
/// How long to wait when no message waits. New messages wake the delivery; this is for the case that a
/// wake-up was missed.
const IDLE: Duration = Duration::from_secs(60);

/// Delivers until dropped.
pub(super) async fn run(log: Arc<AlarmLog>, webhook: Webhook, clock: Arc<dyn Clock>, wake: Arc<Notify>) {
    loop {
        let pause = match step(&log, &webhook, &*clock).await {
            Ok(pause) => pause,
            Err(error) => {
                tracing::warn!(%error, "the messages that wait for the webhook could not be read");
                Some(FIRST_PAUSE)
            }
        };
        let Some(pause) = pause else { continue };
        tokio::select! {
            () = wake.notified() => {}
            () = clock.sleep(pause) => {}
        }
    }
}

/// Delivers the next message, if it is due. Returns how long to wait; `None`: not at all.
pub(super) async fn step(
    log: &AlarmLog,
    webhook: &Webhook,
    clock: &dyn Clock,
) -> Result<Option<Duration>, DbError> {
    log.give_up_damaged(clock.now()).await?;
    let Some(waiting) = log.next_waiting(clock.now()).await? else { return Ok(Some(IDLE)) };
    let left = waiting.next_try_at.duration_since(clock.now());
    // A longer wait is from a time before the clock was set back while no pipeline ran.
    if let Ok(left) = Duration::try_from(left)
        && !left.is_zero()
        && left <= LONGEST_PAUSE
    {
        return Ok(Some(left));
    }
    if clock.now().duration_since(waiting.at) > GIVE_UP_AFTER {
        let reason = "it could not be sent within a day";
        tracing::warn!(target: "spillway::alarms", due_at = %waiting.at, "a message for the webhook is given up: {reason}");
        log.give_up(&waiting.id, clock.now(), reason).await?;
        return Ok(None);
    }
    let answer = webhook.post(waiting.document).await;
    let now = clock.now();
    match answer {
        Ok(()) => {
            if waiting.attempts > 0 {
                tracing::info!(target: "spillway::alarms", "the webhook accepts messages again");
            }
            log.delivered(&waiting.id, now).await?;
        }
        Err(error) => failed(log, (&waiting.id, waiting.attempts), now, &error).await?,
    }
    Ok(None)
}

async fn failed(
    log: &AlarmLog,
    (id, attempts): (&str, u32),
    now: Timestamp,
    error: &DeliveryError,
) -> Result<(), DbError> {
    if error.is_final() {
        tracing::error!(target: "spillway::alarms", %error, "the webhook will never accept this message; it is given up");
        return log.failed(id, now, None, &error.to_string()).await;
    }
    let pause = pause(attempts);
    tracing::warn!(
        target: "spillway::alarms",
        %error,
        next_try_s = pause.as_secs(),
        "the webhook did not accept a message; the delivery will be retried"
    );
    log.failed(id, now, Some(now + pause), &error.to_string()).await
}

fn pause(attempts: u32) -> Duration {
    FIRST_PAUSE.saturating_mul(2_u32.saturating_pow(attempts.min(16))).min(LONGEST_PAUSE)
}
