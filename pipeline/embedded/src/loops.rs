//! Work that goes on as long as the pipeline runs. The death of one such loop must not go unnoticed: the others would go on,
//! and nothing would be stored, archived or notified any more.

use std::collections::HashMap;
use std::future::pending;
use tokio::task::{Id, JoinSet};

/// A part of the pipeline ended, although that was not requested.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{part} ended unexpectedly ({reason}): start this program again")]
pub struct LoopEnded {
    /// The part, such as `the consumer`.
    pub part: &'static str,
    /// Why.
    pub reason: String,
}

/// Loops, by name. They end when this is dropped, at whatever they do.
#[must_use]
#[derive(Default)]
pub struct Loops {
    tasks: JoinSet<()>,
    names: HashMap<Id, &'static str>,
}

impl Loops {
    /// Starts one. It is expected to go on for ever.
    pub fn spawn(&mut self, name: &'static str, work: impl Future<Output = ()> + Send + 'static) {
        let id = self.tasks.spawn(work).id();
        self.names.insert(id, name);
    }

    /// Resolves when one of them has ended. Without any, it never does.
    pub async fn ended(&mut self) -> LoopEnded {
        let (id, reason) = match self.tasks.join_next_with_id().await {
            Some(Ok((id, ()))) => (id, "it returned".to_owned()),
            Some(Err(error)) if error.is_panic() => {
                (error.id(), "it panicked; the log has the place".to_owned())
            }
            Some(Err(error)) => (error.id(), error.to_string()),
            None => pending().await,
        };
        LoopEnded { part: self.names.remove(&id).unwrap_or("a part of the pipeline"), reason }
    }

    /// Ends all at once, at whatever they do.
    pub fn abort(&mut self) {
        self.tasks.abort_all();
    }

    /// Waits until all have ended by themselves.
    pub async fn finished(&mut self) {
        while self.tasks.join_next().await.is_some() {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_loop_that_ends_is_named_with_the_reason() {
        let mut loops = Loops::default();
        loops.spawn("the archiver", pending());
        loops.spawn("the consumer", async { panic!("a bug") });
        let ended = loops.ended().await;
        assert_eq!(ended.part, "the consumer");
        assert!(ended.to_string().starts_with("the consumer ended unexpectedly (it panicked"), "{ended}");
        loops.spawn("the sampler", async {});
        assert_eq!(loops.ended().await, LoopEnded { part: "the sampler", reason: "it returned".to_owned() });
    }
}
