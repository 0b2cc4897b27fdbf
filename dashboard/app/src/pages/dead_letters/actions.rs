//! What the forms do: replay, discard, restore. Sign-in and the form's origin were checked before.

use super::data::{Selection, Shown};
use crate::{context::encode, error::ActionError, links::way_back, ports::use_ports};
use jiff::Timestamp;
use leptos::prelude::*;
use spillway_core::{
    dead_letter::{DeadLetter, DeadLetterFilter, DeadLetterState},
    ids::{MessageId, ReplayId},
    ports::{ArchiveError, DeadLetters},
    usecases::replay::{Replayer, StartError},
};

/// Where the forms send to.
pub const REPLAY: &str = "/actions/replay";
/// Where the forms send to.
pub const DISCARD: &str = "/actions/discard";
/// Where the forms send to.
pub const RESTORE: &str = "/actions/restore";

/// Who did it, for the audit log. The dashboard signs in this machine's operator, not persons by name.
const BY: &str = "operator via dashboard";
/// The longest reason for a discard, in characters.
pub const LONGEST_REASON: usize = 500;
/// How many discarded messages are read in one go while a discard is taken back.
const AT_ONCE: usize = 500;

/// Starts a replay and leads to it. `passing` leaves those in the archive that would fail again. `first` is
/// one of the messages, by which a form that is sent twice finds the replay that it started.
#[server(prefix = "/actions", endpoint = "replay")]
async fn replay(
    #[server(default)] ids: Vec<String>,
    #[server(default)] matching: String,
    #[server(default)] passing: bool,
    #[server(default)] first: String,
) -> Result<(), ActionError> {
    let ports = use_ports();
    let (replayer, now) = (ports.pipeline.replayer(), ports.pipeline.clock.now());
    let selection = Selection::from_form(ids, &matching, now)?;
    let id = start(&replayer, &selection, passing, &MessageId::new(first)).await?;
    leptos_axum::redirect(&format!("/replays/{}", encode(id.as_str())));
    Ok(())
}

/// Gives messages up, with a reason.
#[server(prefix = "/actions", endpoint = "discard")]
async fn discard(
    #[server(default)] ids: Vec<String>,
    #[server(default)] matching: String,
    #[server(default)] reason: String,
    #[server(default)] first: String,
    #[server(default)] back: String,
) -> Result<(), ActionError> {
    let ports = use_ports();
    let (replayer, now) = (ports.pipeline.replayer(), ports.pipeline.clock.now());
    let selection = Selection::from_form(ids, &matching, now)?;
    let done = give_up(&replayer, &selection, &reason, &MessageId::new(first)).await?;
    leptos_axum::redirect(&with_note(
        way_back(&back),
        &format!("__discarded={}&__count={}", done.at, done.count),
    ));
    Ok(())
}

/// Takes discards back: of these messages, or of all that were discarded at one moment.
#[server(prefix = "/actions", endpoint = "restore")]
async fn restore(
    #[server(default)] ids: Vec<String>,
    #[server(default)] matching: String,
    #[server(default)] at: String,
    #[server(default)] back: String,
) -> Result<(), ActionError> {
    let ports = use_ports();
    let (replayer, now) = (ports.pipeline.replayer(), ports.pipeline.clock.now());
    let count = if at.is_empty() {
        let selection = Selection::from_form(ids, &matching, now)?;
        take_back(&replayer, &selection).await?
    } else {
        let at = at.parse().map_err(|_| ActionError::Unreadable)?;
        take_back_of(&replayer, at).await?
    };
    leptos_axum::redirect(&with_note(way_back(&back), &format!("__restored={count}")));
    Ok(())
}

/// Says on the next page what was done. Such parameters are not repeated in that page's own links.
fn with_note(back: &str, note: &str) -> String {
    format!("{back}{}{note}", if back.contains('?') { '&' } else { '?' })
}

fn failed(error: ArchiveError) -> ActionError {
    match error {
        ArchiveError::NotFound { what } => ActionError::Gone { what },
        ArchiveError::Unavailable { .. } => {
            tracing::warn!(error = %error, "an action in the dashboard failed");
            ActionError::Unavailable { message: "The archive of dead letters does not answer.".into() }
        }
    }
}

async fn get(archive: &dyn DeadLetters, id: &MessageId) -> Result<Option<DeadLetter>, ActionError> {
    archive.get(id).await.map_err(failed)
}

