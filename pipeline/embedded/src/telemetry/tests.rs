//! The recorder, the file and the reader together.
mod aggregation;
mod disk;
mod keeping;
mod recent;
mod simulation;
mod support;
mod tracing;
