//! Delivery to a webhook that does not always answer.

use super::super::Webhook;
use super::super::deliver::step;
use super::support::{Bench, minute, options, start};
use crate::alarms::WatchOptions;
use http_body_util::{BodyExt as _, Full};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use spillway_alerts::Notified;
use spillway_core::metric::MetricId;
use spillway_core::ports::Clock as _;
use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// A receiver that answers with these statuses, then with 204, and records what it receives.
pub(super) struct Receiver {
    url: String,
    received: Arc<Mutex<Vec<serde_json::Value>>>,
    _server: tokio::task::JoinSet<()>,
}

impl Receiver {
    pub(super) async fn answering(statuses: &[u16]) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        let received: Arc<Mutex<Vec<serde_json::Value>>> = Arc::default();
        let statuses = Arc::new(Mutex::new(statuses.to_vec()));
        let noted = Arc::clone(&received);
        let mut server = tokio::task::JoinSet::new();
        server.spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let service = service_fn(|request: http::Request<hyper::body::Incoming>| {
                    let (noted, statuses) = (Arc::clone(&noted), Arc::clone(&statuses));
                    async move {
                        assert_eq!(request.headers()["content-type"], "application/json");
                        let body = request.into_body().collect().await.unwrap().to_bytes();
                        noted.lock().unwrap().push(serde_json::from_slice(&body).unwrap());
                        let mut statuses = statuses.lock().unwrap();
                        let status = if statuses.is_empty() { 204 } else { statuses.remove(0) };
                        let answer = http::Response::builder().status(status);
                        Ok::<_, Infallible>(answer.body(Full::<bytes::Bytes>::default()).unwrap())
                    }
                });
                let _ = hyper::server::conn::http1::Builder::new()
                    .serve_connection(TokioIo::new(stream), service)
                    .await;
            }
        });
        Self { url, received, _server: server }
    }

    pub(super) fn webhook(&self) -> Webhook {
        Webhook::new(self.url.parse().unwrap()).unwrap()
    }

    pub(super) fn ids(&self) -> Vec<String> {
        let received = self.received.lock().unwrap();
        received.iter().map(|document| document["id"].as_str().unwrap().to_owned()).collect()
    }
}

/// Two messages wait, about two incidents: a low alarm fired, and a high one with its twin.
async fn two_waiting(folder: &std::path::Path) -> Bench {
    let bench = Bench::open(folder, start()).await;
    let errors = MetricId::new("AWS/Lambda", "Errors", &[("FunctionName", "spillway-archiver")]);
    for offset in 0..10 {
        bench.record_at(minute(offset), errors.clone(), 1.0);
    }
    bench.ages(0, 10, 2_000.0);
    let options = WatchOptions { has_webhook: true, ..options() };
    let messages = bench.watch(options).await.evaluate(bench.until(5)).await.unwrap();
    assert_eq!(messages.len(), 2);
    bench
}

#[tokio::test]
async fn messages_are_posted_in_order_and_once() {
    let dir = tempfile::tempdir().unwrap();
    let bench = two_waiting(dir.path()).await;
    let receiver = Receiver::answering(&[]).await;
    let log = &bench.pipeline.local.alarms;
    let changes = bench.changes().await;
    let sending = changes.iter().filter(|change| change.3 == Notified::Sending(minute(change.0)));
    assert_eq!(sending.count(), 1, "not notified yet: {changes:?}");
    for _ in 0..5 {
        step(log, &receiver.webhook(), &*bench.clock).await.unwrap();
    }
    let ids = receiver.ids();
    assert_eq!(ids.len(), 2, "{ids:?}");
    assert_ne!(ids[0], ids[1]);
    let notified = bench.changes().await;
    assert!(
        notified.iter().all(|change| !matches!(change.3, Notified::Failed { .. } | Notified::Sending(_)))
    );
}

