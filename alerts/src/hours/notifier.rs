//! Decides which notifications are sent, and when.

use super::calendar::BusinessHours;
use super::digest::{Digest, MutedEntry};
use crate::incidents::{
    Families, IncidentId, News, NewsOf, Notice, NoticeOutcome, Response, Tracker, TrackerState,
};
use crate::rules::{RuleName, RuleSet, Tier};
use crate::state::{AlarmState, StateChange};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A notification to send.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Message {
    /// An incident is news.
    Change {
        /// The tier, which decides who receives it.
        tier: Tier,
        /// The change of the alarm behind it.
        change: StateChange,
        /// Which incident.
        incident: IncidentId,
        /// Why it is news.
        news: News,
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
    /// The incidents. A state of an earlier version has none.
    #[serde(default)]
    incidents: TrackerState,
}

/// Notifies about incidents: with a high alarm at once, with low ones in business hours. The opening digest reports the
/// others, alarm by alarm.
///
/// A further alarm of the same cause is no news ([`crate::incidents`]), and a muted incident is silent. It follows changes and has no clock. Call it once a minute, and after every change.
#[derive(Clone, Debug)]
pub struct Notifier {
    hours: BusinessHours,
    tiers: BTreeMap<RuleName, Tier>,
    tracker: Tracker,
    responses: BTreeMap<IncidentId, Response>,
    is_simulated: bool,
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
        let tracker = Tracker::new(Families::of(rules), std::mem::take(&mut state.incidents));
        Self { hours, tiers, tracker, responses: BTreeMap::new(), is_simulated: false, state }
    }

    /// The same in simulated time: it says what would be sent.
    pub fn simulated(self) -> Self {
        Self { is_simulated: true, ..self }
    }

    /// The state to keep over a restart.
    pub fn state(&self) -> NotifierState {
        NotifierState { incidents: self.tracker.state().clone(), ..self.state.clone() }
    }

    /// The incidents.
    pub fn tracker(&self) -> &Tracker {
        &self.tracker
    }

    /// The same, to take what has changed and to forget what is old.
    pub fn tracker_mut(&mut self) -> &mut Tracker {
        &mut self.tracker
    }

    /// What people did about incidents, for the calls from now on. One that is not there was not touched.
    pub fn respond(&mut self, responses: BTreeMap<IncidentId, Response>) {
        self.responses = responses;
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
        for news in self.tracker.unmuted(now, &self.responses) {
            self.send(now, news, &mut messages);
        }
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
                // Late changes, such as after a restart at night, wait for the morning as well.
                Some(Tier::Low) if self.is_open(change.at, now) => self.record(change),
                Some(Tier::Low) => self.state.held_back.push(change.clone()),
                Some(Tier::High) | None => {}
            }
        }
        for news in self.tracker.take(changes) {
            self.send(now, news, messages);
        }
    }

    fn is_open(&self, at: Timestamp, now: Timestamp) -> bool {
        self.hours.is_open(at) && self.hours.is_open(now)
    }

    /// Sends news, unless it is held back or muted.
    fn send(&mut self, now: Timestamp, news: NewsOf, messages: &mut Vec<Message>) {
        let NewsOf { incident, news, tier, change } = news;
        let is_silenced = self.tracker.get(&incident).is_some_and(|known| {
            self.responses.get(&incident).is_some_and(|response| response.silences(known, news, change.at))
        });
        let outcome = match tier {
            _ if is_silenced => NoticeOutcome::Muted,
            Tier::Low if !self.is_open(change.at, now) => NoticeOutcome::Held,
            _ if self.is_simulated => NoticeOutcome::Simulated,
            _ => NoticeOutcome::Sent,
        };
        let notice = Notice { at: change.at, news, tier, rule: change.rule.clone(), outcome };
        self.tracker.note(&incident, notice);
        if matches!(outcome, NoticeOutcome::Sent | NoticeOutcome::Simulated) {
            messages.push(Message::Change { tier, change, incident, news });
        }
    }

    /// Incidents that were silent since business hours ended, or are now.
    fn muted(&self, closed_at: Option<Timestamp>, opening: Timestamp) -> Vec<MutedEntry> {
        let incidents = self.tracker.incidents().iter();
        let entries = incidents.filter_map(|incident| {
            let mute = self.responses.get(&incident.id)?.muted.as_ref()?;
            let was_silent = incident.notices.iter().any(|notice| {
                notice.outcome == NoticeOutcome::Muted && closed_at.is_none_or(|closed| notice.at >= closed)
            });
            let is_silent = incident.is_active() && opening < mute.until;
            (was_silent || is_silent).then(|| MutedEntry {
                incident: incident.id.clone(),
                cause: incident
                    .lead()
                    .map_or_else(|| RuleName::new(&*incident.cause), |lead| lead.rule.clone()),
                by: mute.by.clone(),
                until: mute.until,
                reason: mute.reason.clone(),
                is_active: incident.is_active(),
            })
        });
        entries.collect()
    }

    fn open(&mut self, opening: Timestamp, messages: &mut Vec<Message>) {
        let changes = std::mem::take(&mut self.state.held_back);
        let closed_at = self.hours.last_closing(opening);
        let mut digest = Digest::of(closed_at, opening, &self.state.in_alarm, &changes);
        digest.muted = self.muted(closed_at, opening);
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
