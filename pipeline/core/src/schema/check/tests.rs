use super::super::SchemaSet;
use crate::event::Event;
use crate::failure::Reason;
use serde_json::{Value, json};

fn check(schema: Value, data: &Value) -> Result<(), String> {
    reason(schema, data).map_err(|reason| reason.message)
}

fn reason(schema: Value, data: &Value) -> Result<(), Reason> {
    let set = SchemaSet::compile(&[("t".to_owned(), schema)].into()).expect("a schema");
    let event = json!({"specversion":"1.0","id":"1","source":"/s","type":"t","data":data});
    set.check(&Event::from_structured(event.to_string().as_bytes()).expect("an event"))
}

fn expressions(keyword: &str) -> Value {
    let operation = |name: &str| {
        json!({"type": "object", "required": ["op"], "properties": {
                "op": {"enum": [name]}, "arg": {"$ref": "#/$defs/expression"}}})
    };
    json!({"properties": {"filter": {"$ref": "#/$defs/expression"}}, "$defs": {"expression": {keyword: [
            operation("not"), operation("exists"),
            {"type": "object", "required": ["field"], "properties": {"field": {"type": "string"}}}]}}})
}

fn tree(depth: usize, leaf: Value) -> Value {
    (0..depth).fold(leaf, |arg, level| {
        let operation = if level % 2 == 0 { "not" } else { "exists" };
        json!({"op": operation, "arg": arg})
    })
}

#[test]
fn an_expression_tree_is_checked_however_deep_it_is() {
    for keyword in ["anyOf", "oneOf"] {
        for depth in [1, 16, 40, 120] {
            let data = |leaf| json!({"filter": tree(depth, leaf)});
            assert_eq!(check(expressions(keyword), &data(json!({"field": "a"}))), Ok(()), "{depth}");
            let wrong = check(expressions(keyword), &data(json!("leaf"))).unwrap_err();
            assert!(wrong.starts_with("/filter: value is not valid under "), "{depth}: {wrong}");
            assert!(wrong.ends_with(&format!("of the schemas listed in the '{keyword}' keyword")), "{wrong}");
        }
    }
}

#[test]
fn two_recursive_parts_of_all_of_are_checked_too() {
    let part = || json!({"properties": {"arg": {"$ref": "#/$defs/e"}}});
    let schema = json!({"$ref": "#/$defs/e", "$defs": {"e": {
            "type": "object", "allOf": [part(), part()]}}});
    let wrong = check(schema, &tree(120, json!("leaf"))).unwrap_err();
    assert!(wrong.ends_with(": value is not of type \"object\""), "{wrong}");
}

#[test]
fn a_violation_beside_a_deep_tree_that_is_valid_is_found() {
    let part = || json!({"properties": {"arg": {"$ref": "#/$defs/e"}}});
    let parts = json!({"type": "object", "allOf": [part(), part()]});
    let both = json!({"type": "object", "properties": {"arg": {"$ref": "#/$defs/e"}},
            "patternProperties": {"^a": {"$ref": "#/$defs/e"}}});
    let then = json!({"type": "object", "properties": {"arg": {"$ref": "#/$defs/e"}},
            "if": {"required": ["op"]}, "then": part()});
    for draft in ["http://json-schema.org/draft-07/schema#", "https://json-schema.org/draft/2020-12/schema"] {
        for e in [&parts, &both, &then] {
            let schema = json!({"$schema": draft, "$defs": {"e": e},
                    "properties": {"a": {"$ref": "#/$defs/e"}, "b": {"type": "string"}}});
            let (right, wrong) = (tree(120, json!({})), tree(120, json!(1)));
            assert_eq!(check(schema.clone(), &json!({"a": right, "b": "x"})), Ok(()), "{e}");
            let beside = check(schema.clone(), &json!({"a": right, "b": 1})).unwrap_err();
            assert_eq!(beside, "/b: value is not of type \"string\"", "{e}");
            let (group, within) = group(&schema, &json!({"a": wrong, "b": "x"}));
            assert!(within.ends_with(": value is not of type \"object\""), "{e}: {within}");
            assert_eq!(group, "t.json#/$defs/e/type", "{e}");
        }
    }
}

