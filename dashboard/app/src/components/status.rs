//! How things are, in a sentence or in a word.

use super::{Icon, Sign};
use leptos::prelude::*;

/// What a state means for the reader. The only things that are red, amber or green.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::IntoStaticStr)]
#[strum(serialize_all = "lowercase")]
pub enum Tone {
    /// All is well.
    Good,
    /// It needs attention, in business hours.
    Warning,
    /// Something is wrong now.
    Bad,
    /// Under way.
    Busy,
    /// Just so.
    Neutral,
    /// Nothing known.
    Unknown,
}

impl Tone {
    /// As it stands in `data-tone`.
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

/// The sentence that a page opens with: how things are, with the number that proves it.
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

/// A state in a word, with its sign.
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
