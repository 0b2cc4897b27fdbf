//! Replays in words.

use crate::components::Tone;
use spillway_core::replay::{Replay, ReplayItemState, ReplayState};
use spillway_dashboard_words::{counted, grouped};

/// The state of a replay, in a sentence with its numbers.
pub fn sentence(replay: &Replay) -> String {
    let total = replay.total();
    let messages = counted(total, "message", "messages");
    match (replay.state, replay.returned) {
        (ReplayState::Ended, 0) if total == 1 => "The message is stored.".to_owned(),
        (ReplayState::Ended, 0) => format!("All {} are stored.", grouped(total)),
        (ReplayState::Ended, _) if total == 1 => {
            "The message failed again and is back among the dead letters.".to_owned()
        }
        (ReplayState::Ended, returned) if returned == total => {
            format!("All {messages} failed again and are back among the dead letters.")
        }
        (ReplayState::Ended, returned) => {
            let back = if returned == 1 { "is back" } else { "are back" };
            format!(
                "{} of {messages} are stored; {} failed again and {back} among the dead letters.",
                grouped(replay.stored),
                grouped(returned)
            )
        }
        (ReplayState::Running, returned) => {
            let mut parts = vec![format!("{} of {messages} stored", grouped(replay.stored))];
            if replay.sent > 0 {
                parts.push(format!("{} in progress", grouped(replay.sent)));
            }
            if replay.waiting > 0 {
                parts.push(format!("{} still to be put back", grouped(replay.waiting)));
            }
            if returned > 0 {
                parts.push(format!("{} failed again", grouped(returned)));
            }
            format!("Running: {}.", parts.join(", "))
        }
    }
}

pub fn tone(replay: &Replay) -> Tone {
    match (replay.state, replay.returned, replay.stored) {
        (ReplayState::Running, ..) if replay.error.is_some() => Tone::Warning,
        (ReplayState::Running, ..) => Tone::Busy,
        (ReplayState::Ended, 0, _) => Tone::Good,
        (ReplayState::Ended, _, 0) => Tone::Bad,
        (ReplayState::Ended, ..) => Tone::Warning,
    }
}

/// Its state in a word.
pub fn label(replay: &Replay) -> &'static str {
    match (replay.state, replay.returned) {
        (ReplayState::Running, _) if replay.error.is_some() => "blocked",
        (ReplayState::Running, _) => "running",
        (ReplayState::Ended, 0) => "all stored",
        (ReplayState::Ended, returned) if returned == replay.total() => "all failed again",
        (ReplayState::Ended, _) => "some failed again",
    }
}

/// The state of one message.
pub fn item(state: ReplayItemState) -> (Tone, &'static str) {
    match state {
        ReplayItemState::Waiting => (Tone::Neutral, "waiting"),
        ReplayItemState::Sent => (Tone::Busy, "in progress"),
        ReplayItemState::Stored => (Tone::Good, "stored"),
        ReplayItemState::Returned => (Tone::Bad, "failed again"),
    }
}

/// The verdict of the list.
pub fn list_sentence(replays: &[Replay]) -> String {
    let running = replays.iter().filter(|replay| replay.state == ReplayState::Running).count() as u64;
    match running {
        0 => "No replay is running.".to_owned(),
        1 => "1 replay is running.".to_owned(),
        count => format!("{} replays are running.", grouped(count)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::Timestamp;

    fn replay(state: ReplayState, [waiting, sent, stored, returned]: [u64; 4]) -> Replay {
        Replay {
            id: "r".into(),
            by: "ann".into(),
            started_at: Timestamp::UNIX_EPOCH,
            ended_at: None,
            state,
            waiting,
            sent,
            stored,
            returned,
            error: None,
        }
    }

    #[test]
    fn an_ended_replay_has_its_result() {
        let say = |counts| sentence(&replay(ReplayState::Ended, counts));
        assert_eq!(say([0, 0, 1, 0]), "The message is stored.");
        assert_eq!(say([0, 0, 3, 0]), "All 3 are stored.");
        assert_eq!(say([0, 0, 0, 1]), "The message failed again and is back among the dead letters.");
        assert_eq!(say([0, 0, 0, 3]), "All 3 messages failed again and are back among the dead letters.");
        assert_eq!(
            say([0, 0, 2, 1]),
            "2 of 3 messages are stored; 1 failed again and is back among the dead letters."
        );
    }

    #[test]
    fn a_running_replay_has_its_progress() {
        let say = |counts| sentence(&replay(ReplayState::Running, counts));
        assert_eq!(say([3, 0, 0, 0]), "Running: 0 of 3 messages stored, 3 still to be put back.");
        assert_eq!(
            say([1, 2, 1_000, 1]),
            "Running: 1,000 of 1,004 messages stored, 2 in progress, 1 still to be put back, 1 failed again."
        );
    }

    #[test]
    fn an_error_is_shown_while_it_lasts() {
        let mut blocked = replay(ReplayState::Running, [1, 0, 0, 0]);
        assert_eq!((tone(&blocked), label(&blocked)), (Tone::Busy, "running"));
        blocked.error = Some("the queue accepts no messages".into());
        assert_eq!((tone(&blocked), label(&blocked)), (Tone::Warning, "blocked"));
    }

    #[test]
    fn the_list_counts_running_replays() {
        let ended = replay(ReplayState::Ended, [0, 0, 1, 0]);
        let running = replay(ReplayState::Running, [1, 0, 0, 0]);
        assert_eq!(list_sentence(std::slice::from_ref(&ended)), "No replay is running.");
        assert_eq!(list_sentence(&[ended, running.clone(), running]), "2 replays are running.");
    }
}
