//! The history of one dead letter, in order.

use crate::{components::Tone, words::class_label};
use jiff::Timestamp;
use spillway_core::{
    dead_letter::{DeadLetter, DeadLetterState},
    failure::Failure,
    ids::ReplayId,
    ports::AuditEntry,
};
use spillway_dashboard_words::counted;

/// One step of the history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Its time; `None` if it was not recorded.
    pub at: Option<Timestamp>,
    /// Its meaning for the reader.
    pub tone: Tone,
    /// Its title, in a few words.
    pub title: String,
    /// Details, if any.
    pub notes: Vec<Note>,
}

/// Details of a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Note {
    /// A sentence.
    Text(String),
    /// A message from a program, shown as a quotation.
    Quote(String),
    /// The replay it belongs to.
    Replay(ReplayId),
    /// The time of the first and of the last repetition.
    Between(Timestamp, Timestamp),
}

impl Step {
    /// A step without details.
    pub fn new(at: Timestamp, tone: Tone, title: impl Into<String>) -> Self {
        Self { at: Some(at), tone, title: title.into(), notes: Vec::new() }
    }

    /// The same with a sentence below it.
    pub fn text(self, text: impl Into<String>) -> Self {
        self.note(Note::Text(text.into()))
    }

    fn note(mut self, note: Note) -> Self {
        self.notes.push(note);
        self
    }
}

/// The whole history of a dead letter, oldest first. `audit` has the operators' actions, in any order.
pub fn steps(letter: &DeadLetter, audit: &[AuditEntry]) -> Vec<Step> {
    let mut steps = vec![Step::new(letter.first_sent_at, Tone::Neutral, "Accepted")];
    let mut failures = letter.failures.as_slice();
    for (round, replay) in letter.replays.iter().enumerate() {
        // The failures before this replay put the message back. Failures are in order, oldest first.
        let began = |failure: &Failure| failure.first_at.as_millisecond();
        let sent = replay.sent_at.as_millisecond();
        let before = failures.iter().take_while(|failure| began(failure) < sent).count();
        let (earlier, later) = failures.split_at(before);
        failures = later;
        steps.extend(earlier.iter().map(attempt));
        if round == 0 {
            // The time of the first archiving and the receives are overwritten when the message comes back.
            let is_known = letter.generation == 0;
            steps.extend(dead_letter_queue(earlier, is_known.then_some(letter.receive_count)));
            let at = is_known.then_some(letter.archived_at);
            steps.push(Step { at, tone: Tone::Warning, title: "Archived".into(), notes: Vec::new() });
        }
        let put_back = Step::new(replay.sent_at, Tone::Busy, "Replay started");
        steps.push(put_back.note(Note::Replay(replay.replay_id.clone())));
        let Some(ended_at) = replay.ended_at else { continue };
        if replay.stored == Some(true) {
            steps.push(Step::new(ended_at, Tone::Good, "Stored"));
        } else {
            let ended = ended_at.as_millisecond();
            let (again, later) =
                failures.split_at(failures.iter().take_while(|failure| began(failure) <= ended).count());
            failures = later;
            steps.extend(again.iter().map(attempt));
            steps.push(Step::new(ended_at, Tone::Bad, "Failed again, back in the archive"));
        }
    }
    if letter.replays.is_empty() {
        steps.extend(failures.iter().map(attempt));
        steps.extend(dead_letter_queue(failures, Some(letter.receive_count)));
        steps.push(Step::new(letter.archived_at, Tone::Warning, "Archived"));
    } else {
        steps.extend(failures.iter().map(attempt));
    }
    steps.extend(decisions(letter, audit));
    sort(&mut steps);
    steps
}

