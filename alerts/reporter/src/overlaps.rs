//! Low alarms that no composite alarm reports.
//!
//! Each subsystem has one composite alarm that reports its low alarms, and an alarm acts on changes only.
//! While one low alarm of a subsystem is on, a second one changes nothing for the composite. The second one
//! would not be reported, and the high alarm that it announces would come without warning. So this task
//! searches for such alarms every few minutes, and reports each one once.

use crate::digest::DigestError;
use crate::ports::{AlarmStatus, Change, Claim};
use crate::watch::Watch;
use crate::{Function, text, while_doing};
use jiff::SignedDuration;
use jiff::tz::TimeZone;
use spillway_alerts::{AlarmState, Rule};
use std::collections::BTreeMap;

/// How far back changes are searched. It is longer than the time between two runs, so that a run makes up for
/// a failed one.
const LOOK_BACK: SignedDuration = SignedDuration::from_mins(45);

/// A low alarm that fired while another one of its subsystem was on.
pub(crate) struct Fired<'w> {
    pub rule: &'w Rule,
    /// How it fired.
    pub change: Change,
}

/// Reports the alarms that no composite alarm reported, and returns their number.
pub(crate) async fn notify(function: &Function) -> Result<usize, DigestError> {
    let (watch, now) = (&function.watch, function.telemetry.now());
    let unread = || while_doing("the alarms could not be read");
    let current = function.states.now(&watch.notifying_low_alarms()).await.map_err(unread())?;
    let changes = function.states.changes(now - LOOK_BACK, now).await.map_err(unread())?;
    let mut not_notified = Vec::new();
    let mut claims = Vec::new();
    for fired in overlaps(watch, &current, &changes) {
        let what = format!("{} {}", fired.change.alarm, fired.change.at);
        let claim = function.sent_log.claim(&what).await;
        if claim.map_err(while_doing("an alarm could not be claimed"))? == Claim::Yours {
            not_notified.push(fired);
            claims.push(what);
        }
    }
    if not_notified.is_empty() {
        return Ok(0);
    }
    let zone = watch.hours.as_ref().map_or(TimeZone::UTC, |hours| hours.zone().clone());
    let subject = text::overlaps_subject(&watch.deployment, &not_notified);
    let sent = function.mail.send(&subject, &text::overlaps_body(watch, &not_notified, &zone)).await;
    for what in &claims {
        let noted = match &sent {
            Ok(()) => function.sent_log.sent(what).await,
            Err(_) => function.sent_log.release(what).await,
        };
        if let Err(error) = noted {
            tracing::error!(%error, what, "the outcome of a claim could not be recorded");
        }
    }
    sent.map_err(while_doing("the mail about low alarms could not be sent"))?;
    tracing::info!(alarms = not_notified.len(), "low alarms were sent that no composite alarm reports");
    Ok(not_notified.len())
}

/// Those among `changes` (the oldest first) that fired in business hours while another one of their subsystem was on.
/// `current` has the states of the alarms after all changes.
fn overlaps<'w>(watch: &'w Watch, current: &[AlarmStatus], changes: &[Change]) -> Vec<Fired<'w>> {
    let mut states: BTreeMap<&str, AlarmState> =
        current.iter().map(|one| (one.alarm.as_str(), one.state)).collect();
    // The states before the first change.
    for change in changes.iter().rev() {
        states.insert(&change.alarm, change.from);
    }
    let in_hours = |change: &Change| watch.hours.as_ref().is_none_or(|hours| hours.is_open(change.at));
    let mut found = Vec::new();
    for change in changes {
        let fires =
            change.to == AlarmState::Alarm && states.get(change.alarm.as_str()) != Some(&AlarmState::Alarm);
        if fires
            && in_hours(change)
            && let Some(rule) = watch.notifying_low(&change.alarm)
        {
            let beside = |(alarm, state): (&&str, &AlarmState)| {
                let other = watch.notifying_low(alarm);
                *state == AlarmState::Alarm && other.is_some_and(|other| other.subsystem == rule.subsystem)
            };
            if states.iter().any(beside) {
                found.push(Fired { rule, change: change.clone() });
            }
        }
        states.insert(&change.alarm, change.to);
    }
    found
}
