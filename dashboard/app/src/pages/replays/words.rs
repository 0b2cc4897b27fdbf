//! Replays in words.

use crate::components::Tone;
use jiff::Timestamp;
use spillway_core::replay::{Replay, ReplayItemState, ReplayState};
use spillway_dashboard_model::flow::{Passage, Phrase, ReplayPath};
use spillway_dashboard_words::{counted, duration, grouped};

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

/// A replay without an end of a message for this time makes no progress, in seconds. The first retry comes after five.
const STALLED_S: i64 = 15;

/// Why a replay makes no progress; `None` if it does. `last_end` is when its last message ended, if that is known.
pub fn stalled(
    replay: &Replay,
    last_end: Option<Timestamp>,
    path: &ReplayPath,
    now: Timestamp,
) -> Option<Phrase> {
    if replay.state == ReplayState::Ended {
        return None;
    }
    let idle_s = last_end.map(|at| now.as_second() - at.as_second());
    let is_stalled = idle_s.is_some_and(|idle| idle >= STALLED_S);
    let start = match idle_s {
        Some(idle) if is_stalled => format!("No progress for {}: ", duration(idle as f64)),
        _ if path.passage == Passage::Closed => "No progress: ".to_owned(),
        _ => return None,
    };
    let phrase = Phrase::new(start);
    Some(match (path.passage, path.reasons.first(), replay.waiting) {
        (Passage::Open, _, 0) | (_, None, 0) => {
            phrase.text("its messages are in the queue and wait for their next attempt.")
        }
        (Passage::Open, _, _) | (_, None, _) => {
            phrase.text("nothing puts its messages back. Is the pipeline running?")
        }
        (_, Some(why), _) => {
            let mut phrase = phrase;
            phrase.0.extend(why.0.clone());
            phrase.text(" Each message is retried automatically.")
        }
    })
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
    fn a_replay_without_progress_says_why() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let path = |passage, why: &[&str]| ReplayPath {
            passage,
            reasons: why.iter().map(|why| Phrase::new(*why)).collect(),
        };
        let sent = replay(ReplayState::Running, [0, 231, 0, 0]);
        let say = |last_end: Option<i64>, path: &ReplayPath| {
            stalled(&sent, last_end.map(at), path, at(100)).map(|why| why.to_string())
        };
        let closed = path(Passage::Closed, &["Nothing stored since 19:18: every write to the table fails."]);
        let text = "No progress for 40 s: Nothing stored since 19:18: every write to the table fails. Each message is retried \
                    automatically.";
        assert_eq!(say(Some(60), &closed).unwrap(), text);
        assert!(
            say(None, &closed).unwrap().starts_with("No progress: Nothing stored"),
            "also without a time"
        );
        let open = path(Passage::Open, &[]);
        assert_eq!(say(Some(95), &open), None, "five seconds are normal");
        assert!(say(Some(60), &open).unwrap().contains("wait for their next attempt"));
        let ended = replay(ReplayState::Ended, [0, 0, 3, 0]);
        assert_eq!(stalled(&ended, Some(at(0)), &closed, at(100)), None);
    }

    #[test]
    fn the_list_counts_running_replays() {
        let ended = replay(ReplayState::Ended, [0, 0, 1, 0]);
        let running = replay(ReplayState::Running, [1, 0, 0, 0]);
        assert_eq!(list_sentence(std::slice::from_ref(&ended)), "No replay is running.");
        assert_eq!(list_sentence(&[ended, running.clone(), running]), "2 replays are running.");
    }
}
