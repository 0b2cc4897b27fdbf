//! A state, as a sentence or a word.

use super::{Icon, Sign};
use leptos::prelude::*;

/// The meaning of a state for the reader. Only tones are red, amber or green.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::IntoStaticStr)]
#[strum(serialize_all = "lowercase")]
pub enum Tone {
    /// OK.
    Good,
    /// It needs attention, in business hours.
    Warning,
    /// It needs attention now.
    Bad,
    /// In progress.
    Busy,
    /// No judgement.
    Neutral,
    /// Unknown.
    Unknown,
}

impl Tone {
    /// The value of `data-tone`.
    pub fn name(self) -> &'static str {
        self.into()
    }

    fn sign(self) -> Option<Sign> {
        match self {
            Self::Good => Some(Sign::Check),
            Self::Warning => Some(Sign::Warning),
            Self::Bad => Some(Sign::Cross),
            Self::Busy => Some(Sign::Clock),
            Self::Unknown => Some(Sign::Question),
            Self::Neutral => None,
        }
    }
}

/// The verdict: the first sentence of a page, with the number that proves it.
#[component]
pub fn StatusSentence(
    /// What it means.
    tone: Tone,
    /// The sentence.
    children: Children,
) -> impl IntoView {
    view! {
        <div class="status" data-tone=tone.name()>
            {tone.sign().map(|sign| view! { <Icon sign=sign /> })}
            <p class="status-sentence">{children()}</p>
        </div>
    }
}

/// A state in a word, with its icon.
#[component]
pub fn Badge(
    /// What it means.
    tone: Tone,
    /// The word.
    #[prop(into)]
    text: String,
) -> impl IntoView {
    view! {
        <span class="badge" data-tone=tone.name()>
            {tone.sign().map(|sign| view! { <Icon sign=sign /> })}
            {text}
        </span>
    }
}
