//! The end of a function's process: after SIGTERM the current invocation finishes.
//!
//! Lambda sends it only if an extension runs beside the function, about 300 ms before it ends the sandbox. Emulators and
//! people send it too.

use lambda_runtime::{LambdaInvocation, Service};
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

#[derive(Clone, Copy, Debug, Default)]
struct State {
    /// An invocation has begun and its answer is not delivered yet.
    is_under_way: bool,
    /// SIGTERM has arrived.
    was_notified: bool,
}

/// Whether the process may end.
#[derive(Clone, Debug, Default)]
pub struct Ending(Arc<watch::Sender<State>>);

impl Ending {
    /// Notes invocations from their arrival until their answer is delivered.
    pub fn watch<S>(&self, inner: S) -> Watched<S> {
        Watched { inner, ending: self.clone() }
    }

    /// Notes a SIGTERM.
    pub async fn at_sigterm(&self) -> Infallible {
        match signal(SignalKind::terminate()) {
            Ok(mut sigterm) => {
                sigterm.recv().await;
                self.0.send_modify(|state| state.was_notified = true);
            }
            // Without a handler, SIGTERM ends the process by default.
            Err(error) => tracing::warn!(%error, "SIGTERM can't be listened for"),
        }
        std::future::pending().await
    }

    /// Waits for a SIGTERM, and then for the end of the current invocation.
    pub async fn may_end(&self) {
        // `self` holds the sender, so the channel is open.
        let _ = self.0.subscribe().wait_for(|state| state.was_notified && !state.is_under_way).await;
    }
}

/// Lambda's runtime from the invocation to the delivered answer, noted for the end of the process.
pub struct Watched<S> {
    inner: S,
    ending: Ending,
}

impl<S: Service<LambdaInvocation>> Service<LambdaInvocation> for Watched<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = UnderWay<S::Future>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, invocation: LambdaInvocation) -> Self::Future {
        self.ending.0.send_modify(|state| state.is_under_way = true);
        UnderWay { work: Some(Box::pin(self.inner.call(invocation))), ending: self.ending.clone() }
    }
}

/// An invocation.
pub struct UnderWay<F> {
    /// `None` once its answer is delivered.
    work: Option<Pin<Box<F>>>,
    ending: Ending,
}

impl<F: Future> Future for UnderWay<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let Some(work) = &mut self.work else { return Poll::Pending };
        let Poll::Ready(output) = work.as_mut().poll(context) else { return Poll::Pending };
        self.work = None;
        self.ending.0.send_modify(|state| state.is_under_way = false);
        // A process that may end now must not request another invocation, because it would not answer it.
        if self.ending.0.borrow().was_notified { Poll::Pending } else { Poll::Ready(output) }
    }
}
