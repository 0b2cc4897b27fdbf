use super::*;
use crate::failure::Failure;
use crate::ids::{EventKey, MessageId};
use crate::message::MessageAttributes;
use serde_json::{Value, json};

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

const SINCE: &str = "2026-03-10T16:03:00Z";

fn body(data: &str) -> String {
    format!(r#"{{"specversion":"1.0","id":"e","source":"/shop/checkout","type":"order","data":{data}}}"#)
}

/// A dead letter that failed with this message.
fn letter(class: FailureClass, message: &str, body: &str) -> DeadLetter {
    let failure = Failure::new(class, message, &"v1".into(), at(SINCE));
    DeadLetter {
        id: MessageId::new("m"),
        key: Some(EventKey::new("/shop/checkout", "e")),
        event_type: Some("order".into()),
        body: body.to_owned(),
        attributes: MessageAttributes::new(),
        trace_header: None,
        first_sent_at: at(SINCE),
        archived_at: at(SINCE),
        receive_count: 1,
        generation: 0,
        is_foreign: false,
        is_lost: false,
        glance: None,
        fingerprint: failure.fingerprint(None),
        failures: vec![failure],
        state: crate::dead_letter::DeadLetterState::Archived,
        replays: Vec::new(),
    }
}

/// A dead letter that broke its schema, with the message that the consumer wrote.
fn broken(schemas: &SchemaSet, data: &str) -> DeadLetter {
    let body = body(data);
    let reason = schemas.check(&Event::from_structured(body.as_bytes()).unwrap()).unwrap_err();
    letter(FailureClass::Schema, &reason.message, &body)
}

fn schemas(of: &[(&str, Value)]) -> SchemaSet {
    let texts = of.iter().map(|(name, schema)| ((*name).to_owned(), schema.to_string())).collect();
    SchemaSet::of_texts(&texts)
}

fn money() -> SchemaSet {
    schemas(&[
        ("order", json!({"properties": {"amount": {"$ref": "shop.line.json#/$defs/money"}}})),
        ("shop.line", json!({"$defs": {"money": {"type": "number", "minimum": 0}}})),
    ])
}

fn good(body: &str, stored_at: &str) -> StoredEvent {
    StoredEvent {
        key: EventKey::new("/shop/checkout", "good"),
        event_type: "order".into(),
        body: body.to_owned(),
        accepted_at: at(stored_at),
        stored_at: at(stored_at),
        message_id: MessageId::new("g"),
    }
}

fn explain(letter: &DeadLetter, schemas: &SchemaSet, good: Option<&StoredEvent>) -> Explanation {
    Explanation::of(letter, schemas, good, at(SINCE))
}

#[test]
fn the_failing_value_stands_beside_what_the_schema_expects() {
    let letter = broken(&money(), r#"{"lines": [1], "amount" :  "2571.97"}"#);
    let found = explain(&letter, &money(), None);
    let place = found.place.unwrap();
    assert_eq!((place.pointer.as_str(), place.value.as_str()), ("/data/amount", "\"2571.97\""));
    assert_eq!((&letter.body[place.bytes], place.json_type), ("\"2571.97\"", Some("string")));
    let expected = found.expected.unwrap();
    assert_eq!(expected.text(), r#""type": "number""#);
    assert_eq!((expected.file.as_str(), expected.pointer.as_str()), ("shop.line.json", "/$defs/money/type"));
    let schema = found.schema.unwrap();
    assert_eq!((schema.file.as_str(), schema.version.len()), ("shop.line.json", 12));
    assert!(found.fails_now);
}

#[test]
fn each_kind_of_violation_has_its_place() {
    let schema = json!({
        "required": ["id"], "additionalProperties": false, "minProperties": 1,
        "properties": {
            "id": {"enum": ["a", "b"]},
            "address": {"required": ["city"], "properties": {"zip": {"pattern": "^[0-9]+$"}}},
            "lines": {"type": "array", "items": {"anyOf": [{"type": "number"}, {"type": "boolean"}]}},
        },
    });
    let set = schemas(&[("order", schema)]);
    let cases = [
        (r#"{"address":{"city":"x"}}"#, "/data", Some("id"), r#""required": "id""#),
        (r#"{"id":"a","address":{}}"#, "/data/address", Some("city"), r#""required": "city""#),
        (r#"{"id":"c"}"#, "/data/id", None, r#""enum": ["a","b"]"#),
        (
            r#"{"id":"a","address":{"city":"x","zip":"y"}}"#,
            "/data/address/zip",
            None,
            r#""pattern": "^[0-9]+$""#,
        ),
        (r#"{"id":"a","extra":1}"#, "/data/extra", None, r#""additionalProperties": false"#),
        (
            r#"{"id":"a","lines":[1,"x"]}"#,
            "/data/lines/1",
            None,
            r#""anyOf": [{"type":"number"},{"type":"boolean"}]"#,
        ),
    ];
    for (data, pointer, missing, expected) in cases {
        let letter = broken(&set, data);
        let found = explain(&letter, &set, None);
        let place = found.place.unwrap();
        assert_eq!((place.pointer.as_str(), place.missing.as_deref()), (pointer, missing), "{data}");
        assert_eq!(found.expected.unwrap().text(), expected, "{data}");
        // The same place follows from the failure alone, when the schema has been fixed since.
        let later = explain(&letter, &SchemaSet::default(), None);
        assert_eq!((later.fails_now, later.advice.fix), (false, Fix::Replay));
        let place = later.place.unwrap();
        let pointer = if data.contains("extra") { "/data" } else { pointer };
        assert_eq!((place.pointer.as_str(), place.missing.as_deref()), (pointer, missing), "{data}");
    }
}

#[test]
fn a_place_is_found_by_a_message_whose_names_have_colons_and_slashes() {
    let set = schemas(&[("order", json!({"additionalProperties": {"type": "number"}}))]);
    let letter = broken(&set, r#"{"a": 1, "a: b/c~d": "x"}"#);
    let place = FailingPlace::of_failure(&letter.body, letter.last_failure().unwrap()).unwrap();
    assert_eq!((place.pointer.as_str(), place.value.as_str()), ("/data/a: b~1c~0d", "\"x\""));
}

#[test]
fn data_in_base64_has_its_place_by_what_it_means() {
    let body = r#"{"specversion":"1.0","id":"e","source":"/s","type":"order","datacontenttype":"application/json","data_base64":"eyJhbW91bnQiOiJ4In0="}"#;
    let letter = letter(FailureClass::Schema, "/amount: value is not of type \"number\"", body);
    for schemas in [money(), SchemaSet::default()] {
        let place = explain(&letter, &schemas, None).place.unwrap();
        assert_eq!((place.pointer.as_str(), place.value.as_str()), ("/data_base64/amount", "\"x\""));
        assert_eq!(&letter.body[place.bytes], "\"eyJhbW91bnQiOiJ4In0=\"");
    }
}

#[test]
fn a_body_that_is_no_event_is_marked_where_it_breaks() {
    for (body, marked) in [
        ("{\"a\": 1,\n \"é\": tru}", "}"),
        (r#"{"specversion":"2.0","id":"e","source":"/s","type":"t"}"#, "\"2.0\""),
    ] {
        let problem = Event::from_structured(body.as_bytes()).unwrap_err();
        let letter = letter(FailureClass::Malformed, &problem.to_string(), body);
        let found = explain(&letter, &money(), None);
        assert_eq!(&body[found.place.unwrap().bytes], marked, "{problem}");
        assert_eq!(found.advice.fix, Fix::Envelope);
    }
    let body = r#"{"specversion":"1.0","source":"/s","type":"t"}"#;
    let problem = Event::from_structured(body.as_bytes()).unwrap_err();
    let place = explain(&letter(FailureClass::Malformed, &problem.to_string(), body), &money(), None).place;
    assert_eq!(place.unwrap().missing.as_deref(), Some("id"));
}

#[test]
fn the_last_good_event_says_whether_the_sender_or_the_schema_changed() {
    let letter = broken(&money(), r#"{"amount": "9.90", "currency": "EUR"}"#);
    let with_number =
        good(&body(r#"{"amount": 9.9, "note": null, "currency": "EUR"}"#), "2026-03-10T16:01:00Z");
    let found = explain(&letter, &money(), Some(&with_number));
    assert_eq!(found.advice.fix, Fix::Sender);
    let said = found.advice.evidence.unwrap().text(|time| time.strftime("%H:%M").to_string());
    assert!(said.contains("stored at 16:01, before the first of these"), "{said}");
    let rows = found.compared.unwrap().rows;
    let row = |pointer: &str| rows.iter().find(|row| row.pointer == pointer).unwrap();
    let amount = row("/data/amount");
    assert_eq!((amount.here.as_deref(), amount.there.as_deref()), (Some("\"9.90\""), Some("9.9")));
    assert!(amount.differs && amount.is_failing);
    assert!(!row("/data/currency").differs && !row("/source").differs);
    assert!(row("/data/note").differs && row("/data/note").here.is_none());

    let strict = good(&body(r#"{"amount": "1"}"#), "2026-03-10T16:01:00Z");
    let found = explain(&letter, &money(), Some(&strict));
    assert_eq!(found.advice.fix, Fix::Schema);
    assert!(matches!(found.advice.evidence, Some(Evidence::GoodFails { .. })));
    let other = StoredEvent { event_type: "another".into(), ..with_number };
    assert_eq!(explain(&letter, &money(), Some(&other)).compared, None, "of another type");
}

#[test]
fn without_a_good_event_a_schema_that_has_just_changed_is_the_likely_cause() {
    let letter = broken(&money(), r#"{"amount": "9.90"}"#);
    let changed = |time: &str| {
        let set = money();
        let sources = set.sources().clone().into_iter();
        let sources = sources.map(|(name, source)| (name, source.changed(Some(at(time))))).collect();
        explain(&letter, &set.with_sources(sources), None).advice.fix
    };
    assert_eq!(changed("2026-03-10T16:02:00Z"), Fix::Schema);
    assert_eq!(changed("2026-03-09T16:02:00Z"), Fix::SenderOrSchema);
    assert_eq!(changed("2026-03-10T16:04:00Z"), Fix::SenderOrSchema, "it changed after the first failure");
    let unusable = SchemaSet::of_texts(&[("order".to_owned(), "{,}")].into());
    let found = explain(&letter, &unusable, None).advice;
    assert!(found.fix == Fix::Schema && matches!(found.evidence, Some(Evidence::SchemaUnusable { .. })));
}

#[test]
fn each_class_has_advice_that_fits() {
    let cases = [
        (FailureClass::StoreThrottled, Fix::Store),
        (FailureClass::StoreUnavailable, Fix::Store),
        (FailureClass::StoreTimeout, Fix::Store),
        (FailureClass::TooLarge, Fix::Size),
        (FailureClass::ConsumerCrash, Fix::Consumer),
        (FailureClass::Unprocessed, Fix::Moved),
        (FailureClass::Schema, Fix::Replay),
    ];
    for (class, fix) in cases {
        let found = explain(&letter(class, "why", &body(r#"{"amount": 1}"#)), &money(), None);
        assert_eq!((found.advice.fix, found.place), (fix, None), "{class}");
        let sentences = found.advice.text.split(['.', ':']);
        assert!(sentences.into_iter().all(|sentence| sentence.split_whitespace().count() < 20), "{class}");
    }
    let lost = DeadLetter { is_lost: true, ..letter(FailureClass::Schema, "/a: b", "") };
    assert_eq!(explain(&lost, &money(), None).advice.fix, Fix::Content);
}

#[test]
fn hostile_bodies_are_bounded_and_escaped() {
    let long = "n".repeat(200_000);
    let cases = [
        format!(r#"{{"{long}": "x", "amount": "{long}"}}"#),
        format!(r#"{{"amount": "a\u202e\u0007{}"}}"#, "\u{202e}\u{7f}\u{2066}"),
        format!(r#"{{"amount": {}{}}}"#, "[".repeat(100), "]".repeat(100)),
        format!(
            "{{{} \"amount\": \"x\"}}",
            (0..5_000).map(|n| format!("\"m{n}\": {n},")).collect::<String>()
        ),
    ];
    for data in cases {
        let letter = broken(&money(), &data);
        let compared = good(&body(&data), "2026-03-10T16:01:00Z");
        let found = explain(&letter, &money(), Some(&compared));
        let text = serde_json::to_string(&found).unwrap();
        assert!(text.len() < 16_000, "{} bytes", text.len());
        assert!(!text.contains(['\u{202e}', '\u{7f}', '\u{2066}']), "{text}");
        assert_eq!(found.place.as_ref().unwrap().pointer, "/data/amount");
        let compared = found.compared.unwrap();
        assert!(compared.rows.len() <= 24 && compared.rows.iter().any(|row| row.is_failing));
        let glance = serde_json::to_string(&letter.glance()).unwrap();
        assert!(glance.len() < 1_000, "{} bytes", glance.len());
    }
    let names = schemas(&[("order", json!({"additionalProperties": {"type": "number"}}))]);
    let letter = broken(&names, &format!(r#"{{"{long}\u0001": "x"}}"#));
    let found = explain(&letter, &names, None);
    assert!(serde_json::to_string(&found).unwrap().len() < 4_000);
    assert_eq!(&letter.body[found.place.unwrap().bytes], "\"x\"", "found, however long its name is");
}
