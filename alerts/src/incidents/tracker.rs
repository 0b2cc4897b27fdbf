//! Follows the changes of alarms, and says which of them are news.

use super::{Families, Incident, IncidentId, Member, News, Notice, NoticeOutcome, Response};
use crate::rules::Tier;
use crate::state::{AlarmState, StateChange};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// An incident that ended less than this ago comes back if its cause or a symptom fires. It is the time within which firing
/// again counts as flapping.
pub const LINGER: SignedDuration = SignedDuration::from_mins(30);

/// A further high symptom is no news, unless no high alarm of the incident was active for so long. Then the first notification
/// is too old to count.
const CALM: SignedDuration = SignedDuration::from_hours(4);

/// The next digest reports a muted incident, also after holidays.
const KEPT_IF_MUTED: SignedDuration = SignedDuration::from_hours(7 * 24);

/// What a tracker must remember over a restart: incidents that are active or ended a moment ago.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrackerState {
    incidents: Vec<Incident>,
    /// The newest ids. After the clock was set back, an id must not be given twice.
    #[serde(default)]
    issued: Vec<IncidentId>,
}

/// How many notices of an incident are kept.
const MOST_NOTICES: usize = 200;

/// How many ids are remembered.
const ISSUED: usize = 100;

/// News about an incident, before it is decided whether people are notified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewsOf {
    /// Which incident.
    pub incident: IncidentId,
    /// What.
    pub news: News,
    /// Who receives it.
    pub tier: Tier,
    /// The change behind it. For a mute that is over, the firing of the alarm that stands for the incident.
    pub change: StateChange,
}

/// Groups alarms into incidents.
#[derive(Clone, Debug)]
pub struct Tracker {
    families: Families,
    state: TrackerState,
    /// Incidents that differ from what [`Tracker::take_changed`] returned.
    changed: BTreeSet<IncidentId>,
}

impl Tracker {
    /// Continues from a state, or from the default. Alarms of rules that are gone are over: nothing would clear them.
    pub fn new(families: Families, state: TrackerState) -> Self {
        let mut tracker = Self { families, state, changed: BTreeSet::new() };
        for incident in &mut tracker.state.incidents {
            let families = &tracker.families;
            let is_gone =
                |member: &&mut Member| member.until.is_none() && families.of_rule(&member.rule).is_none();
            let mut gone = false;
            for member in incident.members.iter_mut().filter(is_gone) {
                member.until = Some(member.from);
                gone = true;
            }
            if gone {
                tracker.changed.insert(incident.id.clone());
                if !incident.has_active(None) {
                    incident.ended.get_or_insert(incident.active_since);
                }
            }
        }
        tracker
    }

    /// What to remember.
    pub fn state(&self) -> &TrackerState {
        &self.state
    }

    /// Incidents that are active or ended a moment ago.
    pub fn incidents(&self) -> &[Incident] {
        &self.state.incidents
    }

    /// One of them.
    pub fn get(&self, id: &IncidentId) -> Option<&Incident> {
        self.state.incidents.iter().find(|incident| incident.id == *id)
    }

    /// Whether the news of a change were kept back by a mute.
    pub fn was_muted(&self, change: &StateChange) -> bool {
        let mut notices = self.state.incidents.iter().flat_map(|incident| &incident.notices);
        notices.any(|notice| {
            notice.outcome == NoticeOutcome::Muted && notice.rule == change.rule && notice.at == change.at
        })
    }

    /// The incidents that have changed since the last call.
    pub fn take_changed(&mut self) -> Vec<Incident> {
        let changed = std::mem::take(&mut self.changed);
        self.state.incidents.iter().filter(|incident| changed.contains(&incident.id)).cloned().collect()
    }

    /// Takes changes, in the order of time, and returns what is news, in the same order.
    pub fn take(&mut self, changes: &[StateChange]) -> Vec<NewsOf> {
        let mut news = Vec::new();
        for minute in changes.chunk_by(|one, next| one.at == next.at) {
            // What fires in one evaluation is seen together: causes before symptoms, high alarms before their twins.
            // A family whose twin clears meanwhile stays active, so firings come before clears.
            let (mut fired, cleared): (Vec<_>, Vec<_>) =
                minute.iter().partition(|change| change.to == AlarmState::Alarm);
            fired.sort_by_key(|change| {
                self.families.of_rule(&change.rule).map_or((usize::MAX, false), |(family, tier)| {
                    (self.families.depth(family), tier != Tier::High)
                })
            });
            for change in fired {
                news.extend(self.fire(change));
            }
            for change in cleared {
                news.extend(self.clear(change));
            }
        }
        news
    }

