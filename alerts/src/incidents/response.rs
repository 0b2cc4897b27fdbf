//! What people do about an incident: take it, add a note, mute it.

use super::{DOCUMENTS, Incident, IncidentId, News};
use crate::rules::Tier;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The longest mute. An incident that lasts longer notifies again, and can be muted again.
pub const LONGEST_MUTE: SignedDuration = SignedDuration::from_hours(7 * 24);
/// Most characters of a note, or of the reason of a mute.
pub const LONGEST_TEXT: usize = 1_000;
/// Most notes of one incident.
pub const MOST_NOTES: usize = 200;

/// What people did about an incident.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Response {
    /// Who has it. It counts until the incident clears: [`Response::holder`].
    pub acknowledged: Option<Acknowledged>,
    /// The last mute: [`Response::mute_at`].
    pub muted: Option<Mute>,
    /// Notes, the oldest first.
    pub notes: Vec<Note>,
}

/// Somebody has the incident.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Acknowledged {
    /// Who.
    pub by: String,
    /// Since when.
    pub at: Timestamp,
}

/// How long a mute lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MuteKind {
    /// For a time.
    ForATime,
    /// Until the incident clears, and at most for [`LONGEST_MUTE`].
    UntilItClears,
    /// For a time in which somebody works on the system: new causes are silent too.
    PlannedWork,
}

/// An incident that does not notify for a while.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mute {
    /// Who muted it.
    pub by: String,
    /// Since when.
    pub at: Timestamp,
    /// How long.
    pub kind: MuteKind,
    /// When it ends at the latest.
    pub until: Timestamp,
    /// Why; empty if nothing was written.
    pub reason: String,
}

/// A note.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    /// Who wrote it.
    pub by: String,
    /// When, which identifies it.
    pub at: Timestamp,
    /// What.
    pub text: String,
}

/// One thing that a person does about an incident.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act {
    /// "I have it."
    Acknowledge,
    /// Undoes that.
    Release,
    /// Adds a note.
    Note(String),
    /// Removes the note of that time.
    RemoveNote(Timestamp),
    /// Mutes, with a time for the kinds that have one, and a reason.
    Mute(MuteKind, Option<SignedDuration>, String),
    /// Ends a mute.
    Unmute,
}

/// An act makes no sense.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ActError {
    /// A note without text.
    #[error("the note is empty: write something")]
    Empty,
    /// A note or a reason that is too long.
    #[error("the text is longer than {LONGEST_TEXT} characters: shorten it")]
    TooLong,
    /// There are too many notes.
    #[error("the incident has {MOST_NOTES} notes: continue elsewhere, and note where")]
    TooMany,
    /// A mute without an end, or a longer one than is allowed.
    #[error("a mute lasts from a minute to seven days: choose a time within that")]
    MuteTime,
    /// Planned work without a reason.
    #[error("planned work needs a reason: write what is done")]
    NoReason,
    /// Nothing to undo.
    #[error("there is nothing to undo: it was undone before")]
    Nothing,
}

impl Act {
    /// Its name in the audit log.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Acknowledge => "incident ack",
            Self::Release => "incident release",
            Self::Note(_) => "incident note",
            Self::RemoveNote(_) => "incident note removed",
            Self::Mute(..) => "incident mute",
            Self::Unmute => "incident unmute",
        }
    }
}

impl Response {
    /// Reads responses from their documents by name. One that another version wrote and this one can't read is left out.
    pub fn by_incident(documents: &BTreeMap<String, String>) -> BTreeMap<IncidentId, Self> {
        let read = |(name, text): (&String, &String)| {
            let id = name.strip_prefix(DOCUMENTS)?;
            Some((IncidentId::new(id), serde_json::from_str(text).ok()?))
        };
        documents.iter().filter_map(read).collect()
    }

