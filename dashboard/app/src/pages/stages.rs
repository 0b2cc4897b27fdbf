//! What pages say about a stage of the pipeline: how it is, and where to read more.

use crate::components::{Sign, Tone};
use crate::context::Page;
use spillway_dashboard_model::catalogue::Stage;
use spillway_dashboard_model::flow::{FlowSnapshot, Sentence, State, Target};

/// The tone of a state.
pub(super) fn tone(state: State) -> Tone {
    match state {
        State::Ok => Tone::Good,
        State::Warn => Tone::Warning,
        State::Bad => Tone::Bad,
    }
}

/// The sign and the word that stand beside a tone's colour.
pub(super) fn sign(tone: Tone) -> (Sign, &'static str) {
    match tone {
        Tone::Good => (Sign::Check, "as it should be"),
        Tone::Warning => (Sign::Warning, "somebody should look"),
        Tone::Bad => (Sign::Cross, "in trouble"),
        Tone::Busy => (Sign::Clock, "under way"),
        Tone::Neutral | Tone::Unknown => (Sign::Question, "not known"),
    }
}

/// A link to the metrics of a stage, about the page's range. `anchor` is the key of a chart, or empty.
pub(super) fn metrics(page: &Page, stage: Stage, anchor: &str) -> String {
    let href = page.href("/metrics", &format!("stage={}", stage.slug()));
    if anchor.is_empty() { href } else { format!("{href}#{anchor}") }
}

/// A link to the evidence for a sentence. Dead letters wait however old they are, so their link has no range.
pub(super) fn target(page: &Page, target: &Target) -> String {
    match target {
        Target::Metrics(stage) => metrics(page, *stage, ""),
        Target::DeadLetters(_) | Target::Replays => target.path(),
    }
}

/// A link to all dead letters that were archived in the page's range, whatever became of them.
pub(super) fn dead_letters_of_range(page: &Page) -> String {
    format!("/dead-letters?state=all&{}", page.range.to_query())
}

/// What is said about a stage, the most serious first. The first sentence of a summary is about the whole pipeline.
pub(super) fn about(stage: Stage, sentences: &[Sentence]) -> Vec<&Sentence> {
    // The archiver's trouble shows in the dead letter queue.
    let is_about = |target: &Target| match target {
        Target::Metrics(of) => *of == stage || (stage == Stage::Dlq && *of == Stage::Archiver),
        _ => false,
    };
    sentences.iter().skip(1).filter(|sentence| is_about(&sentence.target)).collect()
}

/// How a stage is: as bad as the worst that is said about it.
pub(super) fn health(stage: Stage, flow: &FlowSnapshot, sentences: &[Sentence]) -> Tone {
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
    fn links_keep_the_range_but_for_what_waits() {
        let page = Page::of("/", "range=1h", "", "2026-03-10T12:00:00Z".parse().unwrap());
        assert_eq!(
            metrics(&page, Stage::Consumer, "receive-count"),
            "/metrics?range=1h&stage=consumer#receive-count"
        );
        assert_eq!(target(&page, &Target::DeadLetters(None)), "/dead-letters");
        assert_eq!(dead_letters_of_range(&page), "/dead-letters?state=all&range=1h");
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
        assert_eq!(about(Stage::Dlq, &all).len(), 1, "what the archiver leaves is in the queue");
    }
}
