//! The snapshot in sentences: whether events are lost, where they are stuck, what to do.

pub(super) mod events;
pub(super) mod host;
pub(super) mod stages;

use super::verdict::Troubles;
use super::{FlowSnapshot, Phrase};
use crate::catalogue::Stage;
use spillway_core::ids::Fingerprint;

/// The severity of a sentence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// OK.
    Ok,
    /// It needs attention in business hours.
    Warn,
    /// It needs attention now.
    Bad,
}

/// The page with the evidence for a sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// The metrics of a stage.
    Metrics(Stage),
    /// The dead letters that wait, all or those with one fingerprint.
    DeadLetters(Option<Fingerprint>),
    /// The replays.
    Replays,
}

impl Target {
    /// The path of the page.
    pub fn path(&self) -> String {
        match self {
            Self::Metrics(stage) => format!("/metrics?stage={}", stage.slug()),
            Self::DeadLetters(None) => "/dead-letters".to_owned(),
            Self::DeadLetters(Some(fingerprint)) => format!("/dead-letters?group={fingerprint}"),
            Self::Replays => "/replays".to_owned(),
        }
    }
}

/// One sentence of the summary.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sentence {
    /// Its severity.
    pub state: State,
    /// The fact, with the number that proves it.
    pub text: Phrase,
    /// What to do, if anything.
    pub todo: Option<String>,
    /// The evidence.
    pub target: Target,
}

impl Sentence {
    fn new(state: State, text: impl Into<Phrase>, target: Target) -> Self {
        Self { state, text: text.into(), todo: None, target }
    }

    fn todo(self, todo: impl Into<String>) -> Self {
        Self { todo: Some(todo.into()), ..self }
    }
}

/// The most serious state among sentences.
pub fn overall(sentences: &[Sentence]) -> State {
    sentences.iter().map(|sentence| sentence.state).max().unwrap_or(State::Ok)
}

/// The summary. The first sentence says whether events are lost, with the state of the most serious sentence. While nothing
/// can be written, it says that before. The others follow, the most serious first. Without problems there is only the first.
pub fn summary(flow: &FlowSnapshot) -> Vec<Sentence> {
    let waiting = [events::dlq_stuck, events::countdown, events::queue].map(|say| say(flow));
    let mut rest: Vec<Sentence> = waiting.into_iter().flatten().collect();
    let troubles = Troubles::of(flow);
    if troubles.as_ref().is_some_and(Troubles::is_storing_again) {
        // What waits is stored at its next attempt: no action is needed.
        for waiting in &mut rest {
            if waiting.target != Target::Metrics(Stage::Archiver) {
                waiting.state = State::Ok;
                waiting.todo = Some("Storing works again: each is stored at its next attempt.".to_owned());
            }
        }
    }
    match (&troubles, &flow.activity) {
        (Some(troubles), activity) => rest.extend(stages::judged(flow, troubles, activity.as_ref())),
        (None, Some(activity)) => rest.extend(stages::averages(activity, flow)),
        (None, None) => {}
    }
    rest.extend(events::stale(flow));
    rest.extend(host::clock(flow));
    rest.extend(events::schemas(flow));
    rest.extend(events::astray(flow));
    rest.extend(events::dead_lettered(flow));
    rest.extend(events::replaying(flow));
    rest.extend(events::foreign(flow));
    // The sort is stable: within a severity, sentences nearest to a loss come first, and what may be long over last.
    rest.sort_by_key(|sentence| std::cmp::Reverse(sentence.state));
    let accounted = events::accounted(flow);
    let accounted = host::disk(flow, &accounted).unwrap_or(accounted);
    let state = accounted.state.max(overall(&rest));
    rest.insert(0, Sentence { state, ..accounted });
    rest
}

#[cfg(test)]
pub(super) mod tests;
