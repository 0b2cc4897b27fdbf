//! The engine of a load: an open loop that keeps its rate even if the API is slow or fails.

use super::promises::{Promises, PromisesError};
use super::tally::{Report, Tally};
use crate::http_client::{Answer, HttpClient, NoAnswer, Verdict};
use bytes::Bytes;
use http::HeaderMap;
use rand::Rng as _;
use spillway_core::ids::EventId;
use spillway_core::ports::Clock;
use spillway_traffic::Generator;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::Instant;

/// Maximum number of events that wait for a retry. While there are more, no new event is started.
const MAX_RETRIES: u64 = 20_000;
/// The first wait before a retry. Each further wait is twice as long, up to [`LONGEST_WAIT`].
const FIRST_WAIT: Duration = Duration::from_millis(100);
const LONGEST_WAIT: Duration = Duration::from_secs(3);
/// The API may ask for a wait before the next attempt, but no longer than this.
const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(60);
const TICK: Duration = Duration::from_millis(1);

/// The parameters of a load.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Events per second.
    pub rate: f64,
    /// The period in which events fall due.
    pub duration: Duration,
    /// Maximum number of requests at once.
    pub connections: usize,
    /// Seed of the generator.
    pub seed: u64,
    /// How long to continue with undecided events after the last event was due.
    pub grace: Duration,
}

impl Plan {
    /// Total number of events.
    pub fn events(&self) -> u64 {
        (self.rate * self.duration.as_secs_f64()).round() as u64
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Events promised so far.
    pub promised: u64,
    /// Events refused so far.
    pub refused: u64,
    /// Events started and not decided yet.
    pub undecided: u64,
}

struct Job {
    due: Instant,
    attempts: u32,
    /// Whether an attempt was left open: the API may have accepted the event.
    may_have_arrived: bool,
    /// Created when it is first sent, so that a backlog costs no memory.
    event: Option<(EventId, Bytes)>,
}

struct Shared {
    http: HttpClient,
    promises: Promises,
    clock: Arc<dyn Clock>,
    generator: Mutex<Generator>,
    tally: Mutex<Tally>,
    jobs: UnboundedSender<Job>,
    queue: tokio::sync::Mutex<UnboundedReceiver<Job>>,
    failed: Mutex<Option<PromisesError>>,
    started_at: Instant,
}

/// Runs a load until each event is decided, the grace period is over, or `interrupt` completes. `progress` is called
/// about ten times a second.
pub async fn run(
    plan: &Plan,
    http: HttpClient,
    promises: Promises,
    clock: Arc<dyn Clock>,
    interrupt: impl Future<Output = ()>,
    mut progress: impl FnMut(Progress),
) -> Result<Report, PromisesError> {
    let (jobs, queue) = unbounded_channel();
    let shared = Arc::new(Shared {
        http,
        promises,
        clock,
        generator: Mutex::new(Generator::new(plan.seed)),
        tally: Mutex::default(),
        jobs,
        queue: tokio::sync::Mutex::new(queue),
        failed: Mutex::default(),
        started_at: Instant::now(),
    });
    let (stop, stopped) = watch::channel(false);
    let mut workers = JoinSet::new();
    for _ in 0..plan.connections {
        workers.spawn(work(Arc::clone(&shared), stopped.clone()));
    }
    let interrupted = tokio::select! {
        () = dispatch(plan, &shared, &mut progress) => false,
        () = interrupt => true,
    };
    // Requests in flight may still be promised, and a promise must not be lost: wait for these answers.
    let _ = stop.send(true);
    while workers.join_next().await.is_some() {}
    if let Some(error) = lock(&shared.failed).take() {
        return Err(error);
    }
    let tally = std::mem::take(&mut *lock(&shared.tally));
    Ok(tally.report(plan.events(), shared.started_at.elapsed(), interrupted))
}

/// Puts events into the queue as they fall due, then waits until all are decided.
async fn dispatch(plan: &Plan, shared: &Shared, progress: &mut impl FnMut(Progress)) {
    let planned = plan.events();
    let end = shared.started_at + plan.duration + plan.grace;
    let mut begun = 0;
    let mut shown_at = shared.started_at;
    loop {
        let now = Instant::now();
        let due = (now - shared.started_at).as_secs_f64() * plan.rate;
        while begun < planned && begun as f64 <= due {
            let due = shared.started_at + Duration::from_secs_f64(begun as f64 / plan.rate);
            // The receiver lives as long as `shared`.
            let _ = shared.jobs.send(Job { due, attempts: 0, may_have_arrived: false, event: None });
            begun += 1;
        }
        if now >= shown_at {
            shown_at = now + Duration::from_millis(100);
            progress(shared.progress());
        }
        let decided = lock(&shared.tally).counts.decided();
        if decided == planned || now >= end || lock(&shared.failed).is_some() {
            progress(shared.progress());
            return;
        }
        tokio::time::sleep(TICK).await;
    }
}

async fn work(shared: Arc<Shared>, mut stopped: watch::Receiver<bool>) {
    loop {
        let job = tokio::select! {
            biased;
            _ = stopped.wait_for(|stop| *stop) => return,
            job = async { shared.queue.lock().await.recv().await } => job,
        };
        let Some(job) = job else { return };
        shared.attempt(job).await;
    }
}

impl Shared {
    fn progress(&self) -> Progress {
        let tally = lock(&self.tally);
        let undecided = tally.started - tally.counts.decided();
        Progress { promised: tally.counts.promised, refused: tally.counts.refused(), undecided }
    }

