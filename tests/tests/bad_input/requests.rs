//! Wrong requests over a real socket: each answer says what is wrong and where.

use crate::problem;
use serde_json::json;
use spillway_tests::System;
use spillway_tests::http::{Request, exchange};

const JSON: &str = "application/json";
const STRUCTURED: &str = "application/cloudevents+json";
const BATCH: &str = "application/cloudevents-batch+json";
const GOOD: &str = r#"{"specversion":"1.0","id":"good","source":"/s","type":"t"}"#;
const DEPTH: usize = 10_000;

struct Row {
    name: &'static str,
    request: Request,
    status: u16,
    kind: &'static str,
    /// The pointer in the first entry of `errors`; `None` if the error has no position.
    pointer: Option<&'static str>,
    /// Text that the answer must contain.
    words: &'static str,
}

fn row(
    name: &'static str,
    request: Request,
    (status, kind): (u16, &'static str),
    pointer: impl Into<Option<&'static str>>,
    words: &'static str,
) -> Row {
    Row { name, request, status, kind, pointer: pointer.into(), words }
}

const EVENT: (u16, &str) = (400, "invalid-event");
const INVALID_BATCH: (u16, &str) = (400, "invalid-batch");
const REQUEST: (u16, &str) = (400, "invalid-request");
const MEDIA_TYPE: (u16, &str) = (415, "unsupported-media-type");

fn bodies() -> Vec<Row> {
    let json = |body: &str| Request::post(JSON, body);
    let structured = |body: &str| Request::post(STRUCTURED, body);
    let deep = |inside: &str| format!("{}{inside}{}", "[".repeat(DEPTH), "]".repeat(DEPTH));
    let deep_objects = format!("{}1{}", "{\"a\":".repeat(DEPTH), "}".repeat(DEPTH));
    vec![
        row("nothing at all", json(""), EVENT, "", "ends too early"),
        row("no JSON", json("hello"), EVENT, "", "not valid JSON"),
        row("JSON that ends early", json("{\"a\": [1,"), EVENT, "/a/1", "ends too early"),
        row("JSON and more", json("{} {}"), EVENT, "", "trailing"),
        row("a number that is none", json("{\"a\": NaN}"), EVENT, "/a", "line 1"),
        row("JSON that is no object", json("[1]"), EVENT, "", "object"),
        row("half a surrogate pair", json(r#"{"a":"\ud800"}"#), EVENT, "/a", "only half of a character"),
        row("bad UTF-8", Request::post(JSON, &b"{\"a\":\"\xff\"}"[..]), EVENT, "", "UTF-8"),
        row("bad UTF-8 in a name", Request::post(STRUCTURED, &b"{\"\xc3\x28\":1}"[..]), EVENT, "", "UTF-8"),
        row("UTF-16", Request::post(JSON, &b"\xff\xfe{\0}\0"[..]), EVENT, "", "UTF-8"),
        row("a key twice", json(r#"{"a":{"b":1,"b":2}}"#), EVENT, "/a/b", "appears twice"),
        row(
            "a key twice, once in disguise",
            structured(&GOOD.replace("{", r#"{"\u0069d":"x","#)),
            EVENT,
            "/id",
            "appears twice",
        ),
        row("arrays 10,000 deep", json(&format!("{{\"a\":{}}}", deep(""))), EVENT, None, "deeper than 126"),
        row("objects 10,000 deep", json(&deep_objects), EVENT, None, "deeper than 126"),
        row("10,000 brackets that stay open", json(&"[".repeat(DEPTH)), EVENT, None, "deeper than 126"),
        row(
            "no specversion",
            structured(&GOOD.replace("specversion", "version")),
            EVENT,
            "/specversion",
            "missing",
        ),
        row("an old specversion", structured(&GOOD.replace("1.0", "0.3")), EVENT, "/specversion", "1.0"),
        row("no id", structured(&GOOD.replace("\"id\"", "\"di\"")), EVENT, "/id", "missing"),
        row("an empty id", structured(&GOOD.replace("good", "")), EVENT, "/id", "empty"),
        row("an id that is a number", structured(&GOOD.replace("\"good\"", "7")), EVENT, "/id", "string"),
        row("no source", structured(&GOOD.replace("source", "sauce")), EVENT, "/source", "missing"),
        row("a source that is no URI", structured(&GOOD.replace("/s", "a b")), EVENT, "/source", "URI"),
        row("a type that is null", structured(&GOOD.replace("\"t\"", "null")), EVENT, "/type", ""),
        row(
            "a time that is none",
            structured(&GOOD.replace("{", r#"{"time":"noon","#)),
            EVENT,
            "/time",
            "RFC 3339",
        ),
        row(
            "a bad extension name",
            structured(&GOOD.replace("{", r#"{"Tenant":"x","#)),
            EVENT,
            "/Tenant",
            "lower-case",
        ),
        row(
            "bad base64",
            structured(&GOOD.replace("{", r#"{"data_base64":"***","#)),
            EVENT,
            "/data_base64",
            "base64",
        ),
        row(
            "data twice",
            structured(&GOOD.replace("{", r#"{"data":1,"data_base64":"AA==","#)),
            EVENT,
            None,
            "data_base64",
        ),
    ]
}

fn batches() -> Vec<Row> {
    let batch = |body: String| Request::post(BATCH, body);
    let bad = GOOD.replace("\"t\"", "7");
    vec![
        row("one bad item", batch(format!("[{GOOD},{GOOD},{bad}]")), INVALID_BATCH, "/2/type", "1 of 3"),
        row("a batch that is an event", batch(GOOD.to_owned()), INVALID_BATCH, "", "array"),
        row("a batch that ends early", batch(format!("[{GOOD},")), INVALID_BATCH, None, "ends too early"),
        row(
            "a deep item",
            batch(format!("[{GOOD},{}]", "[".repeat(DEPTH))),
            INVALID_BATCH,
            None,
            "deeper than 127",
        ),
        row(
            "an item with a key twice",
            batch(format!("[{}]", GOOD.replace("{", r#"{"id":"x","#))),
            INVALID_BATCH,
            "/0/id",
            "twice",
        ),
        row(
            "1,001 items",
            batch(format!("[{}]", vec![GOOD; 1001].join(","))),
            (413, "batch-too-large"),
            None,
            "1000",
        ),
        row(
            "one item that is too large",
            batch(format!(
                "[{GOOD},{}]",
                GOOD.replace("{", &format!(r#"{{"data":"{}","#, "x".repeat(300_000)))
            )),
            (413, "event-too-large"),
            "/1",
            "nothing was accepted",
        ),
    ]
}

fn heads() -> Vec<Row> {
    let binary = || {
        Request::to("POST", "/events")
            .header("ce-specversion", "1.0")
            .header("ce-id", "1")
            .header("ce-source", "/s")
            .header("ce-type", "t")
    };
    let post = || Request::to("POST", "/events");
    let with_json = |name: &str, value: &[u8]| Request::post(JSON, "{}").header(name, value);
    vec![
        row("no content type", post().body("{}"), MEDIA_TYPE, None, "no content-type"),
        row("text", Request::post("text/plain", "{}"), MEDIA_TYPE, None, "text/plain"),
        row(
            "a form",
            Request::post("application/x-www-form-urlencoded", "a=1"),
            MEDIA_TYPE,
            None,
            "application/json",
        ),
        row("events as XML", Request::post("application/cloudevents+xml", "<e/>"), MEDIA_TYPE, None, "xml"),
        row(
            "another charset",
            Request::post("application/json; charset=utf-16", "{}"),
            MEDIA_TYPE,
            None,
            "UTF-8",
        ),
        row(
            "two content types",
            Request::post(JSON, "{}").header("content-type", STRUCTURED),
            REQUEST,
            None,
            "twice",
        ),
        row(
            "compressed",
            with_json("content-encoding", b"gzip"),
            (415, "unsupported-content-encoding"),
            None,
            "content-encoding",
        ),
        row(
            "an attribute that is missing",
            post().header("ce-id", "1"),
            EVENT,
            "#/header/ce-specversion",
            "missing",
        ),
        row("an attribute twice", binary().header("ce-id", "2"), EVENT, "#/header/ce-id", "twice"),
        row(
            "bytes in an attribute",
            binary().header("ce-subject", b"\xff\xfe"),
            EVENT,
            "#/header/ce-subject",
            "UTF-8",
        ),
        row(
            "a line break in an attribute",
            binary().header("ce-subject", "a%0Ab"),
            EVENT,
            "#/header/ce-subject",
            "control",
        ),
        row(
            "a bad attribute name",
            binary().header("ce-tenant-id", "1"),
            EVENT,
            "#/header/ce-tenant-id",
            "lower-case",
        ),
        row(
            "bytes in the key",
            with_json("idempotency-key", b"\xff"),
            REQUEST,
            "#/header/idempotency-key",
            "",
        ),
        row("an empty key", with_json("idempotency-key", b""), REQUEST, "#/header/idempotency-key", "empty"),
        row("another host", with_json("host", b"evil.example"), (421, "misdirected-request"), None, "--host"),
        row(
            "a page of another site",
            with_json("origin", b"http://evil.example"),
            (403, "forbidden"),
            None,
            "",
        ),
        row("a page without a site", with_json("origin", b"null"), (403, "forbidden"), None, ""),
    ]
}

fn sizes_and_routes() -> Vec<Row> {
    let text = |bytes: usize| format!("{{\"a\":\"{}\"}}", "x".repeat(bytes));
    let not_found = (404, "not-found");
    let not_allowed = (405, "method-not-allowed");
    vec![
        row(
            "an event over its limit",
            Request::post(JSON, text(262_144)),
            (413, "event-too-large"),
            "",
            "limit",
        ),
        row(
            "a request over its limit",
            Request::post(JSON, text(1_048_577)),
            (413, "request-too-large"),
            None,
            "1048576",
        ),
        row(
            "a request far over it",
            Request::post(JSON, text(20_000_000)),
            (413, "request-too-large"),
            None,
            "1048576",
        ),
        row("an unknown route", Request::to("POST", "/evnets").body("{}"), not_found, None, ""),
        row("the root", Request::to("GET", "/"), not_found, None, ""),
        row("a way out", Request::to("GET", "/../../etc/passwd"), not_found, None, ""),
        row("a strange path", Request::to("GET", "/%00%ff"), not_found, None, ""),
        row("a long path", Request::to("GET", &format!("/{}", "a".repeat(8_000))), not_found, None, ""),
        row("reading events", Request::to("GET", "/events"), not_allowed, None, ""),
        row("deleting events", Request::to("DELETE", "/events"), not_allowed, None, ""),
        row("a custom method", Request::to("FROBNICATE", "/events"), not_allowed, None, ""),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn every_bad_request_gets_reason_and_position_and_stores_nothing() {
    let system = System::start_empty().await;
    system.accept("before", "t", &json!({})).await;
    let before = system.until(&["flow"], |flow| flow["stored"] == 1).await;
    let mut wrong = Vec::new();
    for row in bodies().into_iter().chain(batches()).chain(heads()).chain(sizes_and_routes()) {
        let name = row.name;
        let answer = system.send(&row.request).await;
        let document = problem(&answer, name);
        let expected = format!("/problems/{}", row.kind);
        let pointer = document["errors"][0]["pointer"].as_str();
        let right = answer.status == row.status
            && document["type"] == expected.as_str()
            && row.pointer.is_none_or(|expected| pointer == Some(expected))
            && document.to_string().contains(row.words);
        if !right {
            wrong.push(format!("{name}: {document:#}"));
        }
        let accepted = system.ledger().await["accepted"].clone();
        assert_eq!(accepted, before["accepted"], "{name}: something was accepted");
    }
    assert!(wrong.is_empty(), "{} are not as expected:\n{}", wrong.len(), wrong.join("\n"));
    system.accept("after", "t", &json!({})).await;
    let after = system.until(&["flow"], |flow| flow["stored"] == 2).await;
    assert_eq!((&after["accepted"], &after["unaccounted"]), (&json!(2), &json!(0)));
    assert!(!system.log().contains("panicked"), "{}", system.log());
}

/// The server answers broken HTTP with a bare status, or closes the connection. It still serves the next connection.
#[tokio::test(flavor = "multi_thread")]
async fn broken_http_affects_no_other_request() {
    let system = System::start_empty().await;
    let long_header = format!("POST /events HTTP/1.1\r\nhost: x\r\na: {}\r\n\r\n", "x".repeat(40_000));
    let many_headers = format!("POST /events HTTP/1.1\r\nhost: x\r\n{}\r\n", "a: b\r\n".repeat(2_000));
    for (name, bytes) in [
        ("noise", &b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"[..]),
        ("no version", b"POST /events\r\n\r\n"),
        ("an old protocol", b"POST /events HTTP/0.9\r\n\r\n"),
        ("another protocol", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
        ("two lengths", b"POST /events HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\n{}x"),
        (
            "length and chunks",
            b"POST /events HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\
              transfer-encoding: chunked\r\n\r\nzz\r\n",
        ),
        ("a length below zero", b"POST /events HTTP/1.1\r\nhost: x\r\ncontent-length: -1\r\n\r\n"),
        (
            "a chunk that is none",
            b"POST /events HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
        ),
        ("a header over its limit", long_header.as_bytes()),
        ("too many headers", many_headers.as_bytes()),
    ] {
        match exchange(system.api(), bytes).await {
            Ok(answer) => assert!((400..500).contains(&answer.status), "{name}: {answer:?}"),
            Err(closed) => assert!(closed.contains("connection"), "{name}: {closed}"),
        }
        assert_eq!(system.ledger().await["accepted"], 0, "{name}");
    }
    system.accept("after", "t", &json!({})).await;
    assert!(!system.log().contains("panicked"), "{}", system.log());
}

/// A simple random number generator (xorshift) that gives the same numbers each time.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % end as u64).unwrap_or(0)
    }
}

/// Some bytes of a valid body are changed, doubled or left out. Some of the results are still events, most are not.
#[tokio::test(flavor = "multi_thread")]
async fn damaged_events_are_accepted_or_refused_and_counted_correctly() {
    let system = System::start_empty().await;
    let mut dice = Dice(0x5eed);
    let whole = format!("[{},{}]", GOOD.replace("{", r#"{"data":{"a":[1,"\u00e9"]},"#), GOOD);
    let (mut promised, mut refused) = (0, 0);
    for _ in 0..400 {
        let (content_type, body) =
            if dice.below(2) == 0 { (STRUCTURED, GOOD) } else { (BATCH, whole.as_str()) };
        let mut body = body.as_bytes().to_vec();
        for _ in 0..=dice.below(3) {
            let at = dice.below(body.len());
            match dice.below(4) {
                0 => body[at] = u8::try_from(dice.below(256)).unwrap_or(0),
                1 => body.truncate(at.max(1)),
                2 => body.insert(at, b"{}[]\",:\\\0"[dice.below(9)]),
                _ => drop(body.remove(at)),
            }
        }
        let answer = system.send(&Request::post(content_type, body.clone())).await;
        if answer.status == 202 {
            promised += answer.json()["results"].as_array().map_or(1, Vec::len);
        } else {
            let what = String::from_utf8_lossy(&body);
            problem(&answer, &what);
            assert!((400..500).contains(&answer.status), "{what}: {answer:?}");
            refused += 1;
        }
    }
    assert!(promised > 0 && refused > 0, "{promised} promised, {refused} refused");
    let flow = system.until(&["flow"], |flow| flow["stored"] == flow["accepted"]).await;
    assert_eq!((&flow["accepted"], &flow["unaccounted"]), (&json!(promised), &json!(0)));
    assert!(!system.log().contains("panicked"), "{}", system.log());
}
