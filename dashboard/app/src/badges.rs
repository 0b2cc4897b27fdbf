//! The numbers beside page names in the header.

use crate::ports::Ports;
use spillway_core::replay::{Replay, ReplayState};
use spillway_dashboard_pages::Badge;

/// Replays that are read for the header. Older ones that still run are rare enough to be left out of a badge.
const REPLAYS: usize = 50;

/// The numbers. One that can't be read just now is `None` and is left out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Badges {
    dead_letters: Option<u64>,
    active_alarms: Option<u64>,
    running_replays: Option<u64>,
}

impl Badges {
    /// Reads the numbers. Every page asks for them, so it must be cheap: the flow and the alarms are behind caches.
    pub async fn read(ports: &Ports) -> Self {
        let (flow, alarms, replays) =
            futures::join!(ports.flow.snapshot(), ports.alarms.now(), ports.pipeline.replays.list(REPLAYS));
        let is_running = |replay: &&Replay| replay.state == ReplayState::Running;
        Self {
            dead_letters: flow.ok().map(|flow| flow.ledger.archived),
            active_alarms: alarms.ok().map(|now| now.active().len() as u64),
            running_replays: replays.ok().map(|replays| replays.iter().filter(is_running).count() as u64),
        }
    }

    /// The number of a badge.
    pub fn count(&self, badge: Badge) -> Option<u64> {
        match badge {
            Badge::DeadLetters => self.dead_letters,
            Badge::ActiveAlarms => self.active_alarms,
            Badge::RunningReplays => self.running_replays,
        }
    }
}

/// What a badge counts, for screen readers: one and many.
pub fn words(badge: Badge) -> (&'static str, &'static str) {
    match badge {
        Badge::DeadLetters => ("dead letter", "dead letters"),
        Badge::ActiveAlarms => ("active alarm", "active alarms"),
        Badge::RunningReplays => ("replay is running", "replays are running"),
    }
}
