//! Metrics.

use crate::components::{EmptyState, Title};
use leptos::prelude::*;

/// Metrics.
#[component]
pub fn Metrics() -> impl IntoView {
    view! {
        <Title text="Metrics" />
        <EmptyState title="Nothing has been recorded yet.">"Send an event to see it here."</EmptyState>
    }
}
