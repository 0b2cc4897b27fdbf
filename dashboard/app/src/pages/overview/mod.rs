//! Overview.

use crate::components::{EmptyState, Title};
use leptos::prelude::*;

/// Overview.
#[component]
pub fn Overview() -> impl IntoView {
    view! {
        <Title text="Overview" />
        <EmptyState title="Nothing has been recorded yet.">"Send an event to see it here."</EmptyState>
    }
}
