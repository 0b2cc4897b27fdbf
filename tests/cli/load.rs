//! `spillway load` against an API that sometimes fails.

use crate::common::{finish, lines, spillway, start};
use bytes::Bytes;
use http::header::RETRY_AFTER;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use std::collections::{HashMap, HashSet};
use std::convert::Infallible;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::time::Instant;

/// The API's reaction to a request.
#[derive(Clone, Copy)]
enum Answer {
    /// 202.
    Promise,
    /// This status, with these seconds of `Retry-After`.
    Status(u16, Option<u64>),
    /// The connection breaks; `taken` says whether the API has accepted the event.
    Break { taken: bool },
}

type Script = fn(request: u64, attempt: u32) -> Answer;

/// An API that follows a script. It remembers which events it promised and accepted.
#[derive(Default)]
struct Api {
    requests: u64,
    attempts: HashMap<String, Vec<Instant>>,
    promised: HashSet<String>,
    taken: HashSet<String>,
}

async fn serve(script: Script) -> (String, Arc<Mutex<Api>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let api = Arc::new(Mutex::new(Api::default()));
    let shared = Arc::clone(&api);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let api = Arc::clone(&shared);
            let service = service_fn(move |request| answer(Arc::clone(&api), script, request));
            let http = hyper::server::conn::http1::Builder::new();
            tokio::spawn(http.serve_connection(TokioIo::new(stream), service));
        }
    });
    (url, api)
}

async fn answer(
    api: Arc<Mutex<Api>>,
    script: Script,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Broken> {
    assert_eq!(request.uri().path(), "/events");
    assert_eq!(request.headers()["content-type"], "application/cloudevents+json");
    let body = request.into_body().collect().await.map_err(|_| Broken)?.to_bytes();
    let event: Value = serde_json::from_slice(&body).expect("a structured event");
    let id = event["id"].as_str().expect("an id").to_owned();
    let mut api = api.lock().expect("no test has failed");
    api.requests += 1;
    let number = api.requests;
    let attempts = api.attempts.entry(id.clone()).or_default();
    attempts.push(Instant::now());
    let (status, retry_after) = match script(number, attempts.len() as u32) {
        Answer::Promise => {
            api.promised.insert(id.clone());
            api.taken.insert(id);
            (202, None)
        }
        Answer::Status(status, retry_after) => (status, retry_after),
        Answer::Break { taken } => {
            if taken {
                api.taken.insert(id);
            }
            return Err(Broken);
        }
    };
    let mut response =
        Response::new(Full::new(Bytes::from_static(b"{\"id\":\"i\",\"detail\":\"as the script says\"}")));
    *response.status_mut() = StatusCode::from_u16(status).expect("a status");
    if let Some(seconds) = retry_after {
        response.headers_mut().insert(RETRY_AFTER, seconds.into());
    }
    Ok(response)
}

#[derive(Debug, thiserror::Error)]
#[error("the script says so")]
struct Broken;

impl From<Infallible> for Broken {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}

fn ids_file() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("ids");
    (folder, path)
}

fn set(lines: &[String]) -> HashSet<String> {
    lines.iter().cloned().collect()
}

#[tokio::test]
async fn each_event_is_promised_in_the_end_and_each_promise_is_in_the_file() {
    let (url, api) = serve(|request, attempt| match request % 7 {
        0 if attempt < 4 => Answer::Status(503, Some(0)),
        1 if attempt < 4 => Answer::Status(429, None),
        2 if attempt < 4 => Answer::Break { taken: true },
        3 if attempt < 4 => Answer::Break { taken: false },
        _ => Answer::Promise,
    })
    .await;
    let (_folder, path) = ids_file();
    let line = format!(
        "load --url {url} --rate 200 --seconds 2 --seed 1 --connections 8 --out {} --json",
        path.display()
    );
    let output = spillway(&line).await;
    assert_eq!(output.code, Some(0), "{output:?}");
    let report = output.json();
    assert_eq!((&report["planned"], &report["promised"]), (&400.into(), &400.into()));
    assert!(report["no_answer"].as_u64() > Some(0) && report["again_by_status"]["503"].as_u64() > Some(0));
    assert!(report["promise_ms"]["p99"].as_f64() >= report["promise_ms"]["p50"].as_f64());

    let noted = lines(&path);
    let api = api.lock().unwrap();
    assert_eq!(set(&noted), api.promised);
    assert_eq!(noted.len(), 400, "each once");
    assert_eq!(api.attempts.len(), 400, "a retry has the same id");
    assert_eq!(report["requests"], api.requests);
}

#[tokio::test]
async fn retry_after_is_honoured() {
    let (url, api) = serve(|_, attempt| match attempt {
        1 => Answer::Status(503, Some(1)),
        _ => Answer::Promise,
    })
    .await;
    let (_folder, path) = ids_file();
    let line = format!("load --url {url} --rate 5 --seconds 1 --out {}", path.display());
    let output = spillway(&line).await;
    assert_eq!(output.code, Some(0), "{output:?}");
    assert!(output.out.contains("5 of 5 events promised"), "{output:?}");
    let api = api.lock().unwrap();
    assert!(api.attempts.values().all(|times| times[1] - times[0] >= Duration::from_secs(1)));
}

