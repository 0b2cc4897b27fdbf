//! The `spillway` binary from outside: against an API that fails, and on the data folder of a real pipeline.

mod alarms;
mod common;
mod load;
mod pipeline;
