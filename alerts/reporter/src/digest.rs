//! The task `digest`.

use crate::overnight::{Overnight, in_alarm_at_closing, overnight};
use crate::ports::{Claim, PortError};
use crate::{Function, charts, text, while_doing};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Serialize;
use spillway_alerts::hours::{BusinessHours, Digest};
use std::collections::BTreeMap;

/// Why the digest was not sent.
#[derive(Debug, thiserror::Error)]
pub enum DigestError {
    /// A call of a service failed.
    #[error("{what}: {source}")]
    Port {
        /// What could not be done.
        what: &'static str,
        /// The service's error.
        source: PortError,
    },
}

/// The outcome of a digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DigestOutcome {
    /// It was sent.
    Sent,
    /// Nothing happened, so nothing was sent.
    Nothing,
    /// Another invocation sent it, or is about to.
    Already,
    /// Business hours have not begun yet, or low alarms notify at any hour.
    NotOpen,
}

/// Sends the digest of what happened since business hours ended, once.
pub(crate) async fn notify(function: &Function) -> Result<DigestOutcome, DigestError> {
    let Some((night, zone)) = night(function.watch.hours.as_ref(), function.telemetry.now()) else {
        tracing::warn!("there is no digest to send: no business hours are set, or they are not open");
        return Ok(DigestOutcome::NotOpen);
    };
    let opening = night.opened_at.to_string();
    let claim = function.sent_log.claim(&opening).await;
    if claim.map_err(while_doing("the digest could not be claimed"))? == Claim::Taken {
        return Ok(DigestOutcome::Already);
    }
    let sent = claimed(function, night, &zone).await;
    match &sent {
        Ok(_) => {
            // If the digest was sent and that can't be recorded, the claim expires long after the last try of this
            // opening.
            if let Err(error) = function.sent_log.sent(&opening).await {
                tracing::error!(%error, "the digest was sent, and that could not be recorded");
            }
        }
        Err(_) => {
            if let Err(error) = function.sent_log.release(&opening).await {
                tracing::error!(%error, "the claim on the digest could not be released");
            }
        }
    }
    sent
}

/// The last night, if it is over and business hours have begun.
fn night(hours: Option<&BusinessHours>, now: Timestamp) -> Option<(Overnight, TimeZone)> {
    let hours = hours.filter(|hours| hours.is_open(now))?;
    let opened_at = hours.last_opening(now)?;
    let closed_at = hours.last_closing(opened_at)?;
    Some((Overnight { closed_at, opened_at }, hours.zone().clone()))
}

async fn claimed(
    function: &Function,
    night: Overnight,
    zone: &TimeZone,
) -> Result<DigestOutcome, DigestError> {
    let digest = read(function, night).await?;
    if digest.is_empty() {
        return Ok(DigestOutcome::Nothing);
    }
    let pictures = draw(function, &digest, zone).await;
    let subject = text::subject(&function.watch.deployment, &digest);
    let body = text::body(&function.watch, &digest, zone, &pictures);
    function.mail.send(&subject, &body).await.map_err(while_doing("the digest could not be sent"))?;
    tracing::info!(
        still_in_alarm = digest.still_in_alarm.len(),
        cleared = digest.cleared.len(),
        "the digest was sent"
    );
    Ok(DigestOutcome::Sent)
}

async fn read(function: &Function, night: Overnight) -> Result<Digest, DigestError> {
    let (watch, states) = (&function.watch, &function.states);
    let unread = || while_doing("the alarms could not be read");
    let now = states.now(&watch.notifying_low_alarms()).await.map_err(unread())?;
    let changes = states.changes(night.closed_at, function.telemetry.now()).await.map_err(unread())?;
    let mut at_closing = Vec::new();
    for alarm in in_alarm_at_closing(watch, night, &now, &changes) {
        let into = states.last_into_alarm(&alarm, night.closed_at).await.map_err(unread())?;
        at_closing.push((alarm, into));
    }
    Ok(overnight(watch, night, &at_closing, &changes))
}

/// Addresses of charts by rule. A digest without pictures is better than none.
async fn draw(function: &Function, digest: &Digest, zone: &TimeZone) -> BTreeMap<String, String> {
    let mut pictures = BTreeMap::new();
    for (rule, range) in charts::wanted(&function.watch, digest) {
        let png = charts::png(function, rule, range, digest, zone).await;
        let name = format!("{}/{}.png", digest.opened_at, rule.name);
        let kept = match png {
            Ok(png) => function.pictures.keep(&name, png).await.map_err(|error| error.to_string()),
            Err(reason) => Err(reason),
        };
        match kept {
            Ok(address) => {
                pictures.insert(rule.name.to_string(), address);
            }
            Err(reason) => tracing::warn!(rule = %rule.name, reason, "there is no chart of this alarm"),
        }
    }
    pictures
}
