//! Bad input: each gets a problem document with reason and place, and no part of it reaches the queue.

use crate::support::{header, ingest, json, open_queue, post};
use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, Request};
use serde_json::json;
use spillway_ingest::{Outcome, handle, run};

const STRUCTURED: (&str, &str) = ("content-type", "application/cloudevents+json");
const BATCH: (&str, &str) = ("content-type", "application/cloudevents-batch+json");
const JSON: (&str, &str) = ("content-type", "application/json");
const GOOD: &str = r#"{"specversion":"1.0","id":"1","source":"/s","type":"t"}"#;

struct Case {
    name: &'static str,
    request: Request<Bytes>,
    status: u16,
    kind: &'static str,
    /// Pointer and part of the detail of each entry in `errors`.
    errors: &'static [(&'static str, &'static str)],
}

fn case(
    name: &'static str,
    request: Request<Bytes>,
    (status, kind): (u16, &'static str),
    errors: &'static [(&'static str, &'static str)],
) -> Case {
    Case { name, request, status, kind, errors }
}

const EVENT: (u16, &str) = (400, "invalid-event");
const INVALID_BATCH: (u16, &str) = (400, "invalid-batch");

fn bodies() -> Vec<Case> {
    let deep = |inner: &str| format!("{}{inner}{}", "[".repeat(3_000), "]".repeat(3_000));
    let object = |data: &str| {
        format!("{{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"/s\",\"type\":\"t\",{data}}}")
    };
    vec![
        case("nothing", post(&[JSON], ""), EVENT, &[("", "ends too early")]),
        case("invalid JSON", post(&[JSON], "{\"a\":}"), EVENT, &[("/a", "line 1 column 6")]),
        case("invalid JSON in a CloudEvent", post(&[STRUCTURED], "{"), EVENT, &[("", "ends too early")]),
        case("plain JSON that is no object", post(&[JSON], "[{}]"), EVENT, &[("", "object")]),
        case("a CloudEvent that is no object", post(&[STRUCTURED], "7"), EVENT, &[("", "JSON object")]),
        case("bad UTF-8", post(&[JSON], &b"{\"a\":\"\xff\"}"[..]), EVENT, &[("", "UTF-8")]),
        case("bad UTF-8 in a CloudEvent", post(&[STRUCTURED], &b"\xc3\x28"[..]), EVENT, &[("", "UTF-8")]),
        case(
            "bad UTF-8 in a batch",
            post(&[BATCH], &b"[{\"a\":\"\xff\"}]"[..]),
            INVALID_BATCH,
            &[("", "UTF-8")],
        ),
        case("a byte order mark", post(&[JSON], &b"\xef\xbb\xbf{}"[..]), EVENT, &[("", "not valid JSON")]),
        case("duplicate keys", post(&[JSON], r#"{"a":{"b":1,"b":2}}"#), EVENT, &[("/a/b", "appears twice")]),
        case(
            "duplicate keys in attributes",
            post(&[STRUCTURED], object("\"id\":\"2\"")),
            EVENT,
            &[("/id", "appears twice")],
        ),
        case("deep nesting", post(&[STRUCTURED], object(&format!("\"data\":{}", deep("")))), EVENT, DEEP),
        case(
            "a number that no float holds",
            post(&[STRUCTURED], object("\"data\":[1,1e400]")),
            EVENT,
            &[("/data/1", "a number beyond the range of a 64-bit float")],
        ),
        case(
            "an escape that is half a character",
            post(&[STRUCTURED], object("\"data\":{\"a\":\"\\ud800\"}")),
            EVENT,
            &[("/data/a", "only half of a character")],
        ),
        case(
            "such a number and such an escape in a batch, each named in its own item",
            post(
                &[BATCH],
                format!("[{GOOD},{},{}]", object("\"data\":1e400"), object("\"subject\":\"\\udc00\"")),
            ),
            INVALID_BATCH,
            &[
                ("/1/data", "a number beyond the range of a 64-bit float"),
                ("/2/subject", "only half of a character"),
            ],
        ),
        case(
            "data that the envelope makes too deep",
            post(
                &[("ce-id", "1"), ("ce-source", "/s"), ("ce-type", "t"), ("ce-specversion", "1.0"), JSON],
                format!("{}{}", "[".repeat(127), "]".repeat(127)),
            ),
            EVENT,
            &[("/0/0", "nested deeper than 126 levels")],
        ),
        case(
            "wrong specversion",
            post(&[STRUCTURED], GOOD.replace("1.0", "0.3")),
            EVENT,
            &[("/specversion", "1.0")],
        ),
        case("no type", post(&[STRUCTURED], GOOD.replace("type", "tipe")), EVENT, &[("/type", "missing")]),
        case(
            "an id that is no text",
            post(&[STRUCTURED], GOOD.replace("\"1\"", "1")),
            EVENT,
            &[("/id", "string")],
        ),
        case(
            "a source that is no URI",
            post(&[STRUCTURED], GOOD.replace("/s", "a b")),
            EVENT,
            &[("/source", "URI")],
        ),
        case("a bad time", post(&[STRUCTURED], object("\"time\":\"noon\"")), EVENT, &[("/time", "RFC 3339")]),
        case(
            "a bad extension",
            post(&[STRUCTURED], object("\"Tenant\":1")),
            EVENT,
            &[("/Tenant", "lower-case")],
        ),
    ]
}

/// The pointer is 127 steps long, so only the message is compared.
const DEEP: &[(&str, &str)] = &[("/data/0/0", "deeper than 127 levels")];

fn batches() -> Vec<Case> {
    let many = format!("[{}]", ["0"; 11].join(","));
    vec![
        case(
            "one bad item",
            post(&[BATCH], format!("[{GOOD},{},{GOOD}]", GOOD.replace("\"t\"", "7"))),
            INVALID_BATCH,
            &[("/1/type", "expected a string, found a number")],
        ),
        case(
            "three bad items, each its own way",
            post(&[BATCH], format!("[{{\"a\":1,\"a\":2}},{GOOD},{},[]]", GOOD.replace("\"id\"", "\"di\""))),
            INVALID_BATCH,
            &[("/0/a", "appears twice"), ("/2/id", "missing"), ("/3", "JSON object")],
        ),
        case(
            "a deep item",
            post(&[BATCH], format!("[{GOOD},{}{}]", "[".repeat(3_000), "]".repeat(3_000))),
            INVALID_BATCH,
            &[("/1/0/0", "deeper than 127 levels")],
        ),
        case("no array", post(&[BATCH], GOOD), INVALID_BATCH, &[("", "array of events")]),
        case(
            "half an array",
            post(&[BATCH], format!("[{GOOD},")),
            INVALID_BATCH,
            &[("/1", "ends too early")],
        ),
        case("an array and more", post(&[BATCH], format!("[{GOOD}] 1")), INVALID_BATCH, &[("", "trailing")]),
        case("too many items", post(&[BATCH], many), (413, "batch-too-large"), &[]),
        case(
            "one large item",
            post(
                &[BATCH],
                format!("[{GOOD},{}]", GOOD.replace("/s", &format!("/s\",\"data\":\"{}", "x".repeat(2_000)))),
            ),
            (413, "event-too-large"),
            &[("/1", "bytes as CloudEvents JSON")],
        ),
    ]
}

fn headers() -> Vec<Case> {
    let with = |name: &'static str, value: &'static str| {
        post(
            &[
                ("ce-specversion", "1.0"),
                ("ce-id", "1"),
                ("ce-source", "/s"),
                ("ce-type", "t"),
                (name, value),
            ],
            "",
        )
    };
    let bytes = |name: &'static str, value: &[u8]| {
        let mut request = with("ce-x", "1");
        request.headers_mut().insert(HeaderName::from_static(name), HeaderValue::from_bytes(value).unwrap());
        request
    };
    let key = |key: &str| post(&[JSON, ("idempotency-key", key)], "{}");
    let request = (400, "invalid-request");
    let mut plain_text_json = with("content-type", "application/json");
    *plain_text_json.body_mut() = Bytes::from_static(b"{\"a\":1,\"a\":2}");
    vec![
        case(
            "binary without type",
            post(&[("ce-id", "1"), ("ce-specversion", "1.0"), ("ce-source", "/")], ""),
            EVENT,
            &[("#/header/ce-type", "missing")],
        ),
        case(
            "binary with one attribute only",
            post(&[("ce-id", "1")], ""),
            EVENT,
            &[("#/header/ce-specversion", "missing")],
        ),
        case("an attribute twice", with("ce-id", "2"), EVENT, &[("#/header/ce-id", "twice")]),
        case(
            "an attribute that is no UTF-8",
            with("ce-subject", "%ff"),
            EVENT,
            &[("#/header/ce-subject", "UTF-8")],
        ),
        case(
            "raw bytes in an attribute",
            bytes("ce-subject", b"\xff"),
            EVENT,
            &[("#/header/ce-subject", "UTF-8")],
        ),
        case(
            "an encoded line break",
            with("ce-subject", "a%0Ab"),
            EVENT,
            &[("#/header/ce-subject", "control")],
        ),
        case(
            "an attribute with a hyphen",
            with("ce-tenant-id", "1"),
            EVENT,
            &[("#/header/ce-tenant-id", "lower-case")],
        ),
        case("data in a header", with("ce-data", "{}"), EVENT, &[("#/header/ce-data", "the body")]),
        case(
            "data_base64 in a header",
            with("ce-data_base64", "AA=="),
            EVENT,
            &[("#/header/ce-data_base64", "the body")],
        ),
        case(
            "the content type as an attribute",
            with("ce-datacontenttype", "a/b"),
            EVENT,
            &[("#/header/ce-datacontenttype", "content-type")],
        ),
        case(
            "binary with a bad content type",
            with("content-type", "json"),
            EVENT,
            &[("#/header/content-type", "media type")],
        ),
        case("binary with bad JSON data", plain_text_json, EVENT, &[("/a", "appears twice")]),
        case("an empty key", key(""), request, &[("#/header/idempotency-key", "empty")]),
        case("a long key", key(&"k".repeat(1_025)), request, &[("#/header/idempotency-key", "1,024")]),
        case(
            "a key twice",
            post(&[JSON, ("idempotency-key", "1"), ("idempotency-key", "2")], "{}"),
            request,
            &[("#/header/idempotency-key", "twice")],
        ),
        case("no content type", post(&[], "{}"), (415, "unsupported-media-type"), &[]),
        case(
            "a form",
            post(&[("content-type", "application/x-www-form-urlencoded")], "{}"),
            (415, "unsupported-media-type"),
            &[],
        ),
        case(
            "XML",
            post(&[("content-type", "application/cloudevents+xml")], GOOD),
            (415, "unsupported-media-type"),
            &[],
        ),
        case(
            "compressed",
            post(&[JSON, ("content-encoding", "gzip")], "{}"),
            (415, "unsupported-content-encoding"),
            &[],
        ),
        case("two content types", post(&[JSON, STRUCTURED], GOOD), request, &[]),
    ]
}

fn sizes_and_routes() -> Vec<Case> {
    let to = |method: Method, path: &'static str| {
        let mut request = post(&[JSON], "{}");
        *request.method_mut() = method;
        *request.uri_mut() = path.parse().unwrap();
        request
    };
    let text = |bytes: usize| format!("{{\"a\":\"{}\"}}", "x".repeat(bytes));
    let ce = [
        ("ce-specversion", "1.0"),
        ("ce-id", "1"),
        ("ce-source", "/"),
        ("ce-type", "t"),
        ("content-type", "image/png"),
    ];
    vec![
        case("a large request", post(&[JSON], text(8_000)), (413, "request-too-large"), &[]),
        case(
            "a large event",
            post(&[JSON], text(2_000)),
            (413, "event-too-large"),
            &[("", "bytes as CloudEvents JSON")],
        ),
        case(
            "bytes that grow in base64",
            post(&ce, vec![0; 1_600]),
            (413, "event-too-large"),
            &[("", "bytes as")],
        ),
        case("an unknown path", to(Method::POST, "/event"), (404, "not-found"), &[]),
        case("the root", to(Method::GET, "/"), (404, "not-found"), &[]),
        case("a trailing slash", to(Method::POST, "/events/"), (404, "not-found"), &[]),
        case("reading events", to(Method::GET, "/events"), (405, "method-not-allowed"), &[]),
        case("posting to health", to(Method::POST, "/health"), (405, "method-not-allowed"), &[]),
        case("no path at all", to(Method::OPTIONS, "*"), (404, "not-found"), &[]),
    ]
}

#[tokio::test]
async fn each_refusal_says_what_is_wrong_and_where() {
    for case in bodies().into_iter().chain(batches()).chain(headers()).chain(sizes_and_routes()) {
        let name = case.name;
        let queue = open_queue();
        let handled = run(&ingest(&queue), &case.request, None).await;
        let document = json(&handled.response);
        assert_eq!(handled.response.status(), case.status, "{name}: {document}");
        assert_eq!(header(&handled.response, "content-type"), Some("application/problem+json"), "{name}");
        assert_eq!(document["type"], format!("/problems/{}", case.kind), "{name}");
        assert_eq!(document["status"], case.status, "{name}");
        assert!(["title", "detail"].iter().all(|member| document[*member].is_string()), "{name}: {document}");
        let errors = document["errors"].as_array().cloned().unwrap_or_default();
        assert_eq!(errors.len(), case.errors.len(), "{name}: {document}");
        for (error, (pointer, detail)) in errors.iter().zip(case.errors) {
            let found = error["pointer"].as_str().unwrap();
            let deep = detail.contains("deeper") && found.starts_with(pointer);
            assert!(found == *pointer || deep, "{name}: {error}");
            assert!(error["detail"].as_str().unwrap().contains(detail), "{name}: {error}");
        }
        assert!(queue.state().sent.is_empty(), "{name}: nothing may be accepted");
        assert_eq!((handled.outcome, handled.promised.len()), (Outcome::Refused, 0), "{name}");
    }
}

#[tokio::test]
async fn the_answer_names_what_is_accepted() {
    let queue = open_queue();
    let deps = ingest(&queue);
    let large = handle(&deps, post(&[JSON], "x".repeat(8_001))).await;
    assert_eq!(json(&large)["limit"], 8_000);
    let large = handle(&deps, post(&[JSON], format!("{{\"a\":\"{}\"}}", "x".repeat(2_000)))).await;
    assert_eq!(json(&large)["limit"], 2_000);
    let many = handle(&deps, post(&[BATCH], format!("[{}]", ["{}"; 11].join(",")))).await;
    assert_eq!(json(&many)["limit"], 10);
    let typed = handle(&deps, post(&[("content-type", "text/plain")], "{}")).await;
    assert!(header(&typed, "accept-post").unwrap().contains("application/cloudevents+json"));
    assert!(json(&typed)["detail"].as_str().unwrap().contains("application/json"));
    let compressed = handle(&deps, post(&[JSON, ("content-encoding", "br")], "{}")).await;
    assert_eq!(header(&compressed, "accept-encoding"), Some("identity"));
    let mut wrong = post(&[], "");
    *wrong.method_mut() = Method::PUT;
    assert_eq!(header(&handle(&deps, wrong).await, "allow"), Some("POST"));
}

#[tokio::test]
async fn ten_thousand_levels_and_answers_stay_small() {
    let queue = open_queue();
    let mut deps = ingest(&queue);
    deps.settings.max_request_bytes = 1 << 20;
    deps.settings.max_batch_events = 1_000;
    let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    let long = "k".repeat(500_000);
    for request in [
        post(&[JSON], format!("{{\"a\":{deep}}}")),
        post(&[JSON], deep.clone()),
        post(&[STRUCTURED], deep.clone()),
        post(&[BATCH], deep),
        post(&[JSON], format!("{{\"{long}\":1,\"{long}\":2}}")),
        post(&[BATCH], format!("[{}]", ["0"; 1_000].join(","))),
        post(&[BATCH], format!("[{}]", vec!["0"; 500_000].join(","))),
        post(&[STRUCTURED], GOOD.replace("\"t\"", &format!("[\"{long}\"]"))),
        post(&[STRUCTURED], GOOD.replace("\"1.0\"", &format!("[\"{long}\"]"))),
    ] {
        let response = handle(&deps, request).await;
        assert!(response.status().is_client_error(), "{}", json(&response));
        assert!(response.body().len() < 20_000, "an answer of {} bytes", response.body().len());
    }
    assert_eq!(queue.state().sent.len(), 0);
    let many = handle(&deps, post(&[BATCH], format!("[{}]", ["0"; 1_000].join(",")))).await;
    assert!(json(&many)["detail"].as_str().unwrap().starts_with("1000 of 1000 events"), "{}", json(&many));
    assert_eq!(json(&many)["errors"].as_array().unwrap().len(), 100);
    assert_eq!(json(&many)["errors"][99], json!({"pointer":"/99","detail":"an event is a JSON object"}));
}