    /// Incidents whose mute is over although they are active, as news. Call it at each evaluation.
    pub fn unmuted(&mut self, now: Timestamp, responses: &BTreeMap<IncidentId, Response>) -> Vec<NewsOf> {
        let mut news = Vec::new();
        for incident in &mut self.state.incidents {
            let response = responses.get(&incident.id);
            let is_muted = response.is_some_and(|response| response.mute_at(incident, now).is_some());
            if is_muted == incident.is_muted {
                continue;
            }
            incident.is_muted = is_muted;
            self.changed.insert(incident.id.clone());
            // Somebody who has it, or who has just ended the mute by hand, knows.
            let has_expired = response
                .is_some_and(|response| response.muted.is_some() && response.holder(incident).is_none());
            if is_muted || !incident.is_active() || !has_expired {
                continue;
            }
            let tier = incident.tier();
            if tier == Tier::High {
                incident.high_notified = Some(incident.cause.clone());
            }
            if let Some(lead) = incident.lead() {
                let change = StateChange {
                    rule: lead.rule.clone(),
                    at: now,
                    from: AlarmState::Alarm,
                    to: AlarmState::Alarm,
                    reason: lead.reason.clone(),
                };
                news.push(NewsOf { incident: incident.id.clone(), news: News::MuteOver, tier, change });
            }
        }
        news
    }

    /// Records whether people were notified of news.
    pub fn note(&mut self, of: &IncidentId, notice: Notice) {
        if let Some(incident) = self.state.incidents.iter_mut().find(|incident| incident.id == *of) {
            incident.notices.push(notice);
            // One that flaps for days has many. The first says when people were notified; of the others the newest stay.
            if incident.notices.len() > MOST_NOTICES {
                incident.notices.remove(1);
            }
            self.changed.insert(incident.id.clone());
        }
    }

    /// Forgets incidents that ended too long ago to come back. Call it after [`Tracker::take_changed`].
    pub fn forget(&mut self, now: Timestamp) {
        self.state.incidents.retain(|incident| {
            let was_muted = incident.notices.iter().any(|notice| notice.outcome == NoticeOutcome::Muted);
            let keep = if was_muted { KEPT_IF_MUTED } else { LINGER };
            incident.ended.is_none_or(|ended| now.duration_since(ended) < keep)
        });
    }

    /// Adapts times to a clock that was set back: nothing is in the future.
    pub fn clock_was_set(&mut self, now: Timestamp) {
        for incident in &mut self.state.incidents {
            incident.began = incident.began.min(now);
            incident.active_since = incident.active_since.min(now);
            incident.ended = incident.ended.map(|ended| ended.min(now));
            for member in &mut incident.members {
                member.from = member.from.min(now);
                member.until = member.until.map(|until| until.min(now));
            }
            incident.calm_since = incident.calm_since.map(|since| since.min(now));
            self.changed.insert(incident.id.clone());
        }
    }

    fn fire(&mut self, change: &StateChange) -> Option<NewsOf> {
        let (family, tier) = self.families.of_rule(&change.rule)?;
        let family = family.to_owned();
        let place = match self.place(&family, change.at) {
            Some(Place::In(place)) => place,
            Some(Place::CauseOf(place)) => {
                self.adopt(place, &family, change.at);
                return self.join(place, &family, tier, change, true);
            }
            None => self.open(&family, change.at),
        };
        self.join(place, &family, tier, change, false)
    }

    /// The incident that an alarm belongs to.
    fn place(&self, family: &str, at: Timestamp) -> Option<Place> {
        let incidents = self.state.incidents.iter().enumerate();
        let alive = incidents.filter(|(_, incident)| {
            incident.merged_into.is_none()
                && incident.ended.is_none_or(|ended| at.duration_since(ended) < LINGER)
        });
        let alive: Vec<(usize, &Incident)> = alive.collect();
        // The same condition, or one of the known symptoms. An active incident comes before one that is over.
        let same = alive.iter().filter(|(_, incident)| {
            incident.cause == family
                || (incident.is_active() && incident.members.iter().any(|member| member.family == family))
        });
        if let Some((place, _)) =
            same.min_by_key(|(_, incident)| (!incident.is_active(), incident.cause != family))
        {
            return Some(Place::In(*place));
        }
        // A symptom: of the nearest cause, then of a high incident, then of the oldest.
        let explained = alive.iter().filter_map(|(place, incident)| {
            let links = incident.members.iter().filter_map(|member| {
                let link = self.families.link(&member.family, family)?;
                link.covers(at.duration_since(member.from)).then_some(link.steps)
            });
            let steps = links.min()?;
            Some(((!incident.is_active(), steps, incident.tier() != Tier::High, *place), *place))
        });
        if let Some((_, place)) = explained.min() {
            return Some(Place::In(place));
        }
        // The cause of what was seen before.
        let mut active = alive.iter().filter(|(_, incident)| incident.is_active());
        let cause = active.find(|(_, incident)| self.is_late_cause(family, incident));
        cause.map(|(place, _)| Place::CauseOf(*place))
    }

    /// Whether an alarm that fires now can be the cause of an incident. One that must come first is none.
    fn is_late_cause(&self, family: &str, incident: &Incident) -> bool {
        self.families.link(family, &incident.cause).is_some_and(|link| link.covers(SignedDuration::ZERO))
    }

