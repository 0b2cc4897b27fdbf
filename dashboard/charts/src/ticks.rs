//! The ticks of the axes and their labels.

pub(crate) mod time;
pub(crate) mod value;
