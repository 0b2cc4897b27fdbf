//! The actions of the forms: replay, discard, restore. The server has checked sign-in and the form's origin before.

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

/// The actor in the audit log. The dashboard has no names: everyone signs in as the operator.
const BY: &str = "operator via dashboard";
/// The longest reason for a discard, in characters.
pub const LONGEST_REASON: usize = 500;
/// The number of discarded messages in one read while a discard is undone.
const AT_ONCE: usize = 500;

/// Starts a replay and redirects to it. With `passing`, messages that would fail again remain in the archive. `first`
/// is one of the messages. If the browser sends the form twice, `first` identifies the replay that already runs.
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
    let id = start(&replayer, &selection, passing, &MessageId::new(first)).await;
    ports.reads.forget();
    let id = id?;
    leptos_axum::redirect(&format!("/replays/{}", encode(id.as_str())));
    Ok(())
}

/// Discards messages, with a reason.
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
    let done = discard_messages(&replayer, &selection, &reason, &MessageId::new(first)).await;
    ports.reads.forget();
    let done = done?;
    leptos_axum::redirect(&with_note(
        way_back(&back),
        &format!("__discarded={}&__count={}", done.at, done.count),
    ));
    Ok(())
}

/// Undoes discards: of these messages, or of all messages of one discard.
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
        take_back(&replayer, &selection).await
    } else {
        let at = at.parse().map_err(|_| ActionError::Unreadable)?;
        take_back_of(&replayer, at).await
    };
    ports.reads.forget();
    let count = count?;
    leptos_axum::redirect(&with_note(way_back(&back), &format!("__restored={count}")));
    Ok(())
}

/// Redirects to a page that shows the result. That page's own links do not repeat these parameters.
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

/// Starts a replay. If the form was sent before, no message is left, and this returns the first replay.
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
                    "Discarded by {by} in the meantime. Restore the message first. Nothing was replayed."
                ),
            }),
            Some(DeadLetterState::Archived) => Err(ActionError::Invalid {
                message: "Each of these messages would fail again, so none was put back.".into(),
            }),
            None => Err(ActionError::Gone { what: "The message".into() }),
        },
    }
}

/// A discard that is done.
#[derive(Debug, PartialEq, Eq)]
struct Discarded {
    /// Its time, which is the same for all its messages. An undo selects by it.
    at: Timestamp,
    /// The number of messages; 0 if the form was sent before.
    count: usize,
}

/// Discards messages. If the form was sent before, they are discarded already, and the result is the same.
async fn discard_messages(
    replayer: &Replayer,
    selection: &Selection,
    reason: &str,
    first: &MessageId,
) -> Result<Discarded, ActionError> {
    let reason = reason.trim();
    if reason.is_empty() {
        let message = "Enter a reason. Nothing was discarded.".into();
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
            Ok(Discarded { at, count: done.len() })
        }
        Some(_) => Err(ActionError::Conflict {
            message: "These messages were replayed or discarded in the meantime. Nothing was changed.".into(),
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
        let page = replayer.archive.list_brief(&filter, after.as_deref(), AT_ONCE).await.map_err(failed)?;
        let of_then = |letter: &DeadLetter| matches!(&letter.state, DeadLetterState::Discarded { at: then, .. } if *then == at);
        ids.extend(page.items.into_iter().filter(of_then).map(|letter| letter.id));
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    Ok(replayer.restore(&ids, BY).await.map_err(failed)?.len())
}
