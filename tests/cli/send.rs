//! `spillway send` against an API whose answers a test chooses.

use crate::common::spillway_words;
use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use tokio::net::TcpListener;

/// A request that arrived.
#[derive(Clone, Debug)]
struct Arrived {
    headers: HeaderMap,
    body: String,
}

type Arrivals = Arc<Mutex<Vec<Arrived>>>;

/// An API that answers each request by its body and the number of requests with that body before it.
async fn serve(answer: fn(&str, usize) -> (u16, String)) -> (String, Arrivals) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let arrivals = Arrivals::default();
    let shared = Arc::clone(&arrivals);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let arrivals = Arc::clone(&shared);
            let service = service_fn(move |request: Request<Incoming>| {
                let arrivals = Arc::clone(&arrivals);
                async move {
                    let headers = request.headers().clone();
                    let body = request.into_body().collect().await.expect("a body").to_bytes();
                    let body = String::from_utf8(body.to_vec()).expect("UTF-8");
                    let mut arrivals = arrivals.lock().expect("no test has failed");
                    let before = arrivals.iter().filter(|arrived| arrived.body == body).count();
                    let (status, text) = answer(&body, before);
                    arrivals.push(Arrived { headers, body });
                    let mut response = Response::new(Full::new(Bytes::from(text)));
                    *response.status_mut() = StatusCode::from_u16(status).expect("a status");
                    if status == 503 {
                        response.headers_mut().insert("retry-after", 0.into());
                    }
                    Ok::<_, Infallible>(response)
                }
            });
            let http = hyper::server::conn::http1::Builder::new();
            tokio::spawn(http.serve_connection(TokioIo::new(stream), service));
        }
    });
    (url, arrivals)
}

/// 202 for each event, with the id that the request has.
fn promise(body: &str) -> (u16, String) {
    let event: serde_json::Value = serde_json::from_str(body).expect("an event");
    (202, serde_json::json!({"id": event["id"], "source": event["source"]}).to_string())
}

#[tokio::test]
async fn the_exit_code_tells_what_to_send_again_from_what_to_fix() {
    let (url, _) = serve(|body, _| {
        let status = body.parse().expect("the test sends a status");
        (status, if status == 202 { "{\"id\":\"1\"}".to_owned() } else { "<html>".to_owned() })
    })
    .await;
    for (status, code) in
        [(202, 0), (200, 1), (204, 1), (301, 1), (400, 1), (413, 1), (408, 5), (429, 5), (500, 5), (503, 5)]
    {
        let output = spillway_words(["send", &status.to_string(), "--url", &url]).await;
        assert_eq!(output.code, Some(code), "{status}: {output:?}");
    }
    let other = spillway_words(["send", "400", "--url", &url]).await;
    assert!(
        other.err.starts_with("refused (400) ") && other.err.contains("check the address http"),
        "{other:?}"
    );
    let open = spillway_words(["send", "504", "--url", &url]).await;
    assert!(open.code == Some(5) && open.err.starts_with("not known to be accepted (504)"), "{open:?}");
    let page = spillway_words(["send", "200", "--url", &url]).await;
    assert!(page.err.contains("answered 200, which is no answer of Spillway's API"), "{page:?}");
    let json = spillway_words(["send", "200", "--url", &url, "--json"]).await.json();
    assert_eq!((&json["accepted"], &json["answer"]), (&false.into(), &"<html>".into()));
    let nobody = spillway_words(["send", "{}", "--url", "http://127.0.0.1:1"]).await;
    assert_eq!(nobody.code, Some(5), "{nobody:?}");
}

