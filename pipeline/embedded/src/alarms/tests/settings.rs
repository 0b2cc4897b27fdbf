//! Settings and rules that an operator wrote.

use super::super::{AlarmSettings, RuleFiles};
use spillway_alerts::Limits;
use spillway_core::settings::PipelineSettings;

fn load(text: &str) -> Result<AlarmSettings, String> {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("alarms.json");
    std::fs::write(&file, text).unwrap();
    AlarmSettings::load(&file).map_err(|error| error.to_string())
}

#[test]
fn missing_settings_have_their_defaults() {
    assert_eq!(load("{}"), Ok(AlarmSettings::default()));
    let berlin = r#"{"expected_requests_per_5_minutes": 30, "business_hours": {"zone": "Europe/Berlin",
        "days": ["monday"], "open": "08:30", "close": "16:00", "holidays": ["2026-12-25"]}}"#;
    let berlin = load(berlin).unwrap();
    assert_eq!(berlin.business_hours.zone, "Europe/Berlin");
    assert_eq!(berlin.expected_requests_per_5_minutes, 30.0);
}

#[test]
fn invalid_settings_are_refused_with_the_reason() {
    let hours = |zone: &str, open: &str| {
        format!(
            r#"{{"business_hours": {{"zone": "{zone}", "days": ["monday"], "open": "{open}", "close": "16:00"}}}}"#
        )
    };
    for (text, part) in [
        (hours("Berlin", "09:00"), "`Berlin` is not a time zone"),
        (hours("Europe/Berlin", "17:00"), "which is not after"),
        (
            r#"{"expected_requests": 3}"#.to_owned(),
            "expected `business_hours` or `expected_requests_per_5_minutes`",
        ),
        (r#"{"expected_requests_per_5_minutes": -3}"#.to_owned(), "must be 0 or more"),
        ("business_hours: {}".to_owned(), "line 1"),
    ] {
        let error = load(&text).unwrap_err();
        assert!(error.contains(part), "{part}: {error}");
    }
}

#[test]
fn limits_are_those_of_the_pipeline() {
    let pipeline =
        PipelineSettings { consumer_concurrency: 3, function_timeout_s: 7, ..PipelineSettings::default() };
    let limits = AlarmSettings::default().limits(&pipeline).unwrap();
    assert_eq!(limits.get("functions.consumer.concurrency"), Some(3.0));
    assert_eq!(limits.get("functions.consumer.timeout_ms"), Some(7_000.0));
    assert_eq!(limits.get("api.expected_requests_per_5_minutes"), Some(0.0), "idle is no fault");
    let defaults = Limits::built_in().unwrap();
    assert!(limits.keys().eq(defaults.keys()), "a misspelled key would be one more");
}

#[test]
fn a_malformed_rule_is_refused_with_file_line_and_what_was_expected() {
    let dir = tempfile::tempdir().unwrap();
    let limits = Limits::built_in().unwrap();
    let error = RuleFiles::load(dir.path(), &limits).unwrap_err().to_string();
    assert!(error.contains("expected at least one *.yaml"), "{error}");
    std::fs::write(
        dir.path().join("mine.yaml"),
        "subsystem: queue\nrules:\n  - name: Bad Name\n    kind: metric\n",
    )
    .unwrap();
    let error = RuleFiles::load(dir.path(), &limits).unwrap_err().to_string();
    assert!(error.contains("mine.yaml:3"), "{error}");
    assert!(error.contains("expected") || error.contains("missing field"), "{error}");
}
