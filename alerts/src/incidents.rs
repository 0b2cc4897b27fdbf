//! Incidents: alarms that have one cause, as one thing to be notified about, acknowledged and muted.
//!
//! [`Families`] says which alarms belong together. It is data: the rules' `family` and `symptom_of`. [`Tracker`] follows the
//! changes of alarms and says which of them are news. [`Response`] is what people did about an incident.
//! Everything here is a function of its input; there is no clock.

mod families;
mod response;
#[cfg(test)]
mod tests;
mod tracker;

pub use families::Families;
pub use response::{
    Acknowledged, Act, ActError, LONGEST_MUTE, LONGEST_TEXT, MOST_NOTES, Mute, MuteKind, Note, Response,
};
pub use tracker::{LINGER, NewsOf, Tracker, TrackerState};

use crate::rules::{RuleName, Tier};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Id of an incident: the minute in which it began, such as `20260302-0903`. It stays the same while the incident lasts, also
/// if its cause turns out to be another one.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct IncidentId(String);

impl IncidentId {
    /// Takes any text; only those of known incidents mean something.
    pub fn new(id: impl Into<String>) -> Self {
        Self(id.into())
    }

    /// The id of one that begins at a time, as the first or a later one of that minute.
    fn of(began: Timestamp, number: usize) -> Self {
        let minute = began.strftime("%Y%m%d-%H%M");
        if number == 0 { Self(minute.to_string()) } else { Self(format!("{minute}-{}", number + 1)) }
    }

    /// The name of the document with the [`Response`] to it.
    pub fn document(&self) -> String {
        format!("{DOCUMENTS}{self}")
    }

    /// The id.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for IncidentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What the names of responses' documents begin with.
const DOCUMENTS: &str = "incident/";

/// Alarms that have one cause.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Incident {
    /// Its id.
    pub id: IncidentId,
    /// When its first alarm fired.
    pub began: Timestamp,
    /// When it last began: `began`, or the time when it came back.
    pub active_since: Timestamp,
    /// When its last alarm cleared; `None` while one is active.
    pub ended: Option<Timestamp>,
    /// The family of the root cause.
    pub cause: String,
    /// Its alarms, in the order in which they first fired.
    pub members: Vec<Member>,
    /// Its news, the oldest first, and whether people were notified of each.
    pub notices: Vec<Notice>,
    /// The incident that has its alarms now, because a common cause was found.
    #[serde(default)]
    pub merged_into: Option<IncidentId>,
    /// The cause that the last high notification named; `None` if there was none since it last began.
    #[serde(default)]
    high_notified: Option<String>,
    /// When its last high alarm cleared; `None` while one is active.
    #[serde(default)]
    calm_since: Option<Timestamp>,
    /// Whether it was muted when the notifier last looked.
    #[serde(default)]
    is_muted: bool,
}

/// An alarm of an incident.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// Its rule.
    pub rule: RuleName,
    /// The rule's family.
    pub family: String,
    /// The rule's tier.
    pub tier: Tier,
    /// When it first fired.
    pub from: Timestamp,
    /// When it last cleared; `None` while it is in alarm.
    pub until: Option<Timestamp>,
    /// How often it fired.
    pub firings: u32,
    /// Why it last fired.
    pub reason: String,
}

/// Why an incident is news.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum News {
    /// It began.
    Opened,
    /// Its first high alarm fired.
    Escalated,
    /// It has another root cause than was known.
    NewCause,
    /// It came back soon after its end.
    Again,
    /// A mute is over, and the incident is not.
    MuteOver,
    /// Its last alarm cleared.
    Over,
}

impl News {
    /// Whether it says that something is wrong, and not that something is over.
    pub fn is_alert(self) -> bool {
        self != Self::Over
    }

    /// In a few words.
    pub fn words(self) -> &'static str {
        match self {
            Self::Opened => "began",
            Self::Escalated => "escalated to high",
            Self::NewCause => "root cause found",
            Self::Again => "came back",
            Self::MuteOver => "the mute is over, the incident is not",
            Self::Over => "over",
        }
    }
}

/// A piece of news about an incident.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// When.
    pub at: Timestamp,
    /// What.
    pub news: News,
    /// Who receives it.
    pub tier: Tier,
    /// The alarm that it names.
    pub rule: RuleName,
    /// Whether people were notified.
    pub outcome: NoticeOutcome,
}

/// Whether people were notified of news.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NoticeOutcome {
    /// A notification was made.
    Sent,
    /// It is low and outside business hours: the digest reports it.
    Held,
    /// The incident was muted: the digest reports it.
    Muted,
    /// It was made in simulated time, as a demonstration's history is.
    Simulated,
}

impl Incident {
    /// Whether an alarm of it is active.
    pub fn is_active(&self) -> bool {
        self.ended.is_none()
    }

    /// The tier of the most serious alarm that is active, or, if it is over, that fired.
    pub fn tier(&self) -> Tier {
        let counts = |member: &&Member| self.ended.is_some() || member.until.is_none();
        let is_high = self.members.iter().filter(counts).any(|member| member.tier == Tier::High);
        if is_high { Tier::High } else { Tier::Low }
    }

    /// The alarms of its root cause: twins of one rule, and rules with another pace.
    pub fn causes(&self) -> impl Iterator<Item = &Member> {
        self.members.iter().filter(|member| member.family == self.cause)
    }

    /// The alarms that the cause explains.
    pub fn symptoms(&self) -> impl Iterator<Item = &Member> {
        self.members.iter().filter(|member| member.family != self.cause)
    }

    /// The alarm that stands for it: of the root cause an active one before a cleared one, and a high one before a low one.
    pub fn lead(&self) -> Option<&Member> {
        let rank = |member: &&Member| (member.until.is_none(), member.tier == Tier::High);
        self.causes().max_by_key(rank).or_else(|| self.members.first())
    }

    /// Whether one of its alarms is active.
    fn has_active(&self, tier: Option<Tier>) -> bool {
        self.members
            .iter()
            .any(|member| member.until.is_none() && tier.is_none_or(|tier| member.tier == tier))
    }

    /// How many high notifications said that something is wrong.
    pub fn high_alerts(&self) -> usize {
        let is_alert = |notice: &&Notice| {
            notice.tier == Tier::High && notice.news.is_alert() && notice.outcome == NoticeOutcome::Sent
        };
        self.notices.iter().filter(is_alert).count()
    }
}
