//! Reads the data of the alarms' pages.

mod list;
mod numbers;
mod one;
mod runbook;

pub(super) use list::{Filters, List, Listed, STATES, Sections, subsystems, tally};
pub(super) use numbers::{Seen, name};
pub(super) use one::One;
pub(super) use runbook::Runbook;

use crate::context::Page;

/// Maximum number of changes on a page: about two screens of a phone.
const MAX_CHANGES: usize = 12;
/// Maximum number of changes on a page with `?changes=all`.
pub(super) const ALL_CHANGES: usize = 500;

/// The maximum number of changes for a page.
pub(super) fn most_changes(page: &Page) -> usize {
    if page.parameter("changes") == Some("all") { ALL_CHANGES } else { MAX_CHANGES }
}
