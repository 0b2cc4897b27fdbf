use super::*;
use serde_json::json;

fn event(event_type: &str, data: Value) -> Event {
    let text = json!({"specversion":"1.0","id":"1","source":"/s","type":event_type,"data":data}).to_string();
    Event::from_structured(text.as_bytes()).unwrap()
}

fn orders() -> BTreeMap<String, Value> {
    BTreeMap::from([
        (
            "order".to_owned(),
            json!({
                "$schema": "https://json-schema.org/draft/2020-12/schema",
                "properties": {"amount": {"$ref": "money.json"}},
            }),
        ),
        (
            "money".to_owned(),
            json!({"$schema": "http://json-schema.org/draft-07/schema#", "type": "number", "minimum": 0}),
        ),
    ])
}

#[test]
fn says_where_and_what_without_the_value() {
    let set = SchemaSet::compile(&orders()).unwrap();
    assert_eq!(set.check(&event("order", json!({"amount": 3}))), Ok(()));
    assert_eq!(set.check(&event("unknown", json!("anything"))), Ok(()));
    let text = set.check(&event("order", json!({"amount": "secret"}))).unwrap_err().message;
    assert!(text.starts_with("/amount: ") && text.contains("number") && !text.contains("secret"), "{text}");
}

#[test]
fn a_schema_that_cannot_be_used_refuses_its_own_type_and_those_that_refer_to_it() {
    let mut all = orders();
    all.insert("money".to_owned(), json!({"type": "nonsense"}));
    all.insert("user".to_owned(), json!({"type": "object"}));
    let set = SchemaSet::compile_usable(&all);
    let refused = set.refused();
    assert_eq!(refused.keys().collect::<Vec<_>>(), ["money", "order"]);
    assert!(refused["money"].to_string().contains("money.json"), "{}", refused["money"]);
    assert_eq!(set.check(&event("user", json!({}))), Ok(()));
    assert!(set.check(&event("user", json!(1))).is_err());
    let text = set.check(&event("order", json!({"amount": 3}))).unwrap_err().message;
    assert!(text.contains("can't be used") && text.contains("json"), "{text}");
    assert_eq!(set.check(&event("unknown", json!(1))), Ok(()));
}

#[test]
fn any_file_name_can_be_an_event_type_and_be_referred_to() {
    for name in ["Order Placed", "größe", "a[0]", "100%", "a#b", "a?b", "a.json", ".", "a:b"] {
        let reference = format!("{}.json", utf8_percent_encode(name, &ESCAPED));
        let all = BTreeMap::from([
            (name.to_owned(), json!({"type": "number"})),
            ("referring".to_owned(), json!({"$ref": reference})),
        ]);
        let set = SchemaSet::compile(&all).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(set.check(&event(name, json!("x"))).is_err(), "{name}");
        assert!(set.check(&event("referring", json!("x"))).is_err(), "{name}");
        assert_eq!(set.check(&event("referring", json!(1))), Ok(()), "{name}");
    }
}

#[test]
fn an_integer_beyond_64_bits_is_never_accepted_for_another_one() {
    // All three are the same 64-bit float.
    let (least, next, other) = ("18446744073709551616", "18446744073709551617", "18446744073709551618");
    let of = |schema: &str, data: &str, is_base64: bool| {
        let schema = SchemaSet::parse(Path::new("t.json"), schema.as_bytes()).unwrap();
        let set = SchemaSet::compile(&BTreeMap::from([("t".to_owned(), schema)])).unwrap();
        let data = match is_base64 {
            false => format!(r#""data":{data}"#),
            true => {
                use base64::Engine as _;
                let encoded = base64::engine::general_purpose::STANDARD.encode(data);
                format!(r#""datacontenttype":"application/json","data_base64":"{encoded}""#)
            }
        };
        let text = format!(r#"{{"specversion":"1.0","id":"1","source":"/s","type":"t",{data}}}"#);
        set.check(&Event::from_structured(text.as_bytes()).unwrap()).map_err(|reason| reason.message)
    };
    let wrong = [
        (format!(r#"{{"const":{next}}}"#), other.to_owned()),
        (format!(r#"{{"const":-{next}}}"#), format!("-{other}")),
        (format!(r#"{{"enum":[{least},{next}]}}"#), other.to_owned()),
        (format!(r#"{{"maximum":{least}}}"#), next.to_owned()),
        (format!(r#"{{"exclusiveMinimum":{next}}}"#), next.to_owned()),
        (r#"{"multipleOf":2}"#.to_owned(), next.to_owned()),
        (format!(r#"{{"multipleOf":{next}}}"#), other.to_owned()),
        (r#"{"not":{"uniqueItems":true}}"#.to_owned(), format!("[{least},{next}]")),
        (format!(r##"{{"$ref":"#/$defs/a","$defs":{{"a":{{"const":{next}}}}}}}"##), other.to_owned()),
    ];
    for (schema, data) in &wrong {
        for is_base64 in [false, true] {
            let reason = of(schema, data, is_base64).unwrap_err();
            assert!(reason.contains("an integer beyond 64 bits"), "{schema}: {reason}");
        }
    }
    // Up to 64 bits each digit counts, and what no float can confuse is checked as ever.
    assert!(of(r#"{"const":18446744073709551615}"#, "18446744073709551614", false).is_err());
    assert!(of(r#"{"maximum":18446744073709551614}"#, "18446744073709551615", false).is_err());
    assert!(of(r#"{"multipleOf":2}"#, "9007199254740993", false).is_err());
    assert!(of(r#"{"maximum":10}"#, next, false).unwrap_err().contains("maximum of 10"));
    for (schema, data) in [
        (r#"{"type":"integer","minimum":1}"#, next),
        (r#"{"properties":{"id":{"type":"string"}}}"#, &*format!(r#"{{"large":{next},"id":"7"}}"#)),
        (r#"{"multipleOf":2}"#, r#"18446744073709551614"#),
        (r#"{"uniqueItems":true}"#, r#"["18446744073709551616","18446744073709551617",1.5e300]"#),
        (r#"{"maximum":1.7976931348623157e308}"#, "1e300"),
    ] {
        assert_eq!(of(schema, data, false), Ok(()), "{schema}");
    }
}

#[test]
fn a_reference_out_of_the_folder_is_refused() {
    let outside = BTreeMap::from([("a".to_owned(), json!({"$ref": "https://example.com/x.json"}))]);
    let error = SchemaSet::compile(&outside).unwrap_err().to_string();
    assert!(error.ends_with("refers to https://example.com/x.json, which is not in the folder"), "{error}");
}

#[test]
fn a_schema_that_cannot_be_used_says_why_in_plain_words() {
    let why = |schema: Value| {
        let set = SchemaSet::compile_usable(&BTreeMap::from([("a".to_owned(), schema)]));
        set.refused()["a"].to_string()
    };
    assert_eq!(
        why(json!({"$ref": "nowhere.json"})),
        "a.json is not a usable JSON Schema: it refers to nowhere.json, and there is no such file"
    );
    assert!(why(json!({"$ref": "#/$defs/none"})).contains("no such place in the schema"));
    let deep = SchemaSet::parse(Path::new("a.json"), "[".repeat(1_000).as_bytes()).unwrap_err().to_string();
    assert!(deep.contains("nests too deep") && !deep.contains("recursion"), "{deep}");
    let set = SchemaSet::compile(&BTreeMap::from([("a".to_owned(), json!({"properties": {"b": false}}))]));
    let reason = set.unwrap().check(&event("a", json!({"b": 1}))).unwrap_err().message;
    assert_eq!(reason, "/b: the schema allows no value here");
}
