//! A sentence of the model, with times in the reader's zone and numbers that are marked.

use super::Time;
use leptos::prelude::*;
use spillway_dashboard_model::flow::{Part, Phrase};
use spillway_dashboard_words::grouped;

/// A sentence. A number that may be on the page a second time has its name in `data-fact`: both must be the same.
pub(crate) fn phrase(phrase: &Phrase) -> AnyView {
    let part = |part: &Part| match part {
        Part::Text(text) => text.clone().into_any(),
        Part::Time(at) => view! { <Time at=*at absolute=true /> }.into_any(),
        Part::Moment(fact, at) => {
            view! { <span data-fact=fact.name()><Time at=*at absolute=true /></span> }.into_any()
        }
        Part::Ago(fact, at) => view! { <span data-fact=fact.name()><Time at=*at /></span> }.into_any(),
        Part::Count(fact, count) => {
            view! { <data class="num" data-fact=fact.name() value=count.to_string()>{grouped(*count)}</data> }
                .into_any()
        }
    };
    phrase.0.iter().map(part).collect_view().into_any()
}