/// Attempts that ended with the same failure.
pub fn attempt(failure: &Failure) -> Step {
    let title = match failure.count {
        1 => "An attempt failed".to_owned(),
        count => format!("{} failed", counted(count.into(), "attempt", "attempts")),
    };
    let class = class_label(failure.class);
    let mut step = Step::new(failure.first_at, Tone::Bad, format!("{title}: {}", lower(class)));
    step = step.note(Note::Quote(failure.message.clone()));
    if failure.count > 1 {
        step = step.note(Note::Between(failure.first_at, failure.last_at));
    }
    step.note(Note::Text(format!("Consumer version {}", failure.version)))
}

/// Class labels begin with a capital. Inside a sentence they do not, except names.
fn lower(label: &str) -> String {
    let mut letters = label.chars();
    letters.next().map_or_else(String::new, |first| first.to_lowercase().chain(letters).collect())
}

fn dead_letter_queue(failures: &[Failure], receives: Option<u32>) -> Option<Step> {
    let last = failures.last()?;
    let step = Step::new(last.last_at, Tone::Warning, "Moved to the dead letter queue");
    Some(match receives {
        Some(count) => {
            step.note(Note::Text(format!("After {}", counted(count.into(), "receive", "receives"))))
        }
        None => step,
    })
}

/// Discards and restores, from the audit log. The current discard is listed even if the log lacks it.
fn decisions(letter: &DeadLetter, audit: &[AuditEntry]) -> Vec<Step> {
    let mut steps: Vec<Step> = audit
        .iter()
        .filter(|entry| ["discard", "restore"].contains(&entry.action.as_str()))
        .map(|entry| {
            let title = if entry.action == "discard" { "Discarded" } else { "Restored" };
            let step = Step::new(entry.at, Tone::Neutral, format!("{title} by {}", entry.by));
            if entry.detail.is_empty() { step } else { step.note(Note::Quote(entry.detail.clone())) }
        })
        .collect();
    if let DeadLetterState::Discarded { by, reason, at } = &letter.state
        && !audit
            .iter()
            .any(|entry| entry.action == "discard" && entry.at.as_millisecond() >= at.as_millisecond())
    {
        let step = Step::new(*at, Tone::Neutral, format!("Discarded by {by}"));
        steps.push(step.note(Note::Quote(reason.clone())));
    }
    steps
}

