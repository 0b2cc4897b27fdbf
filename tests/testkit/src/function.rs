//! A Lambda function with its whole environment in memory, and its output.

use crate::{MemoryPipeline, State};
use serde::Serialize;
use serde_json::Value;
use serde_json::value::{RawValue, to_raw_value};
use spillway_core::Timestamp;
use spillway_core::trace::TraceHeader;
use spillway_lambda::{Common, Environment, Invocation, Telemetry};
use std::fmt::Display;
use std::net::UdpSocket;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// The time in Unix seconds at which a function is invoked.
const NOW: i64 = 1_780_000_000;

/// A function that uses a [`MemoryPipeline`]. The pipeline's clock shows 1,780,000,000 Unix seconds.
pub struct FunctionHarness<F> {
    /// The function.
    pub function: F,
    /// Its pipeline.
    pub pipeline: Arc<MemoryPipeline>,
    lines: Arc<Mutex<Vec<Value>>>,
    daemon: UdpSocket,
}

impl<F> FunctionHarness<F> {
    /// A function with that name. The test sets up its pipeline.
    pub fn new(
        name: &str,
        set_up: impl FnOnce(&mut State),
        function: impl FnOnce(&Arc<MemoryPipeline>, Telemetry) -> F,
    ) -> Self {
        let pipeline = MemoryPipeline::at(Timestamp::from_second(NOW).unwrap(), set_up);
        let daemon = UdpSocket::bind("127.0.0.1:0").unwrap();
        daemon.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        let address = daemon.local_addr().unwrap().to_string();
        let environment = Environment::of([
            ("AWS_LAMBDA_FUNCTION_NAME", name),
            ("SPILLWAY_DEPLOYMENT", "shop"),
            ("SPILLWAY_LOG_LEVEL", "warn"),
            ("SPILLWAY_TIMEOUT_S", "30"),
            ("AWS_XRAY_DAEMON_ADDRESS", &address),
        ]);
        let lines = Arc::new(Mutex::new(Vec::new()));
        let noted = Arc::clone(&lines);
        let note = move |line: &str| noted.lock().unwrap().push(serde_json::from_str(line).unwrap());
        let common = Common::read(&environment).unwrap();
        let telemetry = Telemetry::with_lines(&common, pipeline.clock.clone(), note);
        let function = function(&pipeline, telemetry);
        Self { function, pipeline, lines, daemon }
    }

    /// Invokes the function with an event, in the given trace of Lambda, if any. Returns the answer as Lambda reads it.
    ///
    /// # Errors
    /// The function failed; the text is its error.
    pub fn invoke<A: Serialize, E: Display>(
        &self,
        event: &Value,
        trace: Option<&str>,
        run: impl AsyncFnOnce(&F, &RawValue, &Invocation) -> Result<A, E>,
    ) -> Result<Value, String> {
        let payload = to_raw_value(event).unwrap();
        let trace = trace.and_then(TraceHeader::parse);
        let invocation = Invocation { request_id: "request-1".to_owned(), trace };
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let answer = runtime.block_on(run(&self.function, &payload, &invocation));
        answer.map(|answer| serde_json::to_value(answer).unwrap()).map_err(|error| error.to_string())
    }

    /// The metric lines so far.
    pub fn lines(&self) -> Vec<Value> {
        self.lines.lock().unwrap().clone()
    }

    /// The next segment that reached X-Ray's daemon.
    pub fn segment(&self) -> Value {
        let mut bytes = vec![0; 65_536];
        let length = self.daemon.recv(&mut bytes).unwrap();
        let text = std::str::from_utf8(&bytes[..length]).unwrap();
        serde_json::from_str(text.split_once('\n').unwrap().1).unwrap()
    }

    /// Whether no segment has reached X-Ray's daemon.
    pub fn has_no_segments(&self) -> bool {
        self.daemon.set_nonblocking(true).unwrap();
        self.daemon.recv(&mut [0; 8]).is_err()
    }
}
