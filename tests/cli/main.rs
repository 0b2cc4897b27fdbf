//! The `spillway` binary as a separate process: against an API that fails, on the data folder of a real pipeline, and as a
//! system.

mod alarms;
mod common;
mod load;
mod pipeline;
mod send;
mod system;
