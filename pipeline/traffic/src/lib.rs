//! Realistic mixed events, for load, the demo and tests.
