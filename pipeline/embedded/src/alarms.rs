//! Alarms: the rules of `spillway-alerts`, evaluated every minute on the recorded datapoints.
//!
//! [`Watch`] evaluates the rules. It keeps states, every change and every notification in the database, so that a
//! restart loses and repeats nothing. While the database can't be written, it keeps them in memory. Notifications go to the log and, if there is one, to a [`Webhook`]. Low alarms
//! notify only in business hours, with a digest when these begin. In virtual time the simulation calls
//! [`Watch::evaluate`].

mod deliver;
mod history;
mod incidents;
mod keep;
mod log;
mod message;
mod settings;
#[cfg(test)]
mod tests;
mod watch;
mod webhook;
mod write;

pub use history::TelemetryHistory;
pub use incidents::{Delivery, DeliveryState};
pub use log::AlarmLog;
pub use settings::{AlarmSettings, AlarmSettingsError, RuleFiles};
pub use watch::{ActiveRules, Watch, WatchError, WatchOptions, minute};
pub use webhook::{DeliveryError, Webhook, WebhookUrl, WebhookUrlError};

use crate::Pipeline;
use crate::loops::Loops;
use spillway_core::ports::Clock;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;

/// Fact in a data folder: the address that links in messages begin with, such as `http://127.0.0.1:3000`. The
/// program that serves the pages about alarms records it.
pub const LINK_BASE: &str = "dashboard_url";

/// After the end of a minute, its last measurements reach the file within a second or two.
const SETTLED_AFTER: Duration = Duration::from_secs(5);
/// Between deletions of old entries, in evaluations: a day.
const DELETE_EVERY: u32 = 24 * 60;

/// Evaluates every minute in real time, and delivers to the webhook, until dropped or aborted.
pub fn start(pipeline: &Pipeline, watch: Watch, webhook: Option<Webhook>) -> Loops {
    let mut tasks = Loops::default();
    let (log, clock) = (Arc::clone(&pipeline.local.alarms), Arc::clone(&pipeline.ports.clock));
    let wake = Arc::new(Notify::new());
    if let Some(webhook) = webhook {
        let deliver = deliver::run(Arc::clone(&log), webhook, Arc::clone(&clock), Arc::clone(&wake));
        tasks.spawn("the delivery of notifications", deliver);
    }
    tasks.spawn("the evaluation of alarms", evaluate(watch, log, clock, wake));
    tasks
}

async fn evaluate(mut watch: Watch, log: Arc<AlarmLog>, clock: Arc<dyn Clock>, wake: Arc<Notify>) {
    let mut evaluations = 0_u32;
    loop {
        match watch.evaluate(clock.now() - SETTLED_AFTER).await {
            Ok(messages) if messages.is_empty() => {}
            Ok(_) => wake.notify_one(),
            Err(error) => tracing::error!(%error, "the results of the alarms could not be kept"),
        }
        if evaluations.is_multiple_of(DELETE_EVERY)
            && let Err(error) = log.delete_old(clock.now()).await
        {
            tracing::warn!(%error, "old changes of alarms could not be deleted");
        }
        evaluations = evaluations.wrapping_add(1);
        clock.sleep(until_next(&*clock)).await;
    }
}

/// Until the next minute has ended and settled.
fn until_next(clock: &dyn Clock) -> Duration {
    let now = (clock.now() - SETTLED_AFTER).as_millisecond();
    Duration::from_millis(u64::try_from(60_000 - now.rem_euclid(60_000)).unwrap_or(60_000))
}
