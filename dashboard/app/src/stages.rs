//! The health of the pipeline's stages.

use crate::components::{Sign, Tone};
use spillway_dashboard_model::flow::{Health, State, VerdictState};

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

/// The tone of a stage's health.
pub(crate) fn health_tone(health: Health) -> Tone {
    match health {
        Health::Good => Tone::Good,
        Health::Unknown => Tone::Unknown,
        Health::Recovering => Tone::Busy,
        Health::HeldUp | Health::Degrading => Tone::Warning,
        Health::Failing => Tone::Bad,
    }
}
