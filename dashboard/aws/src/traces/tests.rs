use super::*;

fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

#[test]
fn a_range_is_searched_six_hours_at_a_time_newest_first() {
    let range = TimeRange::new(time("2026-03-01T23:00:00Z"), time("2026-03-02T14:00:00Z")).unwrap();
    let windows = windows(range);
    let expected = [
        ("2026-03-02T08:00:00Z", "2026-03-02T14:00:00Z"),
        ("2026-03-02T02:00:00Z", "2026-03-02T08:00:00Z"),
        ("2026-03-01T23:00:00Z", "2026-03-02T02:00:00Z"),
    ];
    assert_eq!(windows, expected.map(|(from, to)| (time(from), time(to))));
}

#[test]
fn the_start_of_a_trace_falls_back_to_its_id() {
    let began_at = |builder: aws_sdk_xray::types::builders::TraceSummaryBuilder| {
        summary(&builder.id("1-69a598a3-0123456789abcdef01234567").build()).map(|summary| summary.start)
    };
    assert_eq!(began_at(TraceSummary::builder()), Some(1_772_460_195.0));
    let said = TraceSummary::builder().start_time(DateTime::from_secs_f64(1_772_460_195.5));
    assert_eq!(began_at(said), Some(1_772_460_195.5));
}
