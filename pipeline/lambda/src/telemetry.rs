//! Metrics and traces of a function.

use crate::trace::{Calls, Daemon};
use crate::{Common, Invocation, emf, logs};
use serde_json::json;
use spillway_core::Timestamp;
use spillway_core::metric::Measurement;
use spillway_core::ports::{Clock, MetricSink, TraceSink};
use spillway_core::trace::Segment;
use std::io::Write as _;
use std::sync::Arc;
use tracing::level_filters::LevelFilter;

/// Writes a line; it is written when the call returns.
type Lines = Box<dyn Fn(&str) + Send + Sync>;

/// Metrics and traces of a function. No call here fails or waits, so telemetry never stops an event.
pub struct Telemetry {
    /// The function's name.
    pub function: String,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// The calls of AWS, noted by the SDK's interceptor.
    pub calls: Arc<Calls>,
    daemon: Daemon,
    level: LevelFilter,
    lines: Lines,
}

impl Telemetry {
    /// On standard output, and to X-Ray's daemon if there is one.
    pub fn new(common: &Common, clock: Arc<dyn Clock>) -> Self {
        // One write per line, so that lines do not mix.
        let to_stdout = |line: &str| {
            let mut stdout = std::io::stdout().lock();
            let _ = stdout.write_all(format!("{line}\n").as_bytes()).and_then(|()| stdout.flush());
        };
        Self::with_lines(common, clock, to_stdout)
    }

    /// With another place for lines.
    pub fn with_lines(
        common: &Common,
        clock: Arc<dyn Clock>,
        lines: impl Fn(&str) + Send + Sync + 'static,
    ) -> Self {
        Self {
            function: common.function.clone(),
            calls: Arc::new(Calls::new(Arc::clone(&clock))),
            clock,
            daemon: common.xray_daemon.map_or_else(Daemon::none, Daemon::at),
            level: common.log_level,
            lines: Box::new(lines),
        }
    }

    /// Emits measurements.
    pub fn measure(&self, measurements: &[Measurement]) {
        for line in emf::lines(measurements, self.now(), logs::name(self.level)) {
            (self.lines)(&line);
        }
    }

    /// Sends a segment of a separate trace.
    pub fn segment(&self, segment: Segment) {
        self.daemon.segment(segment);
    }

    /// Sends a part of the invocation itself: X-Ray shows it below Lambda's segment. Nothing is sent if the
    /// invocation is not traced.
    pub fn part(&self, invocation: &Invocation, mut part: Segment) {
        let Some(trace) = invocation.sampled() else { return };
        trace.root.clone_into(&mut part.trace_id);
        part.parent_id.clone_from(&trace.parent);
        self.daemon.subsegment(part);
    }

    /// This invocation's segments: each names its request.
    pub fn of<'t>(&'t self, invocation: &'t Invocation) -> InvocationTraces<'t> {
        InvocationTraces { telemetry: self, invocation }
    }

    /// The time now.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }
}

impl MetricSink for Telemetry {
    fn record(&self, measurement: Measurement) {
        self.measure(&[measurement]);
    }

    /// Those that were measured together share a line.
    fn record_all(&self, measurements: Vec<Measurement>) {
        self.measure(&measurements);
    }
}

/// Where the segments of one invocation go.
pub struct InvocationTraces<'t> {
    telemetry: &'t Telemetry,
    invocation: &'t Invocation,
}

impl TraceSink for InvocationTraces<'_> {
    fn record(&self, mut segment: Segment) {
        segment.aws = Some(json!({ "request_id": self.invocation.request_id }));
        self.telemetry.segment(segment);
    }
}
