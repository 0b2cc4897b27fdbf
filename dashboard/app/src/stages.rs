//! The health of the pipeline's stages.

use crate::components::{Sign, Tone};
use spillway_dashboard_model::catalogue::Stage;
use spillway_dashboard_model::flow::{FlowSnapshot, Sentence, State, Target, VerdictState};

pub(crate) fn tone(state: State) -> Tone {
    match state {
        State::Ok => Tone::Good,
        State::Warn => Tone::Warning,
        State::Bad => Tone::Bad,
    }
}

/// The tone of a verdict: it has one colour, that of its state.
pub(crate) fn verdict_tone(state: VerdictState) -> Tone {
    match state {
        VerdictState::Healthy => Tone::Good,
        VerdictState::Recovering => Tone::Busy,
        VerdictState::Degrading => Tone::Warning,
        VerdictState::Failing => Tone::Bad,
    }
}

/// The word of a verdict.
pub(crate) fn verdict_word(state: VerdictState) -> &'static str {
    match state {
        VerdictState::Healthy => "Healthy",
        VerdictState::Recovering => "Recovering",
        VerdictState::Degrading => "Degrading",
        VerdictState::Failing => "Failing",
    }
}

/// The icon and the word beside a tone's colour.
pub(crate) fn sign(tone: Tone) -> (Sign, &'static str) {
    match tone {
        Tone::Good => (Sign::Check, "OK"),
        Tone::Warning => (Sign::Warning, "Needs attention"),
        Tone::Bad => (Sign::Cross, "Failing"),
        Tone::Busy => (Sign::Clock, "In progress"),
        Tone::Neutral | Tone::Unknown => (Sign::Question, "Unknown"),
    }
}

/// The sentences about a stage, the most serious first. The first sentence of a summary is about the whole pipeline.
pub(crate) fn about(stage: Stage, sentences: &[Sentence]) -> Vec<&Sentence> {
    // Failures of the archiver show in the dead letter queue.
    let is_about = |target: &Target| match target {
        Target::Metrics(of) => *of == stage || (stage == Stage::Dlq && *of == Stage::Archiver),
        _ => false,
    };
    sentences.iter().skip(1).filter(|sentence| is_about(&sentence.target)).collect()
}

/// The health of a stage: that of its most serious sentence.
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
    fn the_first_sentence_belongs_to_no_stage() {
        let all = [
            sentence(State::Bad, Target::Metrics(Stage::Queue)),
            sentence(State::Warn, Target::Metrics(Stage::Archiver)),
            sentence(State::Warn, Target::DeadLetters(None)),
        ];
        assert!(about(Stage::Queue, &all).is_empty());
        assert_eq!(about(Stage::Archiver, &all).len(), 1);
        assert_eq!(
            about(Stage::Dlq, &all).len(),
            1,
            "dead letters that the archiver leaves stay in the queue"
        );
    }
}
