//! What Lambda sends with an invocation besides its payload.

use lambda_runtime::Context;
use spillway_core::trace::TraceHeader;

/// One invocation.
#[derive(Clone, Debug, Default)]
pub struct Invocation {
    /// Lambda's request id, which the log lines carry.
    pub request_id: String,
    /// The trace that it belongs to. Its parent is the segment that Lambda makes of the invocation.
    pub trace: Option<TraceHeader>,
}

impl Invocation {
    /// Reads Lambda's context.
    pub fn of(context: &Context) -> Self {
        let trace = context.xray_trace_id.as_deref().and_then(TraceHeader::parse);
        Self { request_id: context.request_id.clone(), trace }
    }

    /// The trace, if this invocation is traced.
    pub fn sampled(&self) -> Option<&TraceHeader> {
        self.trace.as_ref().filter(|trace| trace.sampled)
    }
}
