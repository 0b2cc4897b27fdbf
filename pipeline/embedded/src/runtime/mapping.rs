//! Simulates an event source mapping: polls a queue and invokes a function with batches, several at once.

use super::Pace;
use super::functions::Functions;
use spillway_core::message::ReceivedMessage;
use spillway_core::ports::QueueKind;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

/// Polls the primary queue for the consumer until stopped or dropped.
pub async fn run_consumer(functions: Arc<Functions>, pace: Pace, stop: watch::Receiver<bool>) {
    let (batch, concurrency) =
        (functions.settings.consumer_batch_size, functions.settings.consumer_concurrency);
    let invoke = |functions: Arc<Functions>, batch| async move { functions.invoke_consumer(batch).await };
    run(functions, QueueKind::Primary, (batch, concurrency), pace, stop, invoke).await;
}

/// Polls the DLQ for the archiver until stopped or dropped.
pub async fn run_archiver(functions: Arc<Functions>, pace: Pace, stop: watch::Receiver<bool>) {
    let (batch, concurrency) =
        (functions.settings.archiver_batch_size, functions.settings.archiver_concurrency);
    let invoke = |functions: Arc<Functions>, batch| async move { functions.invoke_archiver(batch).await };
    run(functions, QueueKind::Dlq, (batch, concurrency), pace, stop, invoke).await;
}

async fn run<F, I>(
    functions: Arc<Functions>,
    queue: QueueKind,
    (batch_size, concurrency): (usize, usize),
    pace: Pace,
    mut stop: watch::Receiver<bool>,
    invoke: I,
) where
    F: Future<Output = ()> + Send + 'static,
    I: Fn(Arc<Functions>, Vec<ReceivedMessage>) -> F,
{
    let permits = Arc::new(Semaphore::new(concurrency));
    // Dropped with this future: an invocation does not outlive its mapping.
    let mut invocations = JoinSet::new();
    loop {
        while invocations.try_join_next().is_some() {}
        let permit = tokio::select! {
            permit = Arc::clone(&permits).acquire_owned() => permit,
            () = requested(&mut stop) => break,
        };
        let Ok(permit) = permit else { break };
        // Never cancelled: what is received here has its invocation.
        match functions.receiver.receive(queue, batch_size).await {
            Ok(batch) => {
                let drained = batch.len() < batch_size;
                if !batch.is_empty() {
                    let invocation = invoke(Arc::clone(&functions), batch);
                    invocations.spawn(async move {
                        invocation.await;
                        drop(permit);
                    });
                }
                if drained {
                    tokio::select! {
                        () = wait(&functions, queue, pace) => {}
                        () = requested(&mut stop) => break,
                    }
                }
            }
            Err(error) => {
                drop(permit);
                tracing::warn!(%error, ?queue, "messages could not be received");
                tokio::select! {
                    () = functions.clock.sleep(Duration::from_secs(1)) => {}
                    () = requested(&mut stop) => break,
                }
            }
        }
    }
    while invocations.join_next().await.is_some() {}
}

/// Waits until the stop is requested, or nobody is left who could request it.
async fn requested(stop: &mut watch::Receiver<bool>) {
    let _ = stop.wait_for(|is_requested| *is_requested).await;
}

/// Waits for a message to arrive, or to become visible again, but not longer than the
/// pace allows: another process may send.
async fn wait(functions: &Functions, queue: QueueKind, pace: Pace) {
    let until_visible = match functions.receiver.next_visible(queue).await {
        Ok(Some(at)) => {
            let left = at.as_millisecond() - functions.clock.now().as_millisecond();
            Duration::from_millis(u64::try_from(left).unwrap_or(0))
        }
        Ok(None) | Err(_) => pace.queue,
    };
    tokio::select! {
        () = functions.receiver.arrival(queue) => {}
        () = functions.clock.sleep(until_visible.clamp(pace.gather, pace.queue)) => {}
    }
}
