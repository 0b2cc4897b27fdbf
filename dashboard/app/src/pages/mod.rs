//! The pages, a folder each.

pub mod alarms;
pub mod dead_letters;
pub mod events;
pub mod metrics;
pub mod overview;
pub mod replays;

mod stages;

use crate::components::{EmptyState, Title};
use leptos::prelude::*;

/// What is shown where no page is.
#[component]
pub fn NotFound() -> impl IntoView {
    if let Some(response) = use_context::<leptos_axum::ResponseOptions>() {
        response.set_status(http::StatusCode::NOT_FOUND);
    }
    view! {
        <Title text="Not found" />
        <EmptyState title="There is no page at this address.">
            "It may have moved. " <a href="/">"Go to the overview"</a> "."
        </EmptyState>
    }
}