#[tokio::test]
async fn a_message_that_the_webhook_will_never_accept_is_given_up_and_blocks_no_other() {
    let dir = tempfile::tempdir().unwrap();
    let bench = two_waiting(dir.path()).await;
    let receiver = Receiver::answering(&[400]).await;
    let log = &bench.pipeline.local.alarms;
    for _ in 0..2 {
        assert_eq!(step(log, &receiver.webhook(), &*bench.clock).await.unwrap(), None, "at once");
    }
    assert!(log.next_waiting(bench.clock.now()).await.unwrap().is_none());
    assert_eq!(receiver.ids().len(), 2);
    let reason = "the webhook answered 400 Bad Request".to_owned();
    let failed = Notified::Failed { at: minute(5), reason };
    let changes = bench.changes().await;
    assert_eq!(changes.iter().filter(|change| change.3 == failed).count(), 1, "{changes:?}");
}

#[tokio::test]
async fn a_refused_message_is_retried_after_growing_pauses_and_over_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let bench = two_waiting(dir.path()).await;
    let receiver = Receiver::answering(&[500, 302, 429]).await;
    let webhook = receiver.webhook();
    let mut pauses = Vec::new();
    for _ in 0..2 {
        let log = &bench.pipeline.local.alarms;
        for _ in 0..2 {
            assert_eq!(step(log, &webhook, &*bench.clock).await.unwrap(), None, "each message is tried");
        }
        let pause = step(log, &webhook, &*bench.clock).await.unwrap().expect("not yet");
        pauses.push(pause.as_secs());
        bench.clock.advance(pause);
    }
    assert_eq!(pauses, [2, 4]);
    let failed = bench.changes().await;
    let reason = "the webhook answered 429 Too Many Requests".to_owned();
    let at = minute(5) + Duration::from_secs(2);
    assert!(
        failed.iter().any(|change| change.3 == Notified::Failed { at, reason: reason.clone() }),
        "{failed:?}"
    );

    let now = bench.clock.now();
    drop(bench);
    let bench = Bench::open(dir.path(), now).await;
    let log = &bench.pipeline.local.alarms;
    for _ in 0..5 {
        if let Some(pause) = step(log, &webhook, &*bench.clock).await.unwrap() {
            bench.clock.advance(pause);
        }
    }
    let ids = receiver.ids();
    assert_eq!(ids.len(), 5, "three failed attempts, then both: {ids:?}");
    assert!(ids[0].starts_with("queue-age-high/") && ids[1].starts_with("archiver-errors-low/"), "{ids:?}");
    assert_eq!(ids[2..], [&*ids[0], &*ids[1], &*ids[0]], "one that is refused does not hold up the other");
    assert!(bench.changes().await.iter().all(|change| !matches!(change.3, Notified::Failed { .. })));
}

#[tokio::test]
async fn a_message_for_an_unreachable_webhook_is_given_up_after_a_day_and_names_no_address() {
    let dir = tempfile::tempdir().unwrap();
    let bench = two_waiting(dir.path()).await;
    // A port on which no server listens any more.
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let webhook = Webhook::new(format!("http://127.0.0.1:{port}/secret").parse().unwrap()).unwrap();
    let log = &bench.pipeline.local.alarms;
    let mut tries = 0;
    for _ in 0..2_000 {
        match step(log, &webhook, &*bench.clock).await.unwrap() {
            None => tries += 1,
            Some(_) if log.next_waiting(bench.clock.now()).await.unwrap().is_none() => break,
            Some(pause) => bench.clock.advance(pause),
        }
    }
    assert!(log.next_waiting(bench.clock.now()).await.unwrap().is_none(), "no message waits forever");
    assert!((560..640).contains(&tries), "both every five minutes for a day: {tries}");
    for (_, _, _, outcome) in bench.changes().await {
        if let Notified::Failed { reason, .. } = outcome {
            assert!(reason.starts_with("the webhook can't be reached"), "{reason}");
            assert!(!reason.contains("secret"), "{reason}");
        }
    }
}
