//! Reads the data of the dead letters' pages.

mod confirm;
mod filters;
mod list;
mod one;
mod preflight;
mod selection;
mod why;

pub(super) use confirm::{Chosen, LISTED};
pub(super) use filters::{Filters, Shown, carried};
pub(super) use list::{GROUPS_AFTER, List};
pub(super) use one::{Neighbour, One};
pub(super) use preflight::caveats;
pub(super) use selection::Selection;
pub(super) use why::Why;
