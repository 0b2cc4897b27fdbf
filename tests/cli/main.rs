//! The `spillway` binary as a separate process: against an API that fails, and on the data folder of a real pipeline.

mod alarms;
mod common;
mod load;
mod pipeline;
mod send;
