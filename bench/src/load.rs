//! Load: each connection sends its next request as soon as the last one is answered.

use crate::client::Connection;
use crate::table::percentile;
use crate::usage;
use anyhow::{Context, Result, ensure};
use serde::Serialize;
use spillway_traffic::Generator;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::{Builder, Runtime};
use tokio::time::Instant;

/// The name of the threads that generate load. It identifies their share of the CPU.
const THREADS: &str = "load-client";
/// Number of different events. Each is sent under many ids.
const EVENTS: usize = 256;

#[derive(Clone, Debug, Serialize)]
pub struct Measured {
    /// Answers a second.
    pub per_s: f64,
    /// Half of the answers took no longer, in milliseconds.
    pub p50_ms: f64,
    /// 99 of 100 answers took no longer, in milliseconds.
    pub p99_ms: f64,
    /// Answers by status.
    pub statuses: BTreeMap<u16, u64>,
    /// The client's share of one CPU; `None` if the system does not report it.
    pub client_cpu_share: Option<f64>,
}

/// Picks one number of a load.
pub type Number = fn(&Measured) -> f64;

impl Measured {
    /// The number of answers with that status.
    pub fn with_status(&self, status: u16) -> u64 {
        self.statuses.get(&status).copied().unwrap_or(0)
    }
}

/// A separate runtime for the load. It has one thread, which is enough because a request costs only a few microseconds.
pub fn runtime() -> Result<Runtime> {
    Builder::new_multi_thread()
        .worker_threads(1)
        .thread_name(THREADS)
        .enable_all()
        .build()
        .context("no runtime for the load")
}

/// Makes the requests of one connection.
pub trait Requests: Send + 'static {
    /// Writes the next request into an empty buffer.
    fn write(&mut self, buffer: &mut Vec<u8>);
}

/// Sends the same request every time.
pub struct Same(pub Vec<u8>);

impl Requests for Same {
    fn write(&mut self, buffer: &mut Vec<u8>) {
        buffer.extend_from_slice(&self.0);
    }
}

/// Realistic events, each with a unique id.
pub struct Events {
    samples: Arc<Vec<(String, String)>>,
    /// The common prefix of all ids of this connection.
    id: String,
    number: u64,
}

impl Events {
    /// Events for each of `connections` connections. Two runs on one data folder must not use the same `run`.
    pub fn of(connections: usize, run: &str) -> Vec<Self> {
        let mut generator = Generator::new(1);
        let now = spillway_core::Timestamp::UNIX_EPOCH + Duration::from_secs(1_770_000_000);
        let samples = (0..EVENTS).filter_map(|_| {
            let sample = generator.event(now);
            // Split around the id, so that making the next event costs the client almost nothing.
            let (before, after) = sample.body.split_once(sample.id.as_str())?;
            Some((before.to_owned(), after.to_owned()))
        });
        let samples = Arc::new(samples.collect::<Vec<_>>());
        let events = |connection| Self {
            samples: Arc::clone(&samples),
            id: format!("{run}-{connection:03}"),
            number: 0,
        };
        (0..connections).map(events).collect()
    }
}

impl Requests for Events {
    fn write(&mut self, buffer: &mut Vec<u8>) {
        use std::io::Write as _;
        self.number += 1;
        let (before, after) = &self.samples[self.number as usize % self.samples.len()];
        let length = before.len() + self.id.len() + 11 + after.len();
        // Writing to memory does not fail.
        let _ = write!(
            buffer,
            "POST /events HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/cloudevents+json\r\n\
             content-length: {length}\r\n\r\n{before}{}-{:010}{after}",
            self.id, self.number
        );
    }
}

/// Loads a server for `length`, with one connection for each element of `requests`.
pub async fn run<R: Requests>(address: SocketAddr, requests: Vec<R>, length: Duration) -> Result<Measured> {
    let mut connections = Vec::with_capacity(requests.len());
    for maker in requests {
        connections.push((Connection::open(address).await?, maker));
    }
    let cpu = usage::cpu_of_threads_s(THREADS);
    let started = Instant::now();
    let tasks: Vec<_> = connections
        .into_iter()
        .map(|(connection, maker)| tokio::spawn(send(connection, maker, started + length)))
        .collect();
    let (mut took, mut statuses) = (Vec::new(), BTreeMap::new());
    for task in tasks {
        for (status, ms) in task.await.context("a connection's task ended unexpectedly")?? {
            *statuses.entry(status).or_insert(0) += 1;
            took.push(f64::from(ms));
        }
    }
    let elapsed = started.elapsed().as_secs_f64();
    let used = cpu.zip(usage::cpu_of_threads_s(THREADS)).map(|(before, after)| (after - before) / elapsed);
    ensure!(!took.is_empty(), "not one request was answered");
    took.sort_by(f64::total_cmp);
    Ok(Measured {
        per_s: took.len() as f64 / elapsed,
        p50_ms: percentile(&took, 0.5),
        p99_ms: percentile(&took, 0.99),
        statuses,
        client_cpu_share: used,
    })
}

/// Status and milliseconds of each answer.
async fn send<R: Requests>(
    mut connection: Connection,
    mut requests: R,
    until: Instant,
) -> Result<Vec<(u16, f32)>> {
    let mut answers = Vec::new();
    let mut request = Vec::with_capacity(2048);
    loop {
        let begun = Instant::now();
        if begun >= until {
            return Ok(answers);
        }
        request.clear();
        requests.write(&mut request);
        let status = connection.status(&request).await?;
        answers.push((status, begun.elapsed().as_secs_f32() * 1e3));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::{Router, routing};
    use std::collections::HashSet;
    use std::sync::Mutex;

    #[tokio::test]
    async fn every_request_is_a_whole_event_with_an_id_of_its_own() {
        let seen: Arc<Mutex<(u64, HashSet<String>)>> = Arc::default();
        let of_server = Arc::clone(&seen);
        let handler = move |body: bytes::Bytes| async move {
            let event = spillway_core::event::Event::from_structured(&body).expect("an event");
            let mut seen = of_server.lock().expect("no test panics with it");
            seen.0 += 1;
            seen.1.insert(event.key.id.as_str().to_owned());
            http::StatusCode::ACCEPTED
        };
        let app = Router::new().route("/events", routing::post(handler));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, app).await });
        let measured = run(address, Events::of(3, "test"), Duration::from_millis(200)).await.unwrap();
        let seen = seen.lock().unwrap();
        assert!(seen.0 > 3);
        assert_eq!((measured.with_status(202), seen.1.len() as u64), (seen.0, seen.0));
        assert!(measured.p50_ms <= measured.p99_ms && measured.per_s > 0.0);
    }
}
