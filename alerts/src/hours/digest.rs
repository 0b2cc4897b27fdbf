//! What happened out of business hours.

use crate::incidents::IncidentId;
use crate::rules::RuleName;
use crate::state::{AlarmState, StateChange};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// One period in ALARM of one rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DigestEntry {
    /// The rule.
    pub rule: RuleName,
    /// When it went into ALARM, which may be before closing time.
    pub from: Timestamp,
    /// When it left; `None` if it is still there.
    pub until: Option<Timestamp>,
    /// Why it went into ALARM.
    pub reason: String,
}

/// What is reported when business hours begin.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Digest {
    /// End of the last business hours; `None` if there were none before.
    pub closed_at: Option<Timestamp>,
    /// Beginning of these.
    pub opened_at: Timestamp,
    /// In ALARM now.
    pub still_in_alarm: Vec<DigestEntry>,
    /// Was in ALARM while closed, and is not any more.
    pub cleared: Vec<DigestEntry>,
    /// Incidents that did not notify because somebody muted them, of either tier.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub muted: Vec<MutedEntry>,
}

/// A muted incident.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MutedEntry {
    /// Which incident.
    pub incident: IncidentId,
    /// The alarm that stands for its cause.
    pub cause: RuleName,
    /// Who muted it.
    pub by: String,
    /// When the mute ends at the latest.
    pub until: Timestamp,
    /// Why; empty if nothing was written.
    pub reason: String,
    /// Whether an alarm of it is active.
    pub is_active: bool,
}

impl Digest {
    /// Builds the digest from `changes`, in order. `in_alarm` has the alarms that were in ALARM before (rule → since
    /// when and why).
    pub fn of(
        closed_at: Option<Timestamp>,
        opened_at: Timestamp,
        in_alarm: &BTreeMap<RuleName, (Timestamp, String)>,
        changes: &[StateChange],
    ) -> Self {
        let mut open = in_alarm.clone();
        let mut cleared = Vec::new();
        for change in changes {
            if change.to == AlarmState::Alarm {
                open.entry(change.rule.clone()).or_insert_with(|| (change.at, change.reason.clone()));
            } else if let Some((from, reason)) = open.remove(&change.rule) {
                cleared.push(DigestEntry { rule: change.rule.clone(), from, until: Some(change.at), reason });
            }
        }
        let still_in_alarm = open
            .into_iter()
            .map(|(rule, (from, reason))| DigestEntry { rule, from, until: None, reason })
            .collect();
        Self { closed_at, opened_at, still_in_alarm, cleared, muted: Vec::new() }
    }

    /// Whether there is nothing to report.
    pub fn is_empty(&self) -> bool {
        self.still_in_alarm.is_empty() && self.cleared.is_empty() && self.muted.is_empty()
    }

    /// As text for a mail or a chat message, with times of day in `zone`.
    pub fn text(&self, zone: &TimeZone) -> String {
        let mut text = String::new();
        let when = |at: Timestamp| at.to_zoned(zone.clone()).strftime("%a %d %b %H:%M").to_string();
        let since = self.closed_at.map_or_else(String::new, |at| format!(" since {}", when(at)));
        // Writing to a string cannot fail.
        let _ = match (self.still_in_alarm.len(), self.cleared.len()) {
            (0, 0) => writeln!(text, "No low-priority alarm{since}."),
            (now, cleared) => {
                writeln!(text, "Low-priority alarms{since}: {now} in alarm now, {cleared} fired and cleared.")
            }
        };
        for (title, entries) in [("In alarm now", &self.still_in_alarm), ("Fired and cleared", &self.cleared)]
        {
            if entries.is_empty() {
                continue;
            }
            let _ = writeln!(text, "\n{title}");
            for entry in entries {
                let until = entry.until.map_or_else(String::new, |until| format!(" to {}", when(until)));
                let _ = writeln!(text, "  {}: {}{until} ({})", entry.rule, when(entry.from), entry.reason);
            }
        }
        if !self.muted.is_empty() {
            text.push_str("\nMuted\n");
        }
        for entry in &self.muted {
            let state = if entry.is_active { "active" } else { "over" };
            let why = if entry.reason.is_empty() { String::new() } else { format!(": {}", entry.reason) };
            let (incident, cause, by) = (&entry.incident, &entry.cause, &entry.by);
            let _ = writeln!(text, "  {incident} {cause}, {state}, by {by} until {}{why}", when(entry.until));
        }
        text
    }
}
