//! The pages of alarms.

mod changes;
mod digest;
mod facts;
mod list;
mod one;
mod row;
mod runbook;

pub(super) use list::list;
pub(super) use one::one;
pub(crate) use row::row;
pub(super) use runbook::runbook;

use crate::components::ErrorState;
use leptos::prelude::*;
use spillway_dashboard_model::ReadError;

/// The alarms could not be read.
pub(super) fn unreadable(error: &ReadError) -> AnyView {
    let why = error.to_string();
    view! {
        <ErrorState title="The alarms cannot be read just now." retry=true>
            {why} ". This says nothing about the events or about the alarms themselves: they are still evaluated and notify. \
             The page tries again by itself; the " <a href="/">"Overview"</a> " and the " <a href="/metrics">"metrics"</a>
            " are read from elsewhere."
        </ErrorState>
    }
    .into_any()
}
