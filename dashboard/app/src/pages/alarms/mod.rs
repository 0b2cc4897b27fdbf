//! Alarms: what needs somebody, since when, what it means if nobody does anything, and what to do first.
//!
//! | address | page |
//! |---|---|
//! | `/alarms` | all alarms: active, cleared, quiet; what changed; what was told in the morning ([`list`]) |
//! | `/alarms/NAME` | one alarm: its state and why, what to do, its chart, its history ([`detail`]) |
//! | `/runbooks/NAME` | a runbook by itself, with the alarms that lead to it ([`runbook`]) |

mod changes;
mod detail;
mod detail_view;
mod digest;
mod facts;
mod list;
mod list_view;
mod numbers;
pub(crate) mod row;
mod runbook;
mod runbook_view;
pub(crate) mod words;

pub use detail::AlarmPage;
pub use list_view::Alarms;
pub use runbook_view::RunbookPage;

use crate::components::ErrorState;
use leptos::prelude::*;
use spillway_dashboard_model::ReadError;

/// The alarms could not be read.
fn unreadable(error: &ReadError) -> AnyView {
    let why = error.to_string();
    view! {
        <ErrorState title="The alarms cannot be read just now." retry=true>
            {why} ". This says nothing about the events or about the alarms themselves: they go on being evaluated and told. \
             The page tries again by itself; the " <a href="/">"Overview"</a> " and the " <a href="/metrics">"metrics"</a>
            " are read from elsewhere."
        </ErrorState>
    }
    .into_any()
}