/// Starts a replay. Sent a second time it finds nothing left to take, and returns the replay that it
/// started the first time.
async fn start(
    replayer: &Replayer,
    selection: &Selection,
    passing: bool,
    first: &MessageId,
) -> Result<ReplayId, ActionError> {
    let mut ids = selection.ids(&*replayer.archive, Shown::Waiting).await.map_err(failed)?;
    let example = ids.first().unwrap_or(first).clone();
    if passing {
        let forecasts = replayer.preflight(&ids).await.map_err(failed)?;
        ids = forecasts
            .into_iter()
            .filter(|forecast| forecast.would_fail.is_none())
            .map(|forecast| forecast.id)
            .collect();
    }
    match replayer.start(&ids, BY).await {
        Ok(started) => Ok(started.id),
        Err(StartError::Archive(error)) => Err(failed(error)),
        Err(StartError::Nothing) => match get(&*replayer.archive, &example).await?.map(|letter| letter.state)
        {
            Some(DeadLetterState::Replaying { replay_id } | DeadLetterState::Stored { replay_id, .. }) => {
                Ok(replay_id)
            }
            Some(DeadLetterState::Discarded { by, .. }) => Err(ActionError::Conflict {
                message: format!(
                    "Discarded by {by} meanwhile. Restore the message first. Nothing was replayed."
                ),
            }),
            Some(DeadLetterState::Archived) => Err(ActionError::Invalid {
                message: "Each of these messages would fail again, so none was put back.".into(),
            }),
            None => Err(ActionError::Gone { what: "The message".into() }),
        },
    }
}

/// What was discarded.
#[derive(Debug, PartialEq, Eq)]
struct GivenUp {
    /// When: all of one discard bear the same moment, by which it is taken back.
    at: Timestamp,
    /// How many; 0 if an earlier sending of the form did it.
    count: usize,
}

/// Discards messages. Sent a second time it finds them discarded for that reason, and says so again.
async fn give_up(
    replayer: &Replayer,
    selection: &Selection,
    reason: &str,
    first: &MessageId,
) -> Result<GivenUp, ActionError> {
    let reason = reason.trim();
    if reason.is_empty() {
        let message = "Say why these messages are given up. Nothing was discarded.".into();
        return Err(ActionError::Invalid { message });
    }
    if reason.chars().count() > LONGEST_REASON {
        let message =
            format!("The reason is longer than {LONGEST_REASON} characters. Nothing was discarded.");
        return Err(ActionError::Invalid { message });
    }
    let ids = selection.ids(&*replayer.archive, Shown::Waiting).await.map_err(failed)?;
    let example = ids.first().unwrap_or(first).clone();
    let done = replayer.discard(&ids, BY, reason).await.map_err(failed)?;
    let asked = done.first().unwrap_or(&example);
    match get(&*replayer.archive, asked).await?.map(|letter| letter.state) {
        Some(DeadLetterState::Discarded { at, reason: why, .. }) if why == reason => {
            Ok(GivenUp { at, count: done.len() })
        }
        Some(_) => Err(ActionError::Conflict {
            message: "These messages were replayed or discarded meanwhile. Nothing was changed.".into(),
        }),
        None => Err(ActionError::Gone { what: "The message".into() }),
    }
}

async fn take_back(replayer: &Replayer, selection: &Selection) -> Result<usize, ActionError> {
    let ids = selection.ids(&*replayer.archive, Shown::Discarded).await.map_err(failed)?;
    Ok(replayer.restore(&ids, BY).await.map_err(failed)?.len())
}

async fn take_back_of(replayer: &Replayer, at: Timestamp) -> Result<usize, ActionError> {
    let filter = DeadLetterFilter { states: Shown::Discarded.states(), ..DeadLetterFilter::default() };
    let (mut ids, mut after) = (Vec::new(), None::<String>);
    loop {
        let page = replayer.archive.list(&filter, after.as_deref(), AT_ONCE).await.map_err(failed)?;
        let of_then = |letter: &DeadLetter| matches!(&letter.state, DeadLetterState::Discarded { at: then, .. } if *then == at);
        ids.extend(page.items.into_iter().filter(of_then).map(|letter| letter.id));
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    Ok(replayer.restore(&ids, BY).await.map_err(failed)?.len())
}
