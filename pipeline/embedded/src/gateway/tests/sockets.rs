//! Over real connections: keep-alive, slow and greedy clients, shutdown.

use super::support::{Behaviour, gateway, pipeline, take_measured};
use crate::gateway::{Gateway, serve};
use crate::listener::Limits;
use spillway_testkit::MemoryPipeline;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// A limit that only a failed test reaches.
const FOR_EVER: Duration = Duration::from_secs(20);
const SHORT: Duration = Duration::from_millis(100);

struct Server {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

async fn server(memory: &Arc<MemoryPipeline>, limits: Limits) -> Server {
    serve_gateway(gateway(memory, |_| {}).with_limits(limits)).await
}

async fn serve_gateway(gateway: Gateway) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let task = tokio::spawn(serve(listener, Arc::new(gateway), async {
        let _ = stopped.await;
    }));
    Server { address, stop, task }
}

impl Server {
    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// Sends bytes and reads until the server closes the connection.
    async fn exchange(&self, bytes: impl AsRef<[u8]>) -> String {
        let mut stream = self.connect().await;
        stream.write_all(bytes.as_ref()).await.unwrap();
        rest(&mut stream).await
    }
}

async fn rest(stream: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    let read = tokio::time::timeout(FOR_EVER, stream.read_to_end(&mut answer)).await;
    read.expect("the server left the connection open").unwrap();
    String::from_utf8(answer).unwrap()
}

/// Reads one answer whose body ends with a brace, and leaves the connection open.
async fn one_answer(stream: &mut TcpStream) -> String {
    let mut answer = String::new();
    let mut buffer = [0; 4096];
    while !answer.ends_with('}') {
        let read = tokio::time::timeout(FOR_EVER, stream.read(&mut buffer)).await;
        let count = read.expect("no answer").unwrap();
        assert!(count > 0, "closed after {answer}");
        answer.push_str(std::str::from_utf8(&buffer[..count]).unwrap());
    }
    answer
}

fn request(headers: &str, body: &str) -> String {
    format!("POST /events HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\n{headers}\r\n{body}")
}

#[tokio::test]
async fn one_connection_carries_many_requests() {
    let memory = pipeline(Behaviour::Accepts);
    let server = server(&memory, Limits::default()).await;
    let mut stream = server.connect().await;
    for _ in 0..3 {
        stream.write_all(request("content-length: 2\r\n", "{}").as_bytes()).await.unwrap();
        assert!(one_answer(&mut stream).await.starts_with("HTTP/1.1 202"));
    }
    // Refused, but well-formed: the connection stays.
    stream.write_all(request("content-length: 1\r\n", "{").as_bytes()).await.unwrap();
    assert!(one_answer(&mut stream).await.starts_with("HTTP/1.1 400"));
    let chunked = request("transfer-encoding: chunked\r\n", "1\r\n{\r\n1\r\n}\r\n0\r\n\r\n");
    stream.write_all(chunked.as_bytes()).await.unwrap();
    assert!(one_answer(&mut stream).await.starts_with("HTTP/1.1 202"));
    assert_eq!(memory.state().sent.len(), 4);
}

#[tokio::test]
async fn a_slow_header_costs_its_own_connection_only() {
    let memory = pipeline(Behaviour::Accepts);
    let server = server(&memory, Limits { header_timeout: SHORT, ..Limits::default() }).await;
    let mut slow = server.connect().await;
    slow.write_all(b"POST /events HTTP/1.1\r\nx-a: ").await.unwrap();
    let answer = server.exchange(request("connection: close\r\ncontent-length: 2\r\n", "{}")).await;
    assert!(answer.starts_with("HTTP/1.1 202"), "{answer}");
    assert_eq!(rest(&mut slow).await, "", "closed without an answer: there was no request");
    assert_eq!(memory.state().sent.len(), 1);
}

#[tokio::test]
async fn a_slow_body_gets_a_408() {
    let memory = pipeline(Behaviour::Accepts);
    let server = server(&memory, Limits { body_timeout: SHORT, ..Limits::default() }).await;
    let answer = server.exchange(request("content-length: 1000\r\n", "{\"a\":")).await;
    assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
    assert!(
        answer.contains("application/problem+json") && answer.contains("/problems/request-timeout"),
        "{answer}"
    );
    assert!(memory.state().sent.is_empty());
    let measured = take_measured(&memory);
    assert!(measured.contains(&("4XXError".to_owned(), 1.0)), "{measured:?}");
}

#[tokio::test]
async fn a_body_over_the_limit_is_refused_before_it_is_sent() {
    let memory = pipeline(Behaviour::Accepts);
    let server = server(&memory, Limits::default()).await;
    for headers in ["content-length: 9000000000\r\n", "expect: 100-continue\r\ncontent-length: 20001\r\n"] {
        let mut stream = server.connect().await;
        stream.write_all(request(headers, "").as_bytes()).await.unwrap();
        let answer = one_answer(&mut stream).await;
        assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
        assert!(answer.contains("\"limit\":20000") && answer.contains("connection: close"), "{answer}");
    }
    assert!(memory.state().sent.is_empty());
}