#[test]
fn each_way_to_refer_to_itself_twice_is_checked_however_deep_the_data_is() {
    let arg = |name: &str, target: &str| json!({"properties": {"arg": {name: target}}});
    let static_part = || arg("$ref", "#/$defs/e");
    let dynamic = || arg("$dynamicRef", "#e");
    for e in [
        json!({"type": "object", "$dynamicAnchor": "e", "allOf": [dynamic(), dynamic()]}),
        json!({"type": "object", "allOf": [static_part(), static_part()], "unevaluatedProperties": {"type": "string"}}),
        json!({"type": "object", "anyOf": [static_part(), static_part()], "unevaluatedProperties": {"type": "string"}}),
        json!({"type": "object", "allOf": [{"not": {"not": static_part()}}, {"not": {"not": static_part()}}]}),
        json!({"type": "object", "dependentSchemas": {"op": static_part(), "arg": static_part()}}),
        json!({"type": "object", "properties": {"arg": {"$ref": "#/$defs/e"}},
                "additionalProperties": {"$ref": "#/$defs/e"}, "if": static_part(), "else": false}),
    ] {
        let schema =
            json!({"$defs": {"e": e}, "properties": {"a": {"$ref": "#/$defs/e"}}, "required": ["b"]});
        let right = json!({"a": tree(120, json!({"op": "leaf"})), "b": 1});
        let additional = e["additionalProperties"].is_object();
        if !additional {
            assert_eq!(check(schema.clone(), &right), Ok(()), "{e}");
        }
        for wrong in [json!({"a": tree(120, json!(1)), "b": 1}), json!({"a": tree(120, json!({}))})] {
            let wrong = check(schema.clone(), &wrong).unwrap_err();
            assert!(!wrong.is_empty(), "{e}");
        }
    }
}

#[test]
fn the_search_for_a_reason_takes_no_more_memory_than_the_data() {
    // One error, and not one for each of the items in each alternative.
    let items = |kind: &str| json!({"items": {"type": kind}});
    let schema = json!({"anyOf": [items("string"), items("object")]});
    let wrong = check(schema, &json!(vec![1; 100_000])).unwrap_err();
    assert!(wrong.ends_with("listed in the 'anyOf' keyword"), "{wrong}");
}

#[test]
fn what_a_reference_replaces_in_draft_7_gives_no_reason() {
    let schema = json!({"$schema": "http://json-schema.org/draft-07/schema#",
            "definitions": {"text": {"type": "string"}},
            "properties": {"a": {"$ref": "#/definitions/text", "maxLength": 1}, "b": {"type": "number"}}});
    assert_eq!(check(schema.clone(), &json!({"a": "long"})), Ok(()));
    let wrong = check(schema, &json!({"a": "long", "b": "x"})).unwrap_err();
    assert_eq!(wrong, "/b: value is not of type \"number\"");
}

#[test]
fn a_violation_beside_alternatives_is_still_reported() {
    let schema = json!({
        "$defs": {"amount": {"anyOf": [{"type": "number"}, {"type": "null"}]}},
        "properties": {"amount": {"$ref": "#/$defs/amount"}, "id": {"type": "string"}},
        "required": ["id"],
    });
    assert_eq!(check(schema.clone(), &json!({"id": "a", "amount": 1})), Ok(()));
    let wrong = check(schema.clone(), &json!({"id": 7})).unwrap_err();
    assert_eq!(wrong, "/id: value is not of type \"string\"");
    let wrong = check(schema, &json!({"id": "a", "amount": "1"})).unwrap_err();
    assert_eq!(wrong, "/amount: value is not valid under any of the schemas listed in the 'anyOf' keyword");
}

