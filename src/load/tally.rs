//! What happened during a load.

use super::latency::{Latencies, Quantiles};
use http::StatusCode;
use serde::Serialize;
use std::collections::BTreeMap;
use std::time::Duration;

/// Counts while a load runs.
#[derive(Debug, Default)]
pub struct Tally {
    pub started: u64,
    pub promised: u64,
    pub requests: u64,
    pub bytes: u64,
    pub no_answer: u64,
    /// Answers that ask for a retry, by status.
    pub again: BTreeMap<u16, u64>,
    /// Permanent refusals, by status.
    pub refused: BTreeMap<u16, u64>,
    /// The text of the first refusal.
    pub first_refusal: Option<String>,
    /// The last reason why a request got no answer.
    pub last_error: Option<String>,
    pub request_times: Latencies,
    pub promise_times: Latencies,
    /// Time from the start to the last promise.
    pub promising: Duration,
}

impl Tally {
    /// Counts an answer that asks for a retry.
    pub fn again(&mut self, status: StatusCode) {
        *self.again.entry(status.as_u16()).or_default() += 1;
    }

    /// Counts a permanent refusal.
    pub fn refuse(&mut self, status: StatusCode, body: &[u8]) {
        *self.refused.entry(status.as_u16()).or_default() += 1;
        if self.first_refusal.is_none() {
            self.first_refusal = Some(String::from_utf8_lossy(&body[..body.len().min(1000)]).into_owned());
        }
    }

    /// Events that are promised or refused.
    pub fn decided(&self) -> u64 {
        self.promised + self.refused.values().sum::<u64>()
    }

    /// The report on a load of `planned` events that took `elapsed`.
    pub fn report(self, planned: u64, elapsed: Duration, interrupted: bool) -> Report {
        let undecided = self.started - self.decided();
        let per_s = self.promised as f64 / self.promising.as_secs_f64().max(0.001);
        Report {
            planned,
            promised: self.promised,
            refused: self.refused.values().sum(),
            undecided,
            not_sent: planned.saturating_sub(self.started),
            interrupted,
            requests: self.requests,
            no_answer: self.no_answer,
            again_by_status: self.again,
            refused_by_status: self.refused,
            first_refusal: self.first_refusal,
            last_error: self.last_error,
            bytes: self.bytes,
            elapsed_s: elapsed.as_secs_f64(),
            promised_per_s: per_s,
            request_ms: self.request_times.quantiles(),
            promise_ms: self.promise_times.quantiles(),
        }
    }
}

/// The result of a load, which is also its `--json` document.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// Events that follow from the rate and the duration.
    pub planned: u64,
    /// Events that the API promised (202); each is in the file.
    pub promised: u64,
    /// Events that the API refused permanently.
    pub refused: u64,
    /// Events that were sent and got no decisive answer before the end. They may have arrived.
    pub undecided: u64,
    /// Events that were never sent.
    pub not_sent: u64,
    /// Whether Ctrl-C ended the load early.
    pub interrupted: bool,
    /// Requests, including retries.
    pub requests: u64,
    /// Requests that got no answer: connection refused or broken, timeout.
    pub no_answer: u64,
    /// Answers that asked for a retry, by status.
    pub again_by_status: BTreeMap<u16, u64>,
    /// Permanent refusals, by status.
    pub refused_by_status: BTreeMap<u16, u64>,
    /// The text of the first refusal.
    pub first_refusal: Option<String>,
    /// The last reason why a request got no answer.
    pub last_error: Option<String>,
    /// Total size of the promised events, in bytes.
    pub bytes: u64,
    /// Seconds from start to end.
    pub elapsed_s: f64,
    /// Promises a second, until the last promise.
    pub promised_per_s: f64,
    /// Latency of a promised request, from sending to the answer.
    pub request_ms: Option<Quantiles>,
    /// Latency of an event, from the time it was due until its promise, including waiting and retries.
    pub promise_ms: Option<Quantiles>,
}

impl Report {
    /// Whether every planned event is promised.
    pub fn all_promised(&self) -> bool {
        self.promised == self.planned
    }
}
