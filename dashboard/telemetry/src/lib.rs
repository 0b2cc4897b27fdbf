//! What the dashboard reads, as ports: metrics, traces, flow.
