//! Any bytes under any headers: 2xx or 4xx, and only what was promised is in the queue.

use crate::support::{ingest, open_queue};
use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, Request};
use proptest::prelude::*;
use spillway_core::event::Event;
use spillway_ingest::run;

const TYPES: [&str; 3] =
    ["application/cloudevents+json", "application/cloudevents-batch+json", "application/json"];
const GOOD: &str = r#"{"specversion":"1.0","id":"1","source":"/s","type":"t"}"#;

/// Text that gets further into the handler than random bytes do.
fn plausible_body() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop::sample::select(vec![
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        "\"",
        "\"id\":",
        "\"data\":",
        "\"data_base64\":\"AA==\"",
        "\\u0000",
        "\\ud800",
        "1e999",
        "null",
        "true",
        GOOD,
        "\"specversion\":\"1.0\"",
        "\u{ffff}",
        "é",
        " ",
    ]);
    prop_oneof![
        prop::collection::vec(any::<u8>(), 0..300),
        prop::collection::vec(piece, 0..30).prop_map(|pieces| pieces.concat().into_bytes()),
    ]
}

fn plausible_headers() -> impl Strategy<Value = Vec<(String, Vec<u8>)>> {
    let name = prop::sample::select(vec![
        "content-type",
        "content-encoding",
        "ce-id",
        "ce-source",
        "ce-type",
        "ce-specversion",
        "ce-time",
        "ce-data",
        "ce-x",
        "idempotency-key",
        "x-amzn-trace-id",
        "content-length",
        "expect",
    ]);
    let value = prop_oneof![
        prop::sample::select(vec![
            TYPES[0],
            TYPES[1],
            TYPES[2],
            "text/plain",
            "1.0",
            "/s",
            "\"",
            "%",
            "%0a",
            "application/cloudevents",
            ";;=",
            "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=;Sampled=1",
        ])
        .prop_map(|text| text.as_bytes().to_vec()),
        prop::collection::vec(any::<u8>(), 0..40),
    ];
    prop::collection::vec((name.prop_map(str::to_owned), value), 0..8)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_request_is_answered_2xx_or_4xx(
        body in plausible_body(),
        headers in plausible_headers(),
        path in prop::sample::select(vec!["/events", "/events", "/events", "/health", "/x"]),
        method in prop::sample::select(vec![Method::POST, Method::POST, Method::GET, Method::DELETE]),
    ) {
        let mut request = Request::new(Bytes::from(body));
        *request.method_mut() = method;
        *request.uri_mut() = path.parse().unwrap();
        for (name, value) in headers {
            if let Ok(value) = HeaderValue::from_bytes(&value) {
                request.headers_mut().append(HeaderName::try_from(name).unwrap(), value);
            }
        }
        let queue = open_queue();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let handled = runtime.block_on(run(&ingest(&queue), &request, None));
        let status = handled.response.status();
        prop_assert!(status.is_success() || status.is_client_error(), "{status}");
        prop_assert_eq!(handled.promised.len(), queue.state().sent.len());
        prop_assert!(status.is_success() || queue.state().sent.is_empty());
        for message in queue.state().sent.clone() {
            // The consumer can read every acknowledged event again.
            prop_assert!(Event::from_structured(message.body.as_bytes()).is_ok(), "{}", message.body);
        }
    }
}