    /// The text of its document.
    pub fn document(&self) -> String {
        // It is texts and times, so nothing of it can't be written.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Does it, and returns the details for the audit log.
    ///
    /// # Errors
    /// [`ActError`]: it makes no sense. Nothing has changed then.
    pub fn apply(&mut self, act: &Act, by: &str, at: Timestamp) -> Result<String, ActError> {
        let by = by.to_owned();
        Ok(match act {
            Act::Acknowledge => {
                self.acknowledged = Some(Acknowledged { by, at });
                String::new()
            }
            Act::Release => {
                let was = self.acknowledged.take().ok_or(ActError::Nothing)?;
                format!("{} had it", was.by)
            }
            Act::Note(text) => {
                let text = checked(text)?;
                if text.is_empty() {
                    return Err(ActError::Empty);
                }
                if self.notes.len() >= MOST_NOTES {
                    return Err(ActError::TooMany);
                }
                // The time identifies a note.
                let mut at = at;
                while self.notes.iter().any(|note| note.at == at) {
                    at += SignedDuration::from_millis(1);
                }
                self.notes.push(Note { by, at, text: text.clone() });
                text
            }
            Act::RemoveNote(of) => {
                let place = self.notes.iter().position(|note| note.at == *of).ok_or(ActError::Nothing)?;
                self.notes.remove(place).text
            }
            Act::Mute(kind, span, reason) => {
                let reason = checked(reason)?;
                let span = match (kind, span) {
                    (MuteKind::UntilItClears, _) => LONGEST_MUTE,
                    (_, Some(span)) => *span,
                    (_, None) => return Err(ActError::MuteTime),
                };
                if span < SignedDuration::from_mins(1) || span > LONGEST_MUTE {
                    return Err(ActError::MuteTime);
                }
                if *kind == MuteKind::PlannedWork && reason.is_empty() {
                    return Err(ActError::NoReason);
                }
                let until = at.checked_add(span).map_err(|_| ActError::MuteTime)?;
                let detail = format!("{} until {until}: {reason}", kind.words());
                self.muted = Some(Mute { by, at, kind: *kind, until, reason });
                detail
            }
            Act::Unmute => {
                let was = self.muted.take().ok_or(ActError::Nothing)?;
                format!("{} had muted it", was.by)
            }
        })
    }

    /// Who has the incident: it was acknowledged since it last began, and is not over.
    pub fn holder(&self, incident: &Incident) -> Option<&Acknowledged> {
        let counts = |ack: &&Acknowledged| incident.is_active() && ack.at >= incident.active_since;
        self.acknowledged.as_ref().filter(counts)
    }

    /// The mute that is in force at a time.
    pub fn mute_at(&self, incident: &Incident, at: Timestamp) -> Option<&Mute> {
        self.muted.as_ref().filter(|mute| {
            let is_same = incident.is_active() && mute.at >= incident.active_since;
            at < mute.until && (mute.kind != MuteKind::UntilItClears || is_same)
        })
    }

    /// Whether a mute keeps this news back. A mute is about what was known: a first high alarm and another cause still
    /// notify, except in planned work.
    pub fn silences(&self, incident: &Incident, news: News, at: Timestamp) -> bool {
        let Some(mute) = self.muted.as_ref().filter(|mute| at < mute.until && at >= mute.at) else {
            return false;
        };
        if mute.kind == MuteKind::UntilItClears && mute.at < incident.active_since {
            return false;
        }
        let high_was_known =
            incident.members.iter().any(|member| member.tier == Tier::High && member.from <= mute.at);
        match news {
            _ if mute.kind == MuteKind::PlannedWork => true,
            News::NewCause => false,
            News::Escalated => high_was_known,
            _ => true,
        }
    }
}

impl MuteKind {
    /// In words.
    pub fn words(self) -> &'static str {
        match self {
            Self::ForATime => "for a time",
            Self::UntilItClears => "until it clears",
            Self::PlannedWork => "planned work",
        }
    }
}

/// Without space around it, and not too long.
fn checked(text: &str) -> Result<String, ActError> {
    let text = text.trim();
    if text.chars().count() > LONGEST_TEXT { Err(ActError::TooLong) } else { Ok(text.to_owned()) }
}
