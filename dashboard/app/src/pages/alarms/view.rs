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

/// The error page for alarms that cannot be read.
pub(super) fn unreadable(error: &ReadError) -> AnyView {
    let why = error.to_string();
    view! {
        <ErrorState title="The alarms cannot be read now." retry=true>
            {why} ". Events and alarms are not affected: the rules are still evaluated and notify. The page retries automatically. The " <a href="/">"Overview"</a> " and the " <a href="/metrics">"metrics"</a>
            " use other sources."
        </ErrorState>
    }
    .into_any()
}
