//! The switch of business hours. Schedules put an alarm out of `ALARM` at the opening; while it is in `ALARM`, it suppresses
//! the notifications of low alarms. If the opening's schedule fails, nobody hears of a low alarm all day. So this task
//! says so.

use crate::digest::DigestError;
use crate::ports::Claim;
use crate::{Function, text, while_doing};
use jiff::SignedDuration;
use spillway_alerts::AlarmState;

/// For this long after the opening the schedule tries again (`flip` in `terraform/modules/alarms/hours.tf`).
const TRIES: SignedDuration = SignedDuration::from_mins(35);

/// Reports that low alarms are suppressed although business hours have begun, once a day. Returns whether it did.
pub(crate) async fn notify(function: &Function) -> Result<bool, DigestError> {
    let (watch, now) = (&function.watch, function.telemetry.now());
    let Some(hours) = watch.hours.as_ref().filter(|hours| hours.is_open(now) && hours.is_open(now - TRIES))
    else {
        return Ok(false);
    };
    // Terraform names it so.
    let alarm = format!("{}-out-of-hours", watch.deployment);
    let current = function.states.now(std::slice::from_ref(&alarm)).await;
    let current = current.map_err(while_doing("the switch of business hours could not be read"))?;
    if !current.iter().any(|one| one.alarm == alarm && one.state == AlarmState::Alarm) {
        return Ok(false);
    }
    let what = format!("{alarm} {}", now.to_zoned(hours.zone().clone()).date());
    let claim = function.sent_log.claim(&what).await;
    if claim.map_err(while_doing("the mail about business hours could not be claimed"))? == Claim::Taken {
        return Ok(false);
    }
    let sent = function.mail.send(&text::switch_subject(&watch.deployment), &text::switch_body(&alarm)).await;
    let noted = match &sent {
        Ok(()) => function.sent_log.sent(&what).await,
        Err(_) => function.sent_log.release(&what).await,
    };
    if let Err(error) = noted {
        tracing::error!(%error, what, "the outcome of a claim could not be recorded");
    }
    sent.map_err(while_doing("the mail about business hours could not be sent"))?;
    tracing::warn!(alarm, "low alarms are suppressed although business hours have begun");
    Ok(true)
}
