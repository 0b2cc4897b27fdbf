//! The records about alarms: the status of each, its changes with their notifications, and its periods in `ALARM`.
//!
//! Where rules are evaluated this is written, and the dashboard reads it, so both have the same types.

use crate::rules::RuleName;
use crate::state::AlarmState;
use jiff::Timestamp;

/// The status of one alarm.
#[derive(Clone, Debug, PartialEq)]
pub struct AlarmStatus {
    /// Which rule.
    pub rule: RuleName,
    /// Its state.
    pub state: AlarmState,
    /// When it entered this state; `None` until the first change.
    pub since: Option<Timestamp>,
    /// Why, in words with the numbers that decided.
    pub reason: String,
    /// Whether and when people are notified of this state; `None` until the first change.
    pub notified: Option<Notified>,
    /// Why its notifications are held back at the moment, if so. It is set for alarms in `OK` too.
    pub suppressed: Option<Suppressed>,
    /// The current period in `ALARM`, or else the last one.
    pub last_alarm: Option<AlarmPeriod>,
    /// Why the last evaluation failed, if it did. The state is then from the last one that did not fail.
    pub evaluation_error: Option<String>,
}

impl AlarmStatus {
    /// The status of a rule that has not been evaluated yet.
    pub fn unevaluated(rule: &RuleName) -> Self {
        Self {
            rule: rule.clone(),
            state: AlarmState::InsufficientData,
            since: None,
            reason: "not evaluated yet".to_owned(),
            notified: None,
            suppressed: None,
            last_alarm: None,
            evaluation_error: None,
        }
    }
}

/// Why an alarm does not notify at the moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suppressed {
    /// What holds it back.
    pub by: Suppressor,
    /// When that ends, if it is known.
    pub until: Option<Timestamp>,
}

/// What holds an alarm back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Suppressor {
    /// It is a low alarm, outside business hours.
    BusinessHours,
    /// Another alarm: the composite that it is a part of, or the suppressor of a composite.
    Alarm(RuleName),
}

/// Whether and when people were notified of a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notified {
    /// They were notified then: on one machine in the log and, if there is a webhook, there.
    At(Timestamp),
    /// It is being sent to the webhook since then, which has not accepted or refused it yet.
    Sending(Timestamp),
    /// The notification waits for business hours, which begin then if that is known.
    Held(Option<Timestamp>),
    /// The change came outside business hours and was in the digest of that opening.
    InDigest(Timestamp),
    /// In business hours the composite of its tier and subsystem notifies, not this alarm itself. The time is not
    /// known.
    BySubsystem,
    /// Notifying failed so far.
    Failed {
        /// When it was last tried.
        at: Timestamp,
        /// Why, in words; it names no secret and no webhook's address.
        reason: String,
    },
    /// This change is not notified.
    Never(NotNotified),
}

/// Why a change is not notified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotNotified {
    /// The rule is a part of a composite, which notifies for it.
    Part,
    /// Only changes to `ALARM`, and from there to `OK`, notify.
    NoNews,
    /// The incident that it belongs to was known: a further symptom is no news.
    KnownIncident,
    /// Somebody muted the incident.
    Muted,
    /// It was made in simulated time, as a demonstration's history is.
    Simulated,
}

/// One change of one alarm.
#[derive(Clone, Debug, PartialEq)]
pub struct AlarmChange {
    /// The rule whose alarm changed.
    pub rule: RuleName,
    /// When it changed.
    pub at: Timestamp,
    /// State before.
    pub from: AlarmState,
    /// State after.
    pub to: AlarmState,
    /// Why, in words with the numbers that decided.
    pub reason: String,
    /// Who was notified.
    pub notified: Notified,
}

/// A period of one rule in `ALARM`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlarmPeriod {
    /// The rule.
    pub rule: RuleName,
    /// When it began.
    pub from: Timestamp,
    /// When it ended; `None` while it lasts.
    pub until: Option<Timestamp>,
}
