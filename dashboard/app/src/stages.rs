//! What pages say about the health of a stage of the pipeline.

use crate::components::{Sign, Tone};
use spillway_dashboard_model::catalogue::Stage;
use spillway_dashboard_model::flow::{FlowSnapshot, Sentence, State, Target};

/// The tone of a state.
pub(crate) fn tone(state: State) -> Tone {
    match state {
        State::Ok => Tone::Good,
        State::Warn => Tone::Warning,
        State::Bad => Tone::Bad,
    }
}

/// The sign and the word that stand beside a tone's colour.
pub(crate) fn sign(tone: Tone) -> (Sign, &'static str) {
    match tone {
        Tone::Good => (Sign::Check, "OK"),
        Tone::Warning => (Sign::Warning, "Needs attention"),
        Tone::Bad => (Sign::Cross, "Failing"),
        Tone::Busy => (Sign::Clock, "In progress"),
        Tone::Neutral | Tone::Unknown => (Sign::Question, "Unknown"),
    }
}

/// What is said about a stage, the most serious first. The first sentence of a summary is about the whole pipeline.
pub(crate) fn about(stage: Stage, sentences: &[Sentence]) -> Vec<&Sentence> {
    // The archiver's failures show in the dead letter queue.
    let is_about = |target: &Target| match target {
        Target::Metrics(of) => *of == stage || (stage == Stage::Dlq && *of == Stage::Archiver),
        _ => false,
    };
    sentences.iter().skip(1).filter(|sentence| is_about(&sentence.target)).collect()
}

/// The health of a stage: as bad as the worst that is said about it.
pub(crate) fn health(stage: Stage, flow: &FlowSnapshot, sentences: &[Sentence]) -> Tone {
    match about(stage, sentences).iter().map(|sentence| sentence.state).max() {
        Some(state) => tone(state),
        None if flow.activity.is_none() && !matches!(stage, Stage::Queue | Stage::Dlq) => Tone::Unknown,
        None => Tone::Good,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sentence(state: State, target: Target) -> Sentence {
        Sentence { state, text: String::new(), todo: None, target }
    }

    #[test]
    fn the_first_sentence_is_about_no_stage() {
        let all = [
            sentence(State::Bad, Target::Metrics(Stage::Queue)),
            sentence(State::Warn, Target::Metrics(Stage::Archiver)),
            sentence(State::Warn, Target::DeadLetters(None)),
        ];
        assert!(about(Stage::Queue, &all).is_empty());
        assert_eq!(about(Stage::Archiver, &all).len(), 1);
        assert_eq!(about(Stage::Dlq, &all).len(), 1, "what the archiver leaves stays in the queue");
    }
}
