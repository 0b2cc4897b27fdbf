//! Draws the pages about incidents.

mod list;
mod one;
mod respond;
mod strip;

pub(super) use list::list;
pub(crate) use list::on_overview;
pub(super) use one::one;