/// Sorts by time in milliseconds, because some times are stored no finer. Steps within one millisecond keep their
/// logical order. A step without a time stays after the step before it.
fn sort(steps: &mut [Step]) {
    let mut last = i64::MIN;
    let mut keys = Vec::with_capacity(steps.len());
    for step in steps.iter() {
        last = step.at.map_or(last, Timestamp::as_millisecond);
        keys.push(last);
    }
    let mut keyed: Vec<(i64, Step)> = keys.into_iter().zip(steps.iter().cloned()).collect();
    keyed.sort_by_key(|(at, _)| *at);
    for (place, (_, step)) in steps.iter_mut().zip(keyed) {
        *place = step;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use spillway_core::{dead_letter::ReplayTrace, failure::FailureClass};
    use spillway_testkit::letters::{self, dead_letter};

    fn at(minute: i64) -> Timestamp {
        Timestamp::from_second(minute * 60).unwrap()
    }

    fn failure(class: FailureClass, count: u32, from: i64, to: i64) -> Failure {
        Failure { count, last_at: at(to), ..letters::failure(class, "why", at(from)) }
    }

    fn letter(failures: Vec<Failure>, replays: Vec<ReplayTrace>) -> DeadLetter {
        let letter = dead_letter("m", "e", failure(FailureClass::Schema, 1, 0, 100));
        let generation = replays.len() as u32;
        DeadLetter { first_sent_at: at(0), receive_count: 20, generation, failures, replays, ..letter }
    }

    fn titles(steps: &[Step]) -> Vec<&str> {
        steps.iter().map(|step| step.title.as_str()).collect()
    }

    #[test]
    fn a_first_failure_leads_from_attempts_to_the_archive() {
        let steps = steps(&letter(vec![failure(FailureClass::StoreThrottled, 20, 1, 90)], Vec::new()), &[]);
        let expected =
            ["Accepted", "20 attempts failed: store throttled", "Moved to the dead letter queue", "Archived"];
        assert_eq!(titles(&steps), expected);
        assert!(steps[1].notes.contains(&Note::Between(at(1), at(90))));
        assert_eq!(steps[2].notes, [Note::Text("After 20 receives".into())]);
    }

    #[test]
    fn each_failure_is_listed_with_its_replay() {
        let replay = |sent: i64, ended: Option<i64>, stored| ReplayTrace {
            replay_id: "r".into(),
            sent_at: at(sent),
            ended_at: ended.map(at),
            stored,
        };
        let failures =
            vec![failure(FailureClass::Schema, 1, 1, 1), failure(FailureClass::TooLarge, 1, 51, 51)];
        let replays = vec![replay(50, Some(60), Some(false)), replay(70, Some(80), Some(true))];
        let steps = steps(&letter(failures, replays), &[]);
        let expected = [
            "Accepted",
            "An attempt failed: breaks its schema",
            "Moved to the dead letter queue",
            "Archived",
            "Replay started",
            "An attempt failed: too large",
            "Failed again, back in the archive",
            "Replay started",
            "Stored",
        ];
        assert_eq!(titles(&steps), expected);
        assert_eq!(steps[3].at, None, "the time of the first archiving is lost");
    }

    #[test]
    fn a_letter_that_never_came_back_keeps_the_time_of_its_archiving() {
        let replay = ReplayTrace {
            replay_id: "r".into(),
            sent_at: at(150),
            ended_at: Some(at(151)),
            stored: Some(true),
        };
        let stored = DeadLetter {
            generation: 0,
            ..letter(vec![failure(FailureClass::Schema, 1, 1, 1)], vec![replay])
        };
        let steps = steps(&stored, &[]);
        assert_eq!(titles(&steps)[3..], ["Archived", "Replay started", "Stored"]);
        assert_eq!(
            (steps[3].at, &steps[2].notes),
            (Some(at(100)), &vec![Note::Text("After 20 receives".into())])
        );
    }

    #[test]
    fn times_with_less_precision_keep_the_order() {
        let mut letter = letter(vec![failure(FailureClass::Schema, 1, 0, 0)], Vec::new());
        letter.archived_at = at(0);
        letter.failures[0].first_at = at(0) + jiff::SignedDuration::from_micros(700);
        letter.failures[0].last_at = letter.failures[0].first_at;
        let titles: Vec<String> = steps(&letter, &[]).into_iter().map(|step| step.title).collect();
        assert_eq!(
            titles[1..],
            ["An attempt failed: breaks its schema", "Moved to the dead letter queue", "Archived"]
        );
    }

    #[test]
    fn decisions_are_ordered_by_time_among_other_steps() {
        let entry = |minute, action: &str, detail: &str| AuditEntry {
            at: at(minute),
            by: "ann".into(),
            action: action.into(),
            subject: "m".into(),
            detail: detail.into(),
        };
        let audit = [entry(130, "restore", ""), entry(120, "discard", "a test"), entry(125, "other", "")];
        let steps = steps(&letter(vec![failure(FailureClass::Schema, 1, 1, 1)], Vec::new()), &audit);
        assert_eq!(titles(&steps)[4..], ["Discarded by ann", "Restored by ann"]);
        assert_eq!(steps[4].notes, [Note::Quote("a test".into())]);
    }

    #[test]
    fn a_discard_is_reported_once() {
        let mut letter = letter(Vec::new(), Vec::new());
        letter.state = DeadLetterState::Discarded { by: "ann".into(), reason: "old".into(), at: at(120) };
        assert_eq!(titles(&steps(&letter, &[])), ["Accepted", "Archived", "Discarded by ann"]);
        let noted = AuditEntry {
            at: at(120),
            by: "ann".into(),
            action: "discard".into(),
            subject: "m".into(),
            detail: "old".into(),
        };
        assert_eq!(titles(&steps(&letter, &[noted])).len(), 3);
    }
}