#[tokio::test]
async fn each_line_is_an_event_and_is_sent_until_its_answer_decides() {
    let (url, arrivals) = serve(|body, before| match body {
        _ if body.contains("\"late\"") && before < 2 => (503, "{}".to_owned()),
        _ if body.contains("\"bad\"") => (400, "{\"title\":\"Not valid\",\"detail\":\"no type\"}".to_owned()),
        _ => promise(body),
    })
    .await;
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("events.ndjson");
    let line = |id: &str| {
        format!("{{\"specversion\":\"1.0\",\"id\":\"{id}\",\"source\":\"/s\",\"type\":\"t\",\"data\":0.10}}")
    };
    std::fs::write(&file, format!("{}\r\n\n{}\n{}", line("one"), line("late"), line("three")))
        .expect("written");
    let data = format!("@{}", file.display());
    let output = spillway_words(["send", "--ndjson", &data, "--url", &url]).await;
    assert_eq!(
        (output.code, output.out.as_str()),
        (Some(0), "one\nlate\nthree\n"),
        "in the order of the lines: {output:?}"
    );
    let late = line("late");
    let bodies: Vec<_> = arrivals.lock().unwrap().iter().map(|arrived| arrived.body.clone()).collect();
    assert_eq!(bodies.iter().filter(|body| **body == late).count(), 3);
    let json = arrivals.lock().unwrap()[0].headers["content-type"].clone();
    assert_eq!(json, "application/cloudevents+json");

    std::fs::write(&file, format!("{}\n{}\n", line("bad"), line("good"))).expect("written");
    let output = spillway_words(["send", "--ndjson", &data, "--url", &url]).await;
    assert_eq!((output.code, output.out.as_str()), (Some(1), "good\n"), "{output:?}");
    assert!(output.err.contains("line 1: refused (400): Not valid. no type"), "{output:?}");
    let output = spillway_words(["send", "--ndjson", &data, "--url", &url, "--json"]).await;
    let lines: Vec<serde_json::Value> =
        output.out.lines().map(|line| serde_json::from_str(line).expect("a document")).collect();
    assert_eq!(
        (&lines[0]["line"], &lines[0]["status"], &lines[0]["accepted"]),
        (&1.into(), &400.into(), &false.into())
    );
    assert_eq!((&lines[1]["accepted"], &lines[1]["answer"]["id"]), (&true.into(), &"good".into()));
}

#[tokio::test]
async fn lines_of_data_get_an_envelope_or_a_key_so_that_a_retry_is_no_second_event() {
    let (url, arrivals) = serve(|body, before| match before {
        0 => (503, "{}".to_owned()),
        _ if body.starts_with("{\"spec") => promise(body),
        _ => (202, "{\"id\":\"k\"}".to_owned()),
    })
    .await;
    let output = spillway_words([
        "send",
        "--ndjson",
        "{\"b\":1,\"a\":0.10}",
        "--type",
        "t",
        "--source",
        "/s",
        "--url",
        &url,
    ])
    .await;
    assert_eq!(output.code, Some(0), "{output:?}");
    let first = arrivals.lock().unwrap()[0].body.clone();
    assert!(first.contains("\"data\":{\"b\":1,\"a\":0.10}"), "{first}");

    let output =
        spillway_words(["send", "--ndjson", "{\"plain\":1}", "--mode", "plain", "--url", &url]).await;
    assert_eq!((output.code, output.out.as_str()), (Some(0), "k\n"), "{output:?}");
    let arrivals = arrivals.lock().unwrap();
    let keys: Vec<_> =
        arrivals[2..].iter().map(|arrived| arrived.headers["idempotency-key"].clone()).collect();
    assert_eq!((keys.len(), &keys[0]), (2, &keys[1]));
}

#[tokio::test]
async fn what_the_api_refuses_for_the_moment_is_not_called_undecided() {
    const ANSWER: &str = r#"{"title":"Unavailable","errors":[{"pointer":"","detail":"why"}]}"#;
    let (url, _) = serve(|_, _| (503, ANSWER.to_owned())).await;
    let output =
        spillway_words(["send", "--ndjson", "{\"plain\":1}", "--mode", "plain", "--url", &url]).await;
    assert_eq!(output.code, Some(5), "{output:?}");
    assert!(output.err.ends_with("0 events accepted, 1 refused for the moment\n"), "{output:?}");
    assert!(output.err.contains("line 1: why\n"), "an empty pointer is the whole document: {output:?}");
}
