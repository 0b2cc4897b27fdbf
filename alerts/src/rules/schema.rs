//! The JSON Schema of a rule file, which editors read. It is generated from the types that read the file.

use super::raw::RawFile;
use expect_test::expect_file;
use schemars::generate::SchemaSettings;
use schemars::transform::{RecursiveTransform, Transform as _};
use schemars::{Schema, SchemaGenerator, json_schema};
use serde_json::{Value, json};
use spillway_metrics::{ALL, DimensionNames};
use std::collections::BTreeSet;

/// Fields of a rule on datapoints, and which of them it must have.
const OF_METRICS: [(&str, bool); 10] = [
    ("metrics", true),
    ("expression", false),
    ("period", true),
    ("comparison", true),
    ("threshold", true),
    ("limit", false),
    ("datapoints_to_alarm", true),
    ("evaluation_periods", true),
    ("missing_data", true),
    ("low_samples", false),
];

pub(super) fn slug(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "string", "pattern": "^[a-z0-9]+(-[a-z0-9]+)*$" })
}

pub(super) fn sentence(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "string", "pattern": "^[^\\n]*[^\\s][^\\n]*$" })
}

pub(super) fn statistic(_: &mut SchemaGenerator) -> Schema {
    let pattern = "^(Average|Sum|Minimum|Maximum|SampleCount|p[0-9]{1,2}(\\.[0-9]{1,2})?)$";
    json_schema!({ "type": "string", "pattern": pattern })
}

pub(super) fn namespace(_: &mut SchemaGenerator) -> Schema {
    one_of(ALL.iter().map(|known| known.namespace))
}

pub(super) fn dimension(_: &mut SchemaGenerator) -> Schema {
    one_of(ALL.iter().flat_map(|known| known.dimensions).map(|dimension| dimension.name))
}

pub(super) fn resource(_: &mut SchemaGenerator) -> Schema {
    let keys = |names| match names {
        DimensionNames::Resources(keys) => keys,
        _ => &[][..],
    };
    one_of(ALL.iter().flat_map(|known| known.dimensions).flat_map(|dimension| keys(dimension.names)).copied())
}

fn one_of(values: impl Iterator<Item = &'static str>) -> Schema {
    let values: BTreeSet<&str> = values.collect();
    json_schema!({ "enum": values })
}

pub(super) fn resource_or_value(schema: &mut Schema) {
    schema.insert("oneOf".to_owned(), json!([{ "required": ["resource"] }, { "required": ["value"] }]));
}

/// A composite has no metrics, and all other rules have no `alarm_rule`.
pub(super) fn fields_by_kind(schema: &mut Schema) {
    let required: Vec<&str> =
        OF_METRICS.iter().filter(|(_, required)| *required).map(|(field, _)| *field).collect();
    let none_of: Vec<Value> = OF_METRICS.iter().map(|(field, _)| json!({ "required": [field] })).collect();
    let of_kind = |kinds: &[&str]| json!({ "kind": { "enum": kinds } });
    let by_kind = json!([
        {
            "properties": of_kind(&["metric", "budget"]),
            "required": required,
            "not": { "required": ["alarm_rule"] }
        },
        {
            "properties": of_kind(&["composite"]),
            "required": ["alarm_rule"],
            "not": { "anyOf": none_of }
        }
    ]);
    schema.insert("oneOf".to_owned(), by_kind);
}

/// A field that may be left out is not written as null.
fn without_null(schema: &mut Schema) {
    if schema.get("default") == Some(&Value::Null) {
        schema.remove("default");
    }
    if let Some(Value::Array(types)) = schema.get_mut("type") {
        types.retain(|name| name != "null");
        if let [one] = types.as_slice() {
            let one = one.clone();
            schema.insert("type".to_owned(), one);
        }
    }
    if let Some(Value::Array(choices)) = schema.get_mut("anyOf")
        && let Some(at) = choices.iter().position(|choice| *choice == json!({ "type": "null" }))
    {
        choices.remove(at);
        if choices.len() == 1 {
            // Draft 7 ignores what is written beside a reference, so an editor needs it within `allOf`.
            let choices = schema.remove("anyOf").unwrap_or_default();
            schema.insert("allOf".to_owned(), choices);
        }
    }
}

fn schema() -> Value {
    let mut schema = SchemaSettings::draft07().into_generator().into_root_schema_for::<RawFile>();
    RecursiveTransform(without_null).transform(&mut schema);
    schema.to_value()
}

