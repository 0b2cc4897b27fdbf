//! What the dashboard reads, from a pipeline that runs on this machine.
