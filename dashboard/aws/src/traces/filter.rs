//! X-Ray's filter expressions, and the same conditions on whole traces.

use spillway_dashboard_model::traces::{Trace, TraceFilter};

/// The filter expression for X-Ray ("Use filter expressions" in its developer guide); `None` for all traces.
///
/// It may match too many traces. X-Ray filters by the duration of a trace, not of its longest segment, and its strings
/// cannot contain quotation marks. [`matches`] decides.
pub(super) fn expression(filter: &TraceFilter) -> Option<String> {
    let mut conditions = Vec::new();
    if filter.failed {
        conditions.push("(fault = true OR error = true OR throttle = true)".to_owned());
    }
    if filter.at_least_ms > 0 {
        conditions.push(format!("duration >= {}", f64::from(filter.at_least_ms) / 1000.0));
    }
    if let Some(id) = filter.event_id.as_deref().filter(|id| can_be_quoted(id)) {
        conditions.push(format!("annotation.event_id = \"{id}\""));
    }
    (!conditions.is_empty()).then(|| conditions.join(" AND "))
}

fn can_be_quoted(text: &str) -> bool {
    !text.contains(['"', '\\']) && !text.contains(char::is_control)
}

/// Whether a trace matches the filter.
pub(super) fn matches(filter: &TraceFilter, trace: &Trace) -> bool {
    (!filter.failed || trace.has_failed())
        && (filter.at_least_ms == 0
            || trace.spans().iter().any(|span| span.duration_ms >= f64::from(filter.at_least_ms)))
        && filter.event_id.as_deref().is_none_or(|id| trace.event_ids().contains(id))
}

#[cfg(test)]
mod tests {
    use super::*;
    use spillway_core::trace::Segment;

    #[test]
    fn conditions_are_joined() {
        assert_eq!(expression(&TraceFilter::default()), None);
        let all = TraceFilter { failed: true, at_least_ms: 250, event_id: Some("order-1".into()) };
        let expected = "(fault = true OR error = true OR throttle = true) AND duration >= 0.25 AND \
                        annotation.event_id = \"order-1\"";
        assert_eq!(expression(&all).as_deref(), Some(expected));
    }

    #[test]
    fn an_id_cannot_end_its_quotation() {
        for id in ["a\" OR ok = true OR annotation.x = \"", "a\\", "a\nb"] {
            assert_eq!(
                expression(&TraceFilter { event_id: Some(id.into()), ..TraceFilter::default() }),
                None
            );
        }
    }

    #[test]
    fn a_trace_matches_by_its_longest_segment() {
        let segment = Segment { id: "a".into(), start_time: 1.0, end_time: 1.3, ..Segment::default() };
        let later = Segment { id: "b".into(), start_time: 9.0, end_time: 9.1, ..Segment::default() };
        let trace = Trace::new("1-a-b", vec![segment, later.annotated("event_id", "e")]).unwrap();
        let at_least = |at_least_ms| TraceFilter { at_least_ms, ..TraceFilter::default() };
        assert!(matches(&at_least(299), &trace));
        assert!(!matches(&at_least(301), &trace), "the wait between segments does not count");
        let event = |id: &str| TraceFilter { event_id: Some(id.into()), ..TraceFilter::default() };
        assert!(matches(&event("e"), &trace) && !matches(&event("f"), &trace));
        assert!(!matches(&TraceFilter { failed: true, ..TraceFilter::default() }, &trace));
    }
}
