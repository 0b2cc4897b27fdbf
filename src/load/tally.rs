//! What happened during a load.

use super::latency::{Latencies, Quantiles};
use http::StatusCode;
use serde::Serialize;
use std::collections::BTreeMap;
use std::time::Duration;

/// Counts of requests and their answers.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Counts {
    /// Events that the API promised (202); each is in the file.
    pub promised: u64,
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
}

impl Counts {
    /// Events that the API refused permanently.
    pub fn refused(&self) -> u64 {
        self.refused_by_status.values().sum()
    }

    /// Events that are promised or refused.
    pub fn decided(&self) -> u64 {
        self.promised + self.refused()
    }
}

/// Counts while a load runs.
#[derive(Debug, Default)]
pub struct Tally {
    pub started: u64,
    /// Events that are not decided and may have arrived.
    pub may_have_arrived: u64,
    pub counts: Counts,
    pub request_times: Latencies,
    pub promise_times: Latencies,
    /// Time from the start to the last promise.
    pub promising: Duration,
}

impl Tally {
    /// Counts an answer that asks for a retry.
    pub fn again(&mut self, status: StatusCode) {
        *self.counts.again_by_status.entry(status.as_u16()).or_default() += 1;
    }

    /// Counts a permanent refusal.
    pub fn refuse(&mut self, status: StatusCode, body: &[u8]) {
        *self.counts.refused_by_status.entry(status.as_u16()).or_default() += 1;
        let text = || String::from_utf8_lossy(&body[..body.len().min(1000)]).into_owned();
        self.counts.first_refusal.get_or_insert_with(text);
    }

    /// The report on a load of `planned` events that took `elapsed`.
    pub fn report(self, planned: u64, elapsed: Duration, interrupted: bool) -> Report {
        Report {
            planned,
            refused: self.counts.refused(),
            undecided: self.may_have_arrived,
            not_accepted: self.started - self.counts.decided() - self.may_have_arrived,
            not_sent: planned.saturating_sub(self.started),
            interrupted,
            elapsed_s: elapsed.as_secs_f64(),
            promised_per_s: self.counts.promised as f64 / self.promising.as_secs_f64().max(0.001),
            request_ms: self.request_times.quantiles(),
            promise_ms: self.promise_times.quantiles(),
            counts: self.counts,
        }
    }
}

/// The result of a load, which is also its `--json` document.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// Events that follow from the rate and the duration.
    pub planned: u64,
    /// Events that the API refused permanently.
    pub refused: u64,
    /// Events that were sent and got no decisive answer before the end. They may have arrived.
    pub undecided: u64,
    /// Events that were sent and that each answer refused for the moment. They have not arrived.
    pub not_accepted: u64,
    /// Events that were never sent.
    pub not_sent: u64,
    /// Whether Ctrl-C ended the load early.
    pub interrupted: bool,
    /// The counts of requests and answers.
    #[serde(flatten)]
    pub counts: Counts,
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
        self.counts.promised == self.planned
    }
}