#[tokio::test]
async fn a_client_that_sends_everything_first_still_reads_its_answer() {
    let memory = pipeline(Behaviour::Accepts);
    let server = server(&memory, Limits::default()).await;
    let megabyte = "x".repeat(1 << 20);
    for request in [
        request("content-length: 1048576\r\n", &megabyte),
        request("transfer-encoding: chunked\r\n", &format!("100000\r\n{megabyte}\r\n0\r\n\r\n")),
    ] {
        let answer = server.exchange(request).await;
        assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
        assert!(answer.contains("/problems/request-too-large"), "{answer}");
    }
    assert!(memory.state().sent.is_empty());
}

#[tokio::test]
async fn a_body_that_breaks_off_is_not_accepted() {
    let memory = pipeline(Behaviour::Accepts);
    let server = server(&memory, Limits::default()).await;
    let answer = server.exchange(request("transfer-encoding: chunked\r\n", "2\r\n{}\r\nno chunk\r\n")).await;
    assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
    let mut stream = server.connect().await;
    stream.write_all(request("content-length: 10\r\n", "{}").as_bytes()).await.unwrap();
    stream.shutdown().await.unwrap();
    rest(&mut stream).await;
    assert!(memory.state().sent.is_empty());
}

#[tokio::test]
async fn a_client_that_closes_its_side_after_a_whole_request_gets_its_answer() {
    let memory = pipeline(Behaviour::Accepts);
    let server = server(&memory, Limits::default()).await;
    let mut stream = server.connect().await;
    stream.write_all(request("content-length: 2\r\n", "{}").as_bytes()).await.unwrap();
    stream.shutdown().await.unwrap();
    let answer = rest(&mut stream).await;
    assert!(answer.starts_with("HTTP/1.1 202"), "{answer}");
    assert_eq!(memory.state().sent.len(), 1);
}

#[tokio::test]
async fn a_request_may_have_two_hundred_header_fields() {
    let memory = pipeline(Behaviour::Accepts);
    let server = server(&memory, Limits::default()).await;
    for (fields, status) in [(200, "200"), (201, "431")] {
        let fields = "x: 1\r\n".repeat(fields - 1);
        let answer =
            server.exchange(format!("GET /health HTTP/1.1\r\nconnection: close\r\n{fields}\r\n")).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{answer}");
    }
}

#[tokio::test]
async fn a_transfer_coding_that_is_not_undone_is_refused() {
    let memory = pipeline(Behaviour::Accepts);
    let server = server(&memory, Limits::default()).await;
    let body = "2\r\n{}\r\n0\r\n\r\n";
    let answer =
        server.exchange(request("connection: close\r\ntransfer-encoding: gzip, chunked\r\n", body)).await;
    assert!(answer.starts_with("HTTP/1.1 415"), "{answer}");
    assert!(memory.state().sent.is_empty());
}

#[tokio::test]
async fn invalid_http_is_refused() {
    let memory = pipeline(Behaviour::Accepts);
    let server = server(&memory, Limits { max_header_bytes: 4096, ..Limits::default() }).await;
    for (bytes, status) in [
        ("\u{1}\u{2}\r\n\r\n".to_owned(), "400"),
        (format!("GET /health HTTP/1.1\r\nx: {}\r\n\r\n", "a".repeat(5_000)), "431"),
        (format!("GET /health HTTP/1.1\r\n{}\r\n", "x: 1\r\n".repeat(500)), "431"),
        ("GET /health HTTP/1.0\r\n\r\n".to_owned(), "200"),
    ] {
        let answer = server.exchange(&bytes).await;
        let line = answer.lines().next().unwrap_or_default();
        assert!(line.contains(status), "{status} expected, found {answer:?}");
    }
}

#[tokio::test]
async fn connections_over_the_limit_wait_for_their_turn() {
    let memory = pipeline(Behaviour::Accepts);
    let limits = Limits { max_connections: 1, header_timeout: SHORT, ..Limits::default() };
    let server = server(&memory, limits).await;
    let idle = server.connect().await;
    let answer = server.exchange(request("connection: close\r\ncontent-length: 2\r\n", "{}")).await;
    assert!(answer.starts_with("HTTP/1.1 202"), "{answer}");
    drop(idle);
}

#[tokio::test]
async fn a_shutdown_answers_the_requests_under_way() {
    let memory = pipeline(Behaviour::Waits);
    let server = server(&memory, Limits::default()).await;
    let _idle = server.connect().await;
    let mut stream = server.connect().await;
    stream.write_all(request("content-length: 2\r\n", "{}").as_bytes()).await.unwrap();
    tokio::time::timeout(FOR_EVER, memory.asked.notified()).await.expect("the request must reach the queue");
    server.stop.send(()).unwrap();
    memory.gate.add_permits(1);
    assert!(rest(&mut stream).await.starts_with("HTTP/1.1 202"));
    tokio::time::timeout(FOR_EVER, server.task).await.expect("serve must return").unwrap();
    assert!(TcpStream::connect(server.address).await.is_err(), "no server listens any more");
}
