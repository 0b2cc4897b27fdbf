//! Segment documents as X-Ray returns them.

use serde_json::Value;
use spillway_core::trace::Segment;

/// Parses a document; `None` if it is not a segment.
///
/// Ignores additional members in documents of API Gateway and Lambda. A segment in progress has no end yet, so its end
/// is its start.
pub(super) fn read(document: &str) -> Option<Segment> {
    let mut value: Value = serde_json::from_str(document).ok()?;
    complete(&mut value);
    serde_json::from_value(value).ok()
}

fn complete(segment: &mut Value) {
    let Some(members) = segment.as_object_mut() else { return };
    if !members.get("end_time").is_some_and(Value::is_number) {
        let start = members.get("start_time").cloned().unwrap_or_default();
        members.insert("end_time".to_owned(), start);
    }
    // A subsegment that was sent separately names its trace; one inside a segment has none, or null.
    members.retain(|_, value| !value.is_null());
    for subsegment in members.get_mut("subsegments").and_then(Value::as_array_mut).into_iter().flatten() {
        complete(subsegment);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_of_lambda_itself_are_read() {
        let document = r#"{"id":"0f1e2d3c4b5a6978","name":"spillway-ingest","start_time":1772460131.1,
            "trace_id":"1-69a598a3-0123456789abcdef01234567","end_time":1772460131.25,"parent_id":"53995c3f42cd8ad8",
            "http":{"response":{"status":200}},"aws":{"request_id":"x","account_id":"123456789012"},
            "origin":"AWS::Lambda","resource_arn":"arn:aws:lambda:eu-central-1:123456789012:function:spillway-ingest",
            "cause":null}"#;
        let segment = read(document).unwrap();
        assert_eq!(
            (segment.name.as_str(), segment.origin.as_deref()),
            ("spillway-ingest", Some("AWS::Lambda"))
        );
        assert_eq!(segment.parent_id.as_deref(), Some("53995c3f42cd8ad8"));
    }

    #[test]
    fn a_segment_in_progress_ends_at_its_start() {
        let document = r#"{"id":"a","name":"f","start_time":5.0,"in_progress":true,
            "subsegments":[{"id":"b","name":"g","start_time":5.5,"fault":true,"annotations":{"event_id":"e1"}}]}"#;
        let segment = read(document).unwrap();
        assert_eq!((segment.end_time, segment.subsegments[0].end_time), (5.0, 5.5));
        assert!(segment.subsegments[0].fault);
        assert_eq!(segment.subsegments[0].annotations["event_id"], "e1");
    }

    #[test]
    fn a_document_that_is_not_a_segment_is_left_out() {
        for document in ["", "[]", "{}", r#"{"id":"a","name":"f"}"#] {
            assert!(read(document).is_none(), "{document}");
        }
    }
}
