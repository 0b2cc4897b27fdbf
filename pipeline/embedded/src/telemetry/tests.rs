//! The recorder, the file and the reader together.
mod aggregation;
mod disk;
mod keeping;
mod speed;
mod support;
mod tracing;
