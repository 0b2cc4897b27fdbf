//! Decides which notifications are sent, and when.

use super::calendar::BusinessHours;
use super::digest::Digest;
use crate::rules::{RuleName, RuleSet, Tier};
use crate::state::{AlarmState, StateChange};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A notification to send.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Message {
    /// An alarm fired, or cleared.
    Change {
        /// The tier, which decides who receives it.
        tier: Tier,
        /// What changed.
        change: StateChange,
    },
    /// Business hours begin, and an alarm fired out of hours or is still in ALARM.
    Digest {
        /// What.
        digest: Digest,
    },
}

/// The state of a notifier, which must survive a restart.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotifierState {
    /// When it was last called.
    last: Option<Timestamp>,
    /// Low alarms in ALARM when `held_back` began: since when, and why.
    in_alarm: BTreeMap<RuleName, (Timestamp, String)>,
    /// Changes of low alarms that were not notified yet.
    held_back: Vec<StateChange>,
}

/// Notifies high alarms at once and low ones in business hours, and reports the others in the opening digest.
///
/// It follows changes and has no clock. Call it once a minute, and after every change.
#[derive(Clone, Debug)]
pub struct Notifier {
    hours: BusinessHours,
    tiers: BTreeMap<RuleName, Tier>,
    state: NotifierState,
}

impl Notifier {
    /// For the rules that notify. `state` is the state of an earlier one, or the default. It loses alarms of rules that
    /// are gone: nothing would ever clear them.
    pub fn new(rules: &RuleSet, hours: BusinessHours, mut state: NotifierState) -> Self {
        let tiers: BTreeMap<_, _> =
            rules.iter().filter(|rule| rule.notify).map(|rule| (rule.name.clone(), rule.tier)).collect();
        let is_low = |rule: &RuleName| tiers.get(rule) == Some(&Tier::Low);
        state.in_alarm.retain(|rule, _| is_low(rule));
        state.held_back.retain(|change| is_low(&change.rule));
        Self { hours, tiers, state }
    }

    /// The state to keep over a restart.
    pub fn state(&self) -> &NotifierState {
        &self.state
    }

    /// Takes the changes up to `now`, in order, and returns the notifications to send now.
    pub fn notify(&mut self, now: Timestamp, changes: &[StateChange]) -> Vec<Message> {
        let mut messages = Vec::new();
        // If it is called too late, it splits the changes at the opening that it missed.
        let opening = self.missed_opening(now);
        let (before, after) = match opening {
            Some(opening) => changes.split_at(changes.partition_point(|change| change.at < opening)),
            None => (&changes[..0], changes),
        };
        self.take(now, before, &mut messages);
        if let Some(opening) = opening {
            self.open(opening, &mut messages);
        }
        self.take(now, after, &mut messages);
        self.state.last = Some(now);
        messages
    }

    /// The last opening since the previous call.
    fn missed_opening(&self, now: Timestamp) -> Option<Timestamp> {
        let last = self.state.last?;
        self.hours.last_opening(now).filter(|opening| *opening > last)
    }

    fn take(&mut self, now: Timestamp, changes: &[StateChange], messages: &mut Vec<Message>) {
        for change in changes {
            match self.tiers.get(&change.rule) {
                Some(Tier::High) => {
                    messages.push(Message::Change { tier: Tier::High, change: change.clone() })
                }
                // Late changes, such as after a restart at night, wait for the morning as well.
                Some(Tier::Low) if self.hours.is_open(change.at) && self.hours.is_open(now) => {
                    self.record(change);
                    messages.push(Message::Change { tier: Tier::Low, change: change.clone() });
                }
                Some(Tier::Low) => self.state.held_back.push(change.clone()),
                None => {}
            }
        }
    }

    fn open(&mut self, opening: Timestamp, messages: &mut Vec<Message>) {
        let changes = std::mem::take(&mut self.state.held_back);
        let closed_at = self.hours.last_closing(opening);
        let digest = Digest::of(closed_at, opening, &self.state.in_alarm, &changes);
        for change in &changes {
            self.record(change);
        }
        if !digest.is_empty() {
            messages.push(Message::Digest { digest });
        }
    }

    fn record(&mut self, change: &StateChange) {
        if change.to == AlarmState::Alarm {
            self.state.in_alarm.insert(change.rule.clone(), (change.at, change.reason.clone()));
        } else {
            self.state.in_alarm.remove(&change.rule);
        }
    }
}