    async fn attempt(self: &Arc<Self>, mut job: Job) {
        let (id, body) = match &job.event {
            Some(event) => event.clone(),
            None if self.progress().undecided >= MAX_RETRIES => return self.later(job, FIRST_WAIT),
            None => {
                lock(&self.tally).started += 1;
                let sample = lock(&self.generator).event(self.clock.now());
                (sample.id, Bytes::from(sample.body))
            }
        };
        let sent_at = Instant::now();
        let answer = self.http.post("application/cloudevents+json", &HeaderMap::new(), body.clone()).await;
        match self.judge(&mut job, &id, body.len(), sent_at, answer) {
            None => {}
            Some(retry_after) => {
                job.event = Some((id, body));
                job.attempts += 1;
                self.later(job, retry_after);
            }
        }
    }

    /// Counts an answer. Returns `Some` with the wait if the event has to be sent again. The same id makes that safe.
    fn judge(
        &self,
        job: &mut Job,
        id: &EventId,
        bytes: usize,
        sent_at: Instant,
        answer: Result<Answer, NoAnswer>,
    ) -> Option<Duration> {
        let now = Instant::now();
        let mut tally = lock(&self.tally);
        tally.counts.requests += 1;
        let is_open = answer.as_ref().map_or(true, Answer::leaves_open);
        if is_open && !job.may_have_arrived {
            job.may_have_arrived = true;
            tally.may_have_arrived += 1;
        }
        let is_decided = answer.as_ref().is_ok_and(|answer| answer.verdict() != Verdict::TryAgain);
        if is_decided && job.may_have_arrived {
            tally.may_have_arrived -= 1;
        }
        match answer {
            Ok(answer) if answer.verdict() == Verdict::Promised => {
                if let Err(error) = self.promises.note(id) {
                    lock(&self.failed).get_or_insert(error);
                }
                tally.counts.promised += 1;
                tally.counts.bytes += bytes as u64;
                tally.request_times.add(now - sent_at);
                tally.promise_times.add(now.saturating_duration_since(job.due));
                tally.promising = now - self.started_at;
                None
            }
            Ok(answer) if answer.verdict() == Verdict::TryAgain => {
                tally.again(answer.status);
                let asked_for = answer.retry_after.map(|wait| wait.min(LONGEST_RETRY_AFTER));
                Some(asked_for.unwrap_or_else(|| wait_after(job.attempts)))
            }
            Ok(answer) => {
                tally.refuse(answer.status, &answer.body);
                None
            }
            Err(error) => {
                tally.counts.no_answer += 1;
                tally.counts.last_error = Some(error.to_string());
                Some(wait_after(job.attempts))
            }
        }
    }

    fn later(self: &Arc<Self>, job: Job, wait: Duration) {
        let shared = Arc::clone(self);
        tokio::spawn(async move {
            tokio::time::sleep(wait).await;
            let _ = shared.jobs.send(job);
        });
    }
}

/// Twice as long each time, less a random part of up to half. So events that failed together are not all sent again at
/// once.
fn wait_after(attempts: u32) -> Duration {
    let wait = (FIRST_WAIT * 2_u32.pow(attempts.min(10))).min(LONGEST_WAIT);
    wait.mul_f64(rand::rng().random_range(0.5..=1.0))
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
