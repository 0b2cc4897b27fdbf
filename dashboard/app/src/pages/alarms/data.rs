//! What the pages of alarms show, read in one go.

mod list;
mod numbers;
mod one;
mod runbook;

pub(super) use list::{Filters, List, Listed, STATES, Sections, subsystems, tally};
pub(super) use numbers::{Seen, name};
pub(super) use one::One;
pub(super) use runbook::Runbook;

use crate::context::Page;

/// Changes on a page: about two screens of a phone.
const MAX_CHANGES: usize = 12;
/// Changes on a page that was asked for all.
pub(super) const ALL_CHANGES: usize = 500;

/// How many changes the page is asked for.
pub(super) fn most_changes(page: &Page) -> usize {
    if page.parameter("changes") == Some("all") { ALL_CHANGES } else { MAX_CHANGES }
}
