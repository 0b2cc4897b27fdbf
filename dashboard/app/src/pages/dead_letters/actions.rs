//! The actions of the forms: replay, discard, restore. The server has checked sign-in and the form's origin before.

use super::data::{Selection, Shown};
use crate::{
    context::{Page, encode},
    error::{ActionError, LONGEST_REASON},
    links::way_back,
    ports::use_ports,
};
use jiff::{SignedDuration, Timestamp};
use leptos::prelude::*;
use spillway_core::{
    dead_letter::{DeadLetter, DeadLetterFilter, DeadLetterState},
    ids::{MessageId, ReplayId},
    ports::{ArchiveError, DeadLetters},
    usecases::replay::{Replayer, StartError},
};
use spillway_dashboard_model::flow::Passage;

/// Where the forms send to.
pub const REPLAY: &str = "/actions/replay";
/// Where the forms send to.
pub const DISCARD: &str = "/actions/discard";
/// Where the forms send to.
pub const RESTORE: &str = "/actions/restore";

/// The actor in the audit log. The dashboard has no names: everyone signs in as the operator.
const BY: &str = "operator via dashboard";
/// The number of discarded messages in one read while a discard is undone.
const AT_ONCE: usize = 500;

/// What an action did, for the notice on the page behind it. Any link can have it, so it is one of these words and a time.
/// That page's own links do not repeat these parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::pages::dead_letters) enum Done {
    /// Messages were discarded; the time identifies the discard.
    Discarded,
    /// Messages were restored.
    Restored,
    /// There was none to restore.
    NothingRestored,
}

/// How long a notice is shown. The address stays: later it would say what happened long ago.
const NOTICE: SignedDuration = SignedDuration::from_mins(10);

impl Done {
    const ALL: [Self; 3] = [Self::Discarded, Self::Restored, Self::NothingRestored];

    fn word(self) -> &'static str {
        match self {
            Self::Discarded => "discarded",
            Self::Restored => "restored",
            Self::NothingRestored => "nothing-restored",
        }
    }

    /// A page's address with this notice.
    fn noted(self, back: &str, at: Timestamp) -> String {
        let sign = if back.contains('?') { '&' } else { '?' };
        format!("{back}{sign}__done={}&__at={at}", self.word())
    }

    /// What was done, and when, if that was a moment ago.
    pub(in crate::pages::dead_letters) fn of(page: &Page) -> Option<(Self, Timestamp)> {
        let word = page.parameter("__done")?;
        let done = Self::ALL.into_iter().find(|done| done.word() == word)?;
        let at = page.parameter("__at")?.parse::<Timestamp>().ok()?;
        let since = page.now.duration_since(at);
        (since >= SignedDuration::ZERO && since <= NOTICE).then_some((done, at))
    }
}

/// Starts a replay and redirects to it. With `passing`, messages that would fail again remain in the archive. While nothing
/// would be stored, it needs `anyway`. `first` is one of the messages. If the browser sends the form twice, `first` identifies the replay that already runs.
#[server(prefix = "/actions", endpoint = "replay")]
async fn replay(
    #[server(default)] ids: Vec<String>,
    #[server(default)] matching: String,
    #[server(default)] passing: bool,
    #[server(default)] anyway: bool,
    #[server(default)] first: String,
) -> Result<(), ActionError> {
    let ports = use_ports();
    if !anyway && ports.replay_path().await.passage == Passage::Closed {
        return Err(ActionError::PathClosed);
    }
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
    leptos_axum::redirect(&Done::Discarded.noted(way_back(&back), done?));
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
    let done = if count? == 0 { Done::NothingRestored } else { Done::Restored };
    leptos_axum::redirect(&done.noted(way_back(&back), now));
    Ok(())
}

fn failed(error: ArchiveError) -> ActionError {
    match error {
        ArchiveError::NotFound { .. } => ActionError::Gone,
        ArchiveError::UnknownCursor { .. } => ActionError::Unreadable,
        ArchiveError::Unavailable { .. } | ArchiveError::Refused { .. } => {
            tracing::warn!(error = %error, "an action in the dashboard failed");
            ActionError::Unavailable
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
            Some(DeadLetterState::Discarded { .. }) => Err(ActionError::Discarded),
            Some(DeadLetterState::Archived) => Err(ActionError::WouldFailAgain),
            None => Err(ActionError::Gone),
        },
    }
}

/// Discards messages. Returns the time of the discard, which is the same for all its messages: an undo selects by it. If the
/// form was sent before, they are discarded already, and the result is the same.
async fn discard_messages(
    replayer: &Replayer,
    selection: &Selection,
    reason: &str,
    first: &MessageId,
) -> Result<Timestamp, ActionError> {
    let reason = reason.trim();
    if reason.is_empty() {
        return Err(ActionError::NoReason);
    }
    if reason.chars().count() > LONGEST_REASON {
        return Err(ActionError::LongReason);
    }
    let ids = selection.ids(&*replayer.archive, Shown::Waiting).await.map_err(failed)?;
    let example = ids.first().unwrap_or(first).clone();
    let done = replayer.discard(&ids, BY, reason).await.map_err(failed)?;
    let asked = done.first().unwrap_or(&example);
    match get(&*replayer.archive, asked).await?.map(|letter| letter.state) {
        Some(DeadLetterState::Discarded { at, reason: why, .. }) if why == reason => Ok(at),
        Some(_) => Err(ActionError::Changed),
        None => Err(ActionError::Gone),
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
