use super::*;

fn structured(change: impl FnOnce(&mut Value)) -> Result<Event, EventProblem> {
    let mut event = json!({"specversion":"1.0","id":"1","source":"/s","type":"t","data":{"a":1}});
    change(&mut event);
    Event::from_structured(event.to_string().as_bytes())
}

#[test]
fn structured_keeps_the_senders_text() {
    let text = "{ \"specversion\":\"1.0\", \"id\":\"1\",\n\"source\":\"/s\",\"type\":\"t\",\"data\":1.50 }";
    let event = Event::from_structured(text.as_bytes()).unwrap();
    assert_eq!(event.body, text);
    assert_eq!(event.key, EventKey::new("/s", "1"));
}

#[test]
fn each_broken_attribute_is_named() {
    let cases: [(&str, Value); 9] = [
        ("/specversion", json!("0.3")),
        ("/id", json!("")),
        ("/id", json!(7)),
        ("/source", json!("a b")),
        ("/type", json!(null)),
        ("/time", json!("yesterday")),
        ("/datacontenttype", json!("json")),
        ("/data_base64", json!("eA==")),
        ("/badName", json!("x")),
    ];
    for (pointer, value) in cases {
        let found = structured(|event| event[&pointer[1..]] = value.clone()).unwrap_err();
        assert_eq!(found.pointer, pointer, "{value}: {found}");
    }
}

#[test]
fn binary_mode_carries_json_text_and_bytes() {
    let attributes: Attributes = [("specversion", "1.0"), ("id", "1"), ("source", "/s"), ("type", "t")]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
    let read = |content_type, data: &[u8]| Event::from_binary(&attributes, content_type, data).unwrap();
    assert_eq!(read(Some("application/json"), b"{\"a\": 1.50}").data().unwrap(), json!({"a": 1.5}));
    assert!(read(Some("application/json"), b"{\"a\": 1.50}").body.ends_with(",\"data\":{\"a\": 1.50}}"));
    assert_eq!(read(Some("text/plain"), b"hi").data().unwrap(), json!("hi"));
    assert_eq!(read(Some("image/png"), &[1, 2]).data().unwrap(), json!("AQI="));
    assert_eq!(read(None, b"").data().unwrap(), Value::Null);
    for event in [read(Some("text/plain"), b"hi"), read(None, b"[1]")] {
        assert_eq!(Event::from_structured(event.body.as_bytes()).unwrap(), event);
    }
    let mut with_data = attributes.clone();
    with_data.insert("data".to_owned(), "x".to_owned());
    assert_eq!(Event::from_binary(&with_data, None, b"1").unwrap_err().pointer, "#/header/ce-data");
    let mut without = attributes.clone();
    without.remove("id");
    assert_eq!(Event::from_binary(&without, None, b"").unwrap_err().pointer, "#/header/ce-id");
}

#[test]
fn wrapped_json_is_a_cloud_event() {
    let wrapping = Wrapping { source: "/api".into(), event_type: "json".into() };
    let event = Event::wrap(b"{\"a\":1}", "k".into(), Timestamp::UNIX_EPOCH, &wrapping).unwrap();
    assert_eq!(Event::from_structured(event.body.as_bytes()).unwrap(), event);
    assert!(Event::wrap(b"[1]", "k".into(), Timestamp::UNIX_EPOCH, &wrapping).is_err());
}

