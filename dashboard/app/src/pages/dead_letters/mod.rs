//! Dead letters.

use crate::components::{EmptyState, Title};
use leptos::prelude::*;

/// Dead letters.
#[component]
pub fn DeadLetters() -> impl IntoView {
    view! {
        <Title text="Dead letters" />
        <EmptyState title="Nothing has been recorded yet.">"Send an event to see it here."</EmptyState>
    }
}
