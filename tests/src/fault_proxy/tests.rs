//! The proxy over sockets, in front of a service that counts the calls that reach it.

use super::*;
use crate::http as bare;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// A service that accepts any call.
async fn service() -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let reached = Arc::new(AtomicUsize::new(0));
    let seen = Arc::clone(&reached);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let seen = Arc::clone(&seen);
            let service = service_fn(move |request: Request<Incoming>| {
                let seen = Arc::clone(&seen);
                async move {
                    let body = request.into_body().collect().await.unwrap().to_bytes();
                    seen.fetch_add(1, Ordering::Relaxed);
                    Ok::<_, io::Error>(Response::new(Full::new(body)))
                }
            });
            let connection = hyper::server::conn::http1::Builder::new();
            tokio::spawn(connection.serve_connection(TokioIo::new(stream), service));
        }
    });
    (address, reached)
}

fn put(body: &str) -> bare::Request {
    bare::Request::to("POST", "/").header("x-amz-target", "DynamoDB_20120810.PutItem").body(body)
}

fn send_batch(body: &str) -> bare::Request {
    bare::Request::to("POST", "/").header("x-amz-target", "AmazonSQS.SendMessageBatch").body(body)
}

#[tokio::test]
async fn without_rules_everything_passes() {
    let (address, reached) = service().await;
    let proxy = FaultProxy::start(address).await.unwrap();
    let answer = bare::send(proxy.address, &put("{\"a\":1}")).await.unwrap();
    assert_eq!((answer.status, answer.body.as_slice()), (200, &b"{\"a\":1}"[..]));
    assert_eq!(reached.load(Ordering::Relaxed), 1);
    assert_eq!(proxy.counts().calls(Service::DynamoDb, "PutItem"), 1);
    assert_eq!(proxy.counts().faults(Fault::Fail), 0);
}

#[tokio::test]
async fn each_service_is_throttled_and_fails_with_its_own_errors() {
    let (address, reached) = service().await;
    let proxy = FaultProxy::start(address).await.unwrap();
    let s3 = "AWS4-HMAC-SHA256 Credential=k/20250101/eu-central-1/s3/aws4_request, SignedHeaders=host, Signature=0";
    let object = bare::Request::to("PUT", "/bucket/key?x-id=PutObject").header("authorization", s3).body("x");
    for (fault, request, status, words) in [
        (Fault::Throttle, put("{}"), 400, "ProvisionedThroughputExceededException"),
        (Fault::Throttle, send_batch("{}"), 403, "com.amazonaws.sqs#RequestThrottled"),
        (Fault::Throttle, object.clone(), 503, "<Code>SlowDown</Code>"),
        (Fault::Fail, put("{}"), 500, "InternalServerError"),
        (Fault::Fail, send_batch("{}"), 500, "InternalError"),
        (Fault::Fail, object, 500, "<Code>InternalError</Code>"),
    ] {
        proxy.set(1, vec![Rule::all(Calls::default(), fault)]);
        let answer = bare::send(proxy.address, &request).await.unwrap();
        let body = String::from_utf8(answer.body).unwrap();
        assert_eq!(answer.status, status, "{body}");
        assert!(body.contains(words), "{body}");
    }
    assert_eq!(reached.load(Ordering::Relaxed), 0, "a refused call has no effect");
    assert_eq!((proxy.counts().faults(Fault::Throttle), proxy.counts().faults(Fault::Fail)), (3, 3));
}

#[tokio::test]
async fn a_connection_is_cut_before_or_after_the_effect() {
    let (address, reached) = service().await;
    let proxy = FaultProxy::start(address).await.unwrap();
    proxy.set(1, vec![Rule::next(1, Calls::default(), Fault::CutBefore)]);
    bare::send(proxy.address, &put("{}")).await.unwrap_err();
    assert_eq!(reached.load(Ordering::Relaxed), 0);
    proxy.set(1, vec![Rule::next(1, Calls::default(), Fault::CutAfter)]);
    bare::send(proxy.address, &put("{}")).await.unwrap_err();
    assert_eq!(reached.load(Ordering::Relaxed), 1);
    assert_eq!(bare::send(proxy.address, &put("{}")).await.unwrap().status, 200, "the next one passes");
}

#[tokio::test]
async fn a_delayed_call_is_still_answered() {
    let (address, reached) = service().await;
    let proxy = FaultProxy::start(address).await.unwrap();
    let slow = Fault::Slow(Duration::from_millis(20));
    proxy.set(1, vec![Rule::all(Calls::default(), slow)]);
    assert_eq!(bare::send(proxy.address, &put("{}")).await.unwrap().status, 200);
    assert_eq!((reached.load(Ordering::Relaxed), proxy.counts().faults(slow)), (1, 1));
}

#[tokio::test]
async fn a_batch_is_partly_accepted() {
    let (address, reached) = service().await;
    let proxy = FaultProxy::start(address).await.unwrap();
    proxy.set(1, vec![Rule::all(Calls::default(), Fault::Partial)]);
    let two = send_batch(r#"{"Entries":[{"Id":"a"},{"Id":"b"}]}"#);
    let answer = bare::send(proxy.address, &two).await.unwrap().json();
    assert_eq!(answer["Entries"], serde_json::json!([{"Id": "a"}]), "the service received one entry");
    assert_eq!(answer["Failed"][0]["Id"], "b");
    let one = bare::send(proxy.address, &send_batch(r#"{"Entries":[{"Id":"a"}]}"#)).await.unwrap();
    assert_eq!((one.status, &one.json()["Failed"][0]["Id"]), (200, &serde_json::json!("a")));
    assert_eq!(reached.load(Ordering::Relaxed), 1, "an empty batch is not sent");
}

#[tokio::test]
async fn the_proxy_ends_when_it_is_dropped() {
    let (address, _) = service().await;
    let proxy = FaultProxy::start(address).await.unwrap();
    let address = proxy.address;
    drop(proxy);
    crate::eventually("the port is closed", async || match TcpStream::connect(address).await {
        Ok(_) => Err("connected"),
        Err(_) => Ok(()),
    })
    .await;
}