#[tokio::test]
async fn a_permanent_refusal_is_counted_and_not_retried() {
    let (url, api) =
        serve(|request, _| if request == 3 { Answer::Status(400, None) } else { Answer::Promise }).await;
    let (_folder, path) = ids_file();
    let line =
        format!("load --url {url} --rate 50 --seconds 1 --connections 1 --out {} --json", path.display());
    let output = spillway(&line).await;
    assert_eq!(output.code, Some(1));
    let report = output.json();
    assert_eq!((&report["refused"], &report["refused_by_status"]["400"]), (&1.into(), &1.into()));
    assert_eq!(report["first_refusal"], "{\"id\":\"i\",\"detail\":\"as the script says\"}");
    assert_eq!(api.lock().unwrap().requests, 50);
    assert_eq!(lines(&path).len(), 49);
}

#[tokio::test]
async fn a_load_without_promises_ends_after_the_grace_period() {
    let (url, _) = serve(|_, _| Answer::Status(503, Some(0))).await;
    let (_folder, path) = ids_file();
    let line = format!("load --url {url} --rate 10 --seconds 1 --grace 1s --out {} --json", path.display());
    let output = spillway(&line).await;
    assert_eq!(output.code, Some(5), "the same load may succeed later: {output:?}");
    let report = output.json();
    assert_eq!((&report["promised"], &report["undecided"]), (&0.into(), &0.into()), "503 is no promise");
    assert_eq!(report["not_accepted"], 10);
    assert!(lines(&path).is_empty());
}

#[tokio::test]
async fn an_event_may_have_arrived_if_one_of_its_answers_leaves_that_open() {
    let (url, _) = serve(|_, attempt| match attempt {
        1 => Answer::Status(504, Some(0)),
        _ => Answer::Status(503, Some(0)),
    })
    .await;
    let (_folder, path) = ids_file();
    let line = format!("load --url {url} --rate 5 --seconds 1 --grace 1s --out {}", path.display());
    let output = spillway(&line).await;
    assert!(output.out.contains("5 (they may have arrived)"), "{output:?}");
    let (url, _) = serve(|_, attempt| match attempt {
        1 => Answer::Break { taken: true },
        _ => Answer::Promise,
    })
    .await;
    let line = format!("load --url {url} --rate 5 --seconds 1 --out {} --json", path.display());
    let report = spillway(&line).await.json();
    assert_eq!((&report["promised"], &report["undecided"]), (&5.into(), &0.into()), "{report}");
}

#[tokio::test]
async fn an_unreachable_api_is_a_separate_error() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let (_folder, path) = ids_file();
    let line = format!("load --url {url} --rate 5 --seconds 1 --grace 1s --out {}", path.display());
    let output = spillway(&line).await;
    assert_eq!(output.code, Some(5));
    assert!(output.err.contains("check that the pipeline is running there"), "{output:?}");
    let output = spillway(&format!("send {{}} --url {url}")).await;
    assert_eq!(output.code, Some(5));
    assert!(output.err.starts_with("error: no answer from "), "{output:?}");
}

/// Waits until the load has recorded `count` promises.
async fn noted(path: &std::path::Path, count: usize) {
    for _ in 0..3000 {
        if lines(path).len() >= count {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the load records no promise");
}

#[cfg(unix)]
#[tokio::test]
async fn ctrl_c_loses_no_promise() {
    let (url, api) = serve(|_, _| Answer::Promise).await;
    let (_folder, path) = ids_file();
    let child = start(&format!("load --url {url} --rate 500 --seconds 600 --out {} --json", path.display()));
    noted(&path, 100).await;
    let pid = child.id().expect("it runs").to_string();
    std::process::Command::new("kill").args(["-INT", &pid]).status().unwrap();
    let output = finish(child).await;
    assert_eq!(output.code, Some(1), "{output:?}");
    assert_eq!(output.json()["interrupted"], true);
    assert_eq!(set(&lines(&path)), api.lock().unwrap().promised);
}

#[tokio::test]
async fn kill_9_leaves_complete_lines_and_misses_only_promises_in_flight() {
    let (url, api) = serve(|_, _| Answer::Promise).await;
    let (_folder, path) = ids_file();
    let line = format!("load --url {url} --rate 500 --seconds 600 --connections 4 --out {}", path.display());
    let mut child = start(&line);
    noted(&path, 100).await;
    child.kill().await.unwrap();
    let noted = set(&lines(&path));
    let promised = api.lock().unwrap().promised.clone();
    assert!(noted.is_subset(&promised));
    assert!(promised.len() - noted.len() <= 4, "{} of {}", noted.len(), promised.len());
}
