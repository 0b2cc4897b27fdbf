//! Replays: putting dead letters back, until each is stored or back in the archive.

use crate::Timestamp;
use crate::ids::{MessageId, ReplayId};
use serde::{Deserialize, Serialize};

/// The progress of a replay.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReplayState {
    /// Messages are still to be put back, or have not ended yet.
    Running,
    /// Each message is stored or back.
    Ended,
}

/// The state of one message of a replay.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, strum::IntoStaticStr)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum ReplayItemState {
    /// Not put back yet.
    Waiting,
    /// Put back; not ended.
    Sent,
    /// Its event is in the store.
    Stored,
    /// It failed again and is back in the archive.
    Returned,
}

impl ReplayItemState {
    /// The name on the wire, such as `returned`.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// One message of a replay.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReplayItem {
    /// The dead letter.
    pub dead_letter: MessageId,
    /// Its state.
    pub state: ReplayItemState,
    /// When it entered that state.
    pub at: Timestamp,
}

/// A message that a replay put back long ago and that has not ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Overdue {
    /// The replay.
    pub replay_id: ReplayId,
    /// The dead letter.
    pub dead_letter: MessageId,
}

/// A replay with its counts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Replay {
    /// Its id.
    pub id: ReplayId,
    /// Who started it.
    pub by: String,
    /// When.
    pub started_at: Timestamp,
    /// When its last message ended.
    pub ended_at: Option<Timestamp>,
    /// Its progress.
    pub state: ReplayState,
    /// Messages not put back yet.
    pub waiting: u64,
    /// Messages put back that have not ended.
    pub sent: u64,
    /// Messages whose event is in the store.
    pub stored: u64,
    /// Messages that failed again.
    pub returned: u64,
    /// Why it can't continue at the moment, if so; it is retried. The command line's JSON has it as `trouble`.
    #[serde(rename = "trouble")]
    pub error: Option<String>,
}

impl Replay {
    /// All its messages.
    pub fn total(&self) -> u64 {
        self.waiting + self.sent + self.stored + self.returned
    }
}