#[test]
fn values_that_look_like_schemas_are_left_alone() {
    let schema = json!({"const": {"anyOf": [1], "$ref": "#"}, "properties": {"$ref": {}, "anyOf": true}});
    assert_eq!(super::without_contexts(&schema), schema);
    let schema = json!({"const": {"anyOf": [1]}, "$defs": {"x": {"$ref": "#"}}});
    assert_eq!(check(schema, &json!({"anyOf": [1]})), Ok(()));
}

fn group(schema: &Value, data: &Value) -> (String, String) {
    let reason = reason(schema.clone(), data).unwrap_err();
    (reason.group_key.unwrap(), reason.message)
}

#[test]
fn names_of_the_payload_make_no_groups_and_no_long_text() {
    let closed = json!({"additionalProperties": false, "properties": {"a": {}}});
    let (first, message) = group(&closed, &json!({"a": 1, "x": 1, "y": 1}));
    assert_eq!(first, "t.json#/additionalProperties");
    // One of them is enough. A list of all errors could be as long as the data.
    assert_eq!(message, "the data: Additional properties are not allowed ('x' was unexpected)");
    let many: Value =
        (0..5000).map(|n| (format!("name {n}"), json!(1))).collect::<serde_json::Map<_, _>>().into();
    let long = json!({"n".repeat(200_000): 1});
    for (schema, data) in [
        (&closed, &many),
        (&closed, &long),
        (&json!({"propertyNames": {"maxLength": 3}}), &long),
        (&json!({"propertyNames": false}), &long),
        (&json!({"additionalProperties": {"type": "string"}}), &long),
        (&json!({"patternProperties": {"^n": {"type": "string"}}}), &long),
        (&json!({"unevaluatedProperties": false}), &long),
    ] {
        let (group, message) = group(schema, data);
        assert!(message.len() < 600, "{schema}: {message}");
        assert_eq!(group, self::group(schema, &json!({"name 2": 1})).0, "{schema}");
        assert!(!group.contains("name") && !group.contains("nn"), "{schema}: {group}");
    }
    let (group, message) = group(&json!({"propertyNames": {"maxLength": 3}}), &json!({"long name": 1}));
    assert!(group.ends_with("/maxLength"), "{group}");
    assert_eq!(message, "the data: the name 'long name' is longer than 3 characters");
}

#[test]
fn each_place_in_a_schema_is_a_group_of_its_own_at_any_depth() {
    let required = json!({"required": ["a", "b"]});
    assert_ne!(group(&required, &json!({"a": 1})).0, group(&required, &json!({"b": 1})).0);
    let part = || json!({"properties": {"arg": {"$ref": "#/$defs/e"}}});
    let tree_schema =
        json!({"$ref": "#/$defs/e", "$defs": {"e": {"type": "object", "allOf": [part(), part()]}}});
    let (at_2, at_40) = (group(&tree_schema, &tree(2, json!(1))), group(&tree_schema, &tree(40, json!(1))));
    assert_eq!((at_2.0.as_str(), at_2.0 == at_40.0), ("t.json#/$defs/e/type", true));
    let (group, _) = group(&expressions("oneOf"), &json!({"filter": 1}));
    assert_eq!(group, "t.json#/$defs/expression/oneOf");
}

#[test]
fn format_is_checked_in_every_draft() {
    for draft in ["http://json-schema.org/draft-07/schema#", "https://json-schema.org/draft/2020-12/schema"] {
        let schema = json!({"$schema": draft, "properties": {"at": {"format": "date-time"}}});
        assert_eq!(check(schema.clone(), &json!({"at": "2026-03-10T12:00:00Z"})), Ok(()), "{draft}");
        let wrong = check(schema, &json!({"at": "yesterday"})).unwrap_err();
        assert_eq!(wrong, "/at: value is not a \"date-time\"", "{draft}");
    }
}
