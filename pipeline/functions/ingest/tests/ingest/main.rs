//! The ingest function: what it answers, and the program as Lambda starts it.

mod program;
mod request;
