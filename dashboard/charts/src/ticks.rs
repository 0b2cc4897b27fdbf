//! Where the axes have ticks and what is written at them.

pub(crate) mod time;
pub(crate) mod value;
