//! Replays.

use crate::components::{EmptyState, Title};
use leptos::prelude::*;

/// Replays.
#[component]
pub fn Replays() -> impl IntoView {
    view! {
        <Title text="Replays" />
        <EmptyState title="Nothing has been recorded yet.">"Send an event to see it here."</EmptyState>
    }
}
