//! The action of the forms: take an incident, add a note, mute it, and undo each. The server has checked sign-in and the form's
//! origin before.

use crate::{
    context::{Page, encode},
    error::ActionError,
    ports::use_ports,
};
use jiff::{SignedDuration, Timestamp};
use leptos::prelude::*;
use spillway_dashboard_model::incidents::{Act, ActError, IncidentId, MuteKind, RespondError};

/// Where the forms send to.
pub const RESPOND: &str = "/actions/incident";

/// The actor in the audit log if the form names nobody. Everyone signs in as the operator.
const OPERATOR: &str = "operator via dashboard";
/// Most characters of a name.
const LONGEST_NAME: usize = 60;
/// How long a notice is shown. The address stays: later it would say what happened long ago.
const NOTICE: SignedDuration = SignedDuration::from_mins(10);

/// What an action did, for the notice on the page behind it. Any link can have it, so it is one of these words and a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::EnumString, strum::IntoStaticStr)]
#[strum(serialize_all = "kebab-case")]
pub(super) enum Done {
    /// Somebody has it.
    Taken,
    /// It is free to be taken again.
    Released,
    /// A note was added at that time.
    Noted,
    /// A note was removed.
    NoteRemoved,
    /// It is muted.
    Muted,
    /// It is not muted any more.
    Unmuted,
}

impl Done {
    fn of_act(act: &Act) -> Self {
        match act {
            Act::Acknowledge => Self::Taken,
            Act::Release => Self::Released,
            Act::Note(_) => Self::Noted,
            Act::RemoveNote(_) => Self::NoteRemoved,
            Act::Mute(..) => Self::Muted,
            Act::Unmute => Self::Unmuted,
        }
    }

    /// What was done, and when, if that was a moment ago.
    pub(super) fn of(page: &Page) -> Option<(Self, Timestamp)> {
        let done = page.parameter("__done")?.parse().ok()?;
        let at = page.parameter("__at")?.parse::<Timestamp>().ok()?;
        let since = page.now.duration_since(at);
        (since >= -SignedDuration::from_secs(1) && since <= NOTICE).then_some((done, at))
    }

    /// What undoes it, as the form's value; `None` if nothing does.
    pub(super) fn undo(self) -> Option<&'static str> {
        match self {
            Self::Taken => Some("release"),
            Self::Released => Some("ack"),
            Self::Noted => Some("remove-note"),
            Self::Muted => Some("unmute"),
            Self::NoteRemoved | Self::Unmuted => None,
        }
    }
}

/// Does something about an incident. `act` is one of `ack`, `release`, `note`, `remove-note`, `mute` and `unmute`.
#[server(prefix = "/actions", endpoint = "incident")]
async fn incident(
    #[server(default)] id: String,
    #[server(default)] act: String,
    #[server(default)] name: String,
    #[server(default)] text: String,
    #[server(default)] kind: String,
    #[server(default)] hours: String,
    #[server(default)] at: String,
) -> Result<(), ActionError> {
    let ports = use_ports();
    let id = IncidentId::new(id);
    let act = read(&act, text, &kind, &hours, &at)?;
    let known = ports.incidents.incident(&id).await;
    if known.map_err(|_| ActionError::NotSaved)?.is_none() {
        return Err(ActionError::NoIncident);
    }
    let now = ports.pipeline.clock.now();
    let response = ports.incidents.act(&id, &act, &by(&name)?).await.map_err(failed)?;
    let at = match (&act, response.notes.last()) {
        (Act::Note(_), Some(note)) => note.at,
        _ => now,
    };
    let done: &str = Done::of_act(&act).into();
    leptos_axum::redirect(&format!("/incidents/{}?__done={done}&__at={at}", encode(id.as_str())));
    Ok(())
}

/// Who did it, as the form says.
fn by(name: &str) -> Result<String, ActionError> {
    match name.trim() {
        "" => Ok(OPERATOR.to_owned()),
        name if name.chars().count() > LONGEST_NAME || name.chars().any(char::is_control) => {
            Err(ActionError::LongName)
        }
        name => Ok(format!("{name} via dashboard")),
    }
}

fn read(act: &str, text: String, kind: &str, hours: &str, at: &str) -> Result<Act, ActionError> {
    let unreadable = || ActionError::Unreadable;
    Ok(match act {
        "ack" => Act::Acknowledge,
        "release" => Act::Release,
        "note" => Act::Note(text),
        "remove-note" => Act::RemoveNote(at.parse().map_err(|_| unreadable())?),
        "mute" => {
            let span = match hours.trim() {
                "" => None,
                // A number of 32 bits: more hours than fit a duration would be a panic.
                hours => {
                    let hours: i32 = hours.parse().map_err(|_| ActionError::MuteTime)?;
                    Some(SignedDuration::from_hours(hours.into()))
                }
            };
            let kind = match kind {
                "until-it-clears" => MuteKind::UntilItClears,
                "planned-work" => MuteKind::PlannedWork,
                "for-a-time" => MuteKind::ForATime,
                _ => return Err(unreadable()),
            };
            Act::Mute(kind, span, text)
        }
        "unmute" => Act::Unmute,
        _ => return Err(unreadable()),
    })
}

fn failed(error: RespondError) -> ActionError {
    match error {
        RespondError::Act(ActError::Empty) => ActionError::EmptyNote,
        RespondError::Act(ActError::TooLong | ActError::TooMany) => ActionError::LongNote,
        RespondError::Act(ActError::MuteTime) => ActionError::MuteTime,
        RespondError::Act(ActError::NoReason) => ActionError::NoMuteReason,
        RespondError::Act(ActError::Nothing) => ActionError::NothingToUndo,
        RespondError::Log(_) | RespondError::Busy => {
            tracing::warn!(error = %error, "an action about an incident could not be saved");
            ActionError::NotSaved
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hours_that_no_mute_can_last_are_refused() {
        let mute = |hours: &str| read("mute", String::new(), "for-a-time", hours, "");
        assert!(mute("4").is_ok() && mute("").is_ok());
        for hours in ["9223372036854775807", "2562047788015216", "-9223372036854775808", "4.5", "x"] {
            assert!(matches!(mute(hours), Err(ActionError::MuteTime)), "{hours}");
        }
        assert!(mute("2147483647").is_ok(), "how long a mute may last is checked where it is done");
    }
}