    /// A new root cause for an incident. Others that it explains become part of it.
    fn adopt(&mut self, place: usize, family: &str, at: Timestamp) {
        let others: Vec<usize> = (0..self.state.incidents.len())
            .filter(|other| {
                let incident = &self.state.incidents[*other];
                *other != place
                    && incident.is_active()
                    && incident.merged_into.is_none()
                    && self.is_late_cause(family, incident)
            })
            .collect();
        let into = self.state.incidents[place].id.clone();
        for other in others {
            let incident = &mut self.state.incidents[other];
            incident.ended = Some(at);
            incident.merged_into = Some(into.clone());
            let (members, high) = (incident.members.clone(), incident.high_notified.take());
            self.changed.insert(incident.id.clone());
            let whole = &mut self.state.incidents[place];
            if whole.high_notified.is_none() {
                whole.high_notified = high;
            }
            for member in members {
                match whole.members.iter_mut().find(|known| known.rule == member.rule) {
                    Some(known) if member.until.is_none() => known.until = None,
                    Some(_) => {}
                    None => whole.members.push(member),
                }
            }
        }
        family.clone_into(&mut self.state.incidents[place].cause);
    }

    fn open(&mut self, family: &str, at: Timestamp) -> usize {
        let taken = |id: &IncidentId| self.state.issued.contains(id);
        let id = (0..).map(|number| IncidentId::of(at, number)).find(|id| !taken(id));
        let id = id.unwrap_or_else(|| IncidentId::of(at, 0));
        self.state.issued.push(id.clone());
        let surplus = self.state.issued.len().saturating_sub(ISSUED);
        self.state.issued.drain(..surplus);
        self.state.incidents.push(Incident {
            id,
            began: at,
            active_since: at,
            ended: None,
            cause: family.to_owned(),
            members: Vec::new(),
            notices: Vec::new(),
            merged_into: None,
            high_notified: None,
            calm_since: None,
            is_muted: false,
        });
        self.state.incidents.len() - 1
    }

    /// Adds a firing to an incident, and says whether it is news.
    fn join(
        &mut self,
        place: usize,
        family: &str,
        tier: Tier,
        change: &StateChange,
        is_new_cause: bool,
    ) -> Option<NewsOf> {
        let incident = &mut self.state.incidents[place];
        self.changed.insert(incident.id.clone());
        let is_first = incident.members.is_empty();
        let was_over = incident.members.iter().any(|member| member.family == family)
            && !incident.members.iter().any(|member| member.family == family && member.until.is_none());
        let came_back = incident.ended.is_some();
        match incident.members.iter_mut().find(|member| member.rule == change.rule) {
            Some(member) => {
                member.firings += u32::from(member.until.is_some());
                member.until = None;
                member.reason.clone_from(&change.reason);
            }
            None => incident.members.push(Member {
                rule: change.rule.clone(),
                family: family.to_owned(),
                tier,
                from: change.at,
                until: None,
                firings: 1,
                reason: change.reason.clone(),
            }),
        }
        if came_back {
            incident.ended = None;
            incident.active_since = change.at;
        }
        let was_calm = incident.calm_since.is_some_and(|since| change.at.duration_since(since) >= CALM);
        if tier == Tier::High {
            incident.calm_since = None;
        }
        let is_cause = incident.cause == family;
        let is_named = incident.high_notified.as_ref() == Some(&incident.cause);
        let news = match (tier, &incident.high_notified) {
            _ if is_first => News::Opened,
            _ if came_back && is_cause => News::Again,
            (Tier::High, Some(_)) if is_cause && is_named && was_over => News::Again,
            (Tier::High, None) => News::Escalated,
            (Tier::High, Some(_)) if was_calm => News::Escalated,
            (Tier::High, Some(_)) if is_cause && !is_named => News::NewCause,
            (Tier::Low, _) if is_new_cause => News::NewCause,
            _ => return None,
        };
        if tier == Tier::High {
            incident.high_notified = Some(incident.cause.clone());
        }
        Some(NewsOf { incident: incident.id.clone(), news, tier, change: change.clone() })
    }

    fn clear(&mut self, change: &StateChange) -> Option<NewsOf> {
        let mut news = None;
        for incident in self.state.incidents.iter_mut().filter(|incident| incident.merged_into.is_none()) {
            let mut cleared = false;
            let members = incident.members.iter_mut();
            for member in members.filter(|member| member.rule == change.rule && member.until.is_none()) {
                member.until = Some(change.at);
                cleared = true;
            }
            if !cleared {
                continue;
            }
            self.changed.insert(incident.id.clone());
            if !incident.has_active(Some(Tier::High)) {
                incident.calm_since.get_or_insert(change.at);
            }
            if incident.has_active(None) {
                continue;
            }
            incident.ended = Some(change.at);
            let tier = if incident.high_notified.take().is_some() { Tier::High } else { Tier::Low };
            let (id, change) = (incident.id.clone(), change.clone());
            news = Some(NewsOf { incident: id, news: News::Over, tier, change });
        }
        news
    }
}

/// Where an alarm belongs.
enum Place {
    /// To this incident, as its cause again or as a symptom.
    In(usize),
    /// To this incident, as its cause.
    CauseOf(usize),
}