#[test]
fn the_committed_schema_is_that_of_the_types() {
    // `UPDATE_EXPECT=1 cargo test -p spillway-alerts --lib schema` writes it again.
    let text = serde_json::to_string_pretty(&schema()).unwrap() + "\n";
    expect_file!["../../rules.schema.json"].assert_eq(&text);
}

const RULE: &str = "name: age-low
kind: metric
tier: low
summary: Old.
impact: Late.
runbook: age
links: [{ title: Queue, page: /metrics }]
metrics:
  - id: age
    namespace: AWS/SQS
    metric: ApproximateAgeOfOldestMessage
    statistic: p99.9
    dimensions: [{ name: QueueName, resource: queues.primary }]
period: 60
comparison: GreaterThanThreshold
threshold: 300
datapoints_to_alarm: 3
evaluation_periods: 5
missing_data: notBreaching";

const COMPOSITE: &str = "name: both\nkind: composite\ntier: low\nsummary: Both.\nimpact: Late.\nrunbook: age\nalarm_rule: ALARM(\"age-low\")";

#[test]
fn every_built_in_rule_file_is_valid() {
    let validator = jsonschema::validator_for(&schema()).unwrap();
    for entry in std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/rules")).unwrap() {
        let path = entry.unwrap().path();
        let file: Value = serde_yaml_ng::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
        let errors: Vec<String> = validator.iter_errors(&file).map(|error| error.to_string()).collect();
        assert_eq!(errors, [""; 0], "{}", path.display());
    }
}

#[test]
fn what_the_loader_refuses_by_shape_the_schema_refuses_too() {
    let validator = jsonschema::validator_for(&schema()).unwrap();
    let is_valid = |rule: &str| {
        let text = format!("subsystem: queue\nrules:\n  - {}\n", rule.replace('\n', "\n    "));
        validator.is_valid(&serde_yaml_ng::from_str(&text).unwrap())
    };
    assert!(is_valid(RULE) && is_valid(COMPOSITE));
    for (from, to) in [
        ("name: age-low", "name: Age Low"),
        ("kind: metric", "kind: metrics"),
        ("kind: metric", "kind: composite"),
        ("tier: low", "tier: medium"),
        ("tier: low", "tier: low\nnotify: maybe"),
        ("tier: low", "tier: low\nlow_twin: null"),
        ("summary: Old.", "summary: ''"),
        ("summary: Old.", "summary: |\n  One.\n  Two."),
        ("runbook: age", "runbook: docs/age.md"),
        ("page: /metrics", "page: metrics"),
        ("page: /metrics", "page: /metrics, colour: red"),
        ("id: age", "id: Age"),
        ("namespace: AWS/SQS", "namespace: AWS/EC2"),
        ("statistic: p99.9", "statistic: max"),
        ("name: QueueName", "name: Queue"),
        ("resource: queues.primary", "resource: queues.first"),
        ("resource: queues.primary", "resource: queues.primary, value: a"),
        (", resource: queues.primary", ""),
        ("period: 60", "period: 1.5"),
        ("period: 60", "seconds: 60"),
        ("comparison: GreaterThanThreshold", "comparison: '>'"),
        ("threshold: 300", "threshold: many"),
        ("datapoints_to_alarm: 3", "datapoints_to_alarm: 0"),
        ("missing_data: notBreaching", "missing_data: not_breaching"),
        ("missing_data: notBreaching", "missing_data: missing\nlow_samples: some"),
        ("missing_data: notBreaching", "missing_data: missing\nalarm_rule: 'TRUE'"),
    ] {
        assert!(RULE.contains(from), "{from}");
        assert!(!is_valid(&RULE.replacen(from, to, 1)), "{to}");
    }
    for line in RULE.lines().filter(|line| !line.starts_with([' ', 'l'])) {
        let field = line.split(':').next().unwrap();
        let without: Vec<&str> = RULE.lines().filter(|other| *other != line).collect();
        if field != "metrics" {
            assert!(!is_valid(&without.join("\n")), "{field} left out");
        }
    }
    for (field, _) in OF_METRICS {
        let value = RULE.lines().find(|line| line.starts_with(field)).unwrap_or("limit: a");
        assert!(field == "metrics" || !is_valid(&format!("{COMPOSITE}\n{value}")), "{field}");
    }
    assert!(!is_valid(&COMPOSITE.replace("alarm_rule", "rule")));
}