fn with(member: &str) -> Result<Event, EventProblem> {
    let text = format!(r#"{{"specversion":"1.0","id":"1","source":"/s","type":"t",{member}}}"#);
    Event::from_structured(text.as_bytes())
}

fn source(source: &str) -> Result<Event, EventProblem> {
    structured(|event| event["source"] = json!(source))
}

#[test]
fn a_source_is_a_uri_reference() {
    for valid in ["/s", "urn:x:y", "https://example.com/a?b#c", "a", "//host/p", "mailto:a@b.c", "/%7E"] {
        assert!(source(valid).is_ok(), "{valid}");
    }
    for invalid in [":a", "/%zz", "http://[::1/", "#a#b", "/é", "a b", "/{x}"] {
        assert_eq!(source(invalid).unwrap_err().pointer, "/source", "{invalid}");
    }
}

#[test]
fn a_dataschema_is_an_absolute_uri_and_a_content_type_a_media_type() {
    for (member, pointer) in [
        (r#""dataschema":"/rel""#, "/dataschema"),
        (r#""dataschema":"http://[""#, "/dataschema"),
        (r#""datacontenttype":"a/b/c""#, "/datacontenttype"),
        (r#""datacontenttype":"a/""#, "/datacontenttype"),
        (r#""datacontenttype":"/b""#, "/datacontenttype"),
        (r#""datacontenttype":"*/*""#, "/datacontenttype"),
        (r#""datacontenttype":"json""#, "/datacontenttype"),
    ] {
        assert_eq!(with(member).unwrap_err().pointer, pointer, "{member}");
    }
    for member in [
        r#""dataschema":"https://example.com/order.json""#,
        r#""dataschema":"urn:order:1""#,
        r#""datacontenttype":"application/vnd.a+json; charset=utf-8""#,
        r#""datacontenttype":"text/plain""#,
    ] {
        assert!(with(member).is_ok(), "{member}");
    }
}

#[test]
fn an_extension_may_be_empty_and_has_characters_only() {
    assert!(with(r#""tracestate":"""#).is_ok());
    assert_eq!(with(r#""subject":"""#).unwrap_err().pointer, "/subject");
    assert_eq!(with(r#""ext":"\ufffe""#).unwrap_err().pointer, "/ext");
    assert_eq!(with(r#""subject":"\ufdd0""#).unwrap_err().pointer, "/subject");
    assert_eq!(with(r#""ext":"\ud83f\udfff""#).unwrap_err().pointer, "/ext", "U+1FFFF");
    assert!(with(r#""ext":"\ufffd 😀""#).is_ok());
}

#[test]
fn null_data_base64_is_no_data() {
    let event = with(r#""data":1,"data_base64":null"#).unwrap();
    assert_eq!(event.data().unwrap(), json!(1));
    assert!(with(r#""data":1,"data_base64":"eA==""#).is_err());
    assert!(with(r#""data_base64":7"#).is_err());
}

#[test]
fn base64_that_is_json_is_seen_as_json() {
    let json_type = r#""datacontenttype":"application/json","data_base64":"#;
    assert_eq!(with(&format!(r#"{json_type}"eyJhIjoxfQ==""#)).unwrap().data().unwrap(), json!({"a": 1}));
    let broken = with(&format!(r#"{json_type}"eA==""#)).unwrap().data().unwrap_err();
    assert_eq!(broken.pointer, "/data_base64");
    assert_eq!(with(r#""data_base64":"eA==""#).unwrap().data().unwrap(), json!("eA=="));
}

#[test]
fn what_is_accepted_can_be_read_again() {
    let attributes: Attributes = [("specversion", "1.0"), ("id", "1"), ("source", "/s"), ("type", "t")]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
    let wrapping = Wrapping { source: "/api".into(), event_type: "json".into() };
    let nested = |levels: usize| "[".repeat(levels) + &"]".repeat(levels);
    for (levels, taken) in [(126, true), (127, false)] {
        let data = nested(levels);
        let plain = format!(r#"{{"a":{}}}"#, nested(levels - 1));
        let events = [
            Event::from_binary(&attributes, Some("application/json"), data.as_bytes()),
            Event::wrap(plain.as_bytes(), "k".into(), Timestamp::UNIX_EPOCH, &wrapping),
            with(&format!(r#""data":{data}"#)),
        ];
        for event in events {
            assert_eq!(event.is_ok(), taken, "{levels}");
            if let Ok(event) = event {
                assert_eq!(Event::from_structured(event.body.as_bytes()).unwrap(), event);
            }
        }
    }
    let bytes = Event::from_binary(&attributes, None, nested(127).as_bytes()).unwrap();
    assert!(bytes.body.contains("data_base64"), "without a content type it is bytes");
    assert_eq!(Event::from_binary(&attributes, None, b"hello").unwrap().data().unwrap(), json!("aGVsbG8="));
}

#[test]
fn characters_that_sqs_refuses_are_escaped() {
    let event = structured(|event| event["data"] = json!("a\u{ffff}b")).unwrap();
    assert!(event.body.contains("a\\uffffb"));
    assert_eq!(event.data().unwrap(), json!("a\u{ffff}b"));
}

proptest::proptest! {
    #[test]
    fn no_input_panics(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..200)) {
        let _ = Event::from_structured(&bytes);
    }
}
