//! Properties of one item, as terms and values.

use leptos::prelude::*;

/// One term with its value.
pub struct Fact {
    term: String,
    value: AnyView,
    has_code_term: bool,
    has_code_value: bool,
}

impl Fact {
    /// A fact with a value in the normal font.
    pub fn new(term: impl Into<String>, value: impl IntoAny) -> Self {
        Self { term: term.into(), value: value.into_any(), has_code_term: false, has_code_value: false }
    }

    /// A value in a monospaced font, such as an id.
    pub fn code(term: impl Into<String>, value: impl IntoAny) -> Self {
        Self { has_code_value: true, ..Self::new(term, value) }
    }

    /// A name and a value, both in a monospaced font.
    pub fn attribute(name: impl Into<String>, value: impl IntoAny) -> Self {
        Self { has_code_term: true, ..Self::code(name, value) }
    }
}

/// A list of terms and values.
#[component]
pub fn Facts(facts: Vec<Fact>) -> impl IntoView {
    let facts = facts.into_iter().map(|Fact { term, value, has_code_term, has_code_value }| {
        let term = match has_code_term {
            true => view! { <dt class="mono">{term}</dt> }.into_any(),
            false => view! { <dt>{term}</dt> }.into_any(),
        };
        let value = match has_code_value {
            true => view! { <dd class="mono">{value}</dd> }.into_any(),
            false => view! { <dd>{value}</dd> }.into_any(),
        };
        (term, value)
    });
    view! { <dl class="details">{facts.collect::<Vec<_>>()}</dl> }
}
