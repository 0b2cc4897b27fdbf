//! Clients that are very slow, or disconnect in the middle.

use crate::problem;
use futures::future::join_all;
use serde_json::json;
use spillway_tests::disk::allow_open_files;
use spillway_tests::http::{Answer, answer};
use spillway_tests::session::Session;
use spillway_tests::{Setup, System};
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// The pause between two bytes. Each byte arrives in time, but the request never ends.
const TRICKLE: Duration = Duration::from_secs(1);
/// Longer than the server's limits: 10 s for headers and 30 s for a body.
const BOUND: Duration = Duration::from_secs(90);
/// The connections that the API and the dashboard together accept at once.
const ACCEPTED_AT_ONCE: usize = 768 + 128;

const HEAD: &[u8] =
    b"POST /events HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 5000\r\n\r\n";

/// Sends the start of a request, then one byte a second, until the server ends the connection. Returns its answer, if
/// any.
async fn trickle(system: &System, start: &[u8]) -> Option<Answer> {
    let mut stream = TcpStream::connect(system.api()).await.expect("it listens");
    stream.write_all(start).await.expect("it reads");
    let (mut read, mut write) = stream.into_split();
    let drip = async move {
        while write.write_all(b"x").await.is_ok() {
            tokio::time::sleep(TRICKLE).await;
        }
        std::future::pending::<()>().await;
    };
    let answer = async {
        let mut bytes = Vec::new();
        // A broken connection also counts as a reaction of the server.
        let _ = read.read_to_end(&mut bytes).await;
        Answer::read(&bytes)
    };
    let ended = async {
        tokio::select! {
            () = drip => None,
            answer = answer => answer,
        }
    };
    timeout(BOUND, ended).await.expect("the server ends it within its limits")
}

#[tokio::test(flavor = "multi_thread")]
async fn slow_clients_are_cut_off_while_others_are_served() {
    let system = System::start_empty().await;
    let slow_heads = (0..50).map(|_| trickle(&system, b"POST /events HTTP/1.1\r\nhost: x\r\na: "));
    let slow_bodies = (0..50).map(|_| trickle(&system, HEAD));
    let silent = (0..50).map(|_| async {
        let mut stream = TcpStream::connect(system.api()).await.expect("it listens");
        timeout(BOUND, answer(&mut stream)).await.expect("the server ends it within its limits").ok()
    });
    let others = async {
        for n in 0..100 {
            system.accept(&format!("e{n}"), "t", &json!({})).await;
        }
    };
    let all = async { tokio::join!(join_all(slow_heads), join_all(slow_bodies), join_all(silent), others) };
    let (heads, bodies, silent, ()) = all.await;
    for answer in heads.into_iter().chain(silent).flatten() {
        assert!((400..500).contains(&answer.status), "{answer:?}");
    }
    for answer in bodies {
        let answer = answer.expect("a request with complete headers gets an answer");
        let document = problem(&answer, "a slow body");
        assert_eq!((answer.status, &document["type"]), (408, &json!("/problems/request-timeout")));
    }
    let flow = system.until(&["flow"], |flow| flow["stored"] == 100).await;
    assert_eq!((&flow["accepted"], &flow["unaccounted"]), (&json!(100), &json!(0)));
}

async fn connect_idly(port: u16) -> Vec<TcpStream> {
    let connect = (0..1_100).map(|_| TcpStream::connect(("127.0.0.1", port)));
    join_all(connect).await.into_iter().map(|stream| stream.expect("it listens")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn eleven_hundred_idle_connections_on_each_port_stop_nobody() {
    allow_open_files(4_096);
    // As many systems limit it.
    let wrapper = vec!["sh", "-c", "ulimit -n 1024; exec \"$@\"", "sh"];
    let system = System::start(Setup { wrapper, ..Setup::default() }).await;
    let (api, dashboard) = system.ports();
    let operator = Session::open(system.sign_in()).await;
    let mut idle = connect_idly(dashboard).await;
    system.accept("beside-the-dashboard", "t", &json!({})).await;
    idle.extend(connect_idly(api).await);
    // Clients beyond the limit wait until the server has cut idle ones off.
    system.accept("beside-the-api", "t", &json!({})).await;
    assert!(operator.page("/").await.contains("Overview"));
    let flow = system.until(&["flow"], |flow| flow["stored"] == 2).await;
    assert_eq!((&flow["accepted"], &flow["unaccounted"]), (&json!(2), &json!(0)));
    // It ends those that it accepted. Whether it sends an answer first does not matter. The system forgets others without
    // notice, because its queue before the server is short.
    let ends =
        idle.into_iter().map(|mut stream| async move { timeout(BOUND, stream.read(&mut [0])).await.is_ok() });
    let ended = join_all(ends).await.into_iter().filter(|ended| *ended).count();
    assert!(ended >= ACCEPTED_AT_ONCE, "{ended} of 2,200 were ended");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_disconnects_early_leaves_no_event() {
    let system = System::start_empty().await;
    for start in [
        &b"POST /ev"[..],
        HEAD,
        b"POST /events HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n5\r\n{\"a\"",
    ] {
        for _ in 0..20 {
            let mut stream = TcpStream::connect(system.api()).await.unwrap();
            stream.write_all(start).await.unwrap();
        }
    }
    system.accept("after", "t", &json!({})).await;
    let flow = system.until(&["flow"], |flow| flow["stored"] == 1).await;
    assert_eq!((&flow["accepted"], &flow["unaccounted"]), (&json!(1), &json!(0)));
}
