//! Metrics and traces.

use crate::metric::Measurement;
use crate::trace::Segment;

/// Where measurements go. Recording never fails and never waits: telemetry must not stop an event.
pub trait MetricSink: Send + Sync {
    /// Records a measurement made now.
    fn record(&self, measurement: Measurement);

    /// Records what was measured together.
    fn record_all(&self, measurements: Vec<Measurement>) {
        for measurement in measurements {
            self.record(measurement);
        }
    }
}

/// Where segments of traces go. Recording never fails and never waits.
pub trait TraceSink: Send + Sync {
    /// Records a finished segment.
    fn record(&self, segment: Segment);
}
