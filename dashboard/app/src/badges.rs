//! The numbers beside page names in the header.

use crate::ports::Ports;
use spillway_core::replay::{Replay, ReplayState};
use spillway_dashboard_pages::Badge;

/// Number of newest replays that the header counts. Older ones that still run are rare, so the badge leaves them out.
const REPLAYS: usize = 50;

/// The numbers. One that cannot be read is `None`, and the header leaves it out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Badges {
    dead_letters: Option<u64>,
    active_alarms: Option<u64>,
    running_replays: Option<u64>,
}

impl Badges {
    /// Reads the numbers. Every page does so, so it must be cheap: caches are in front of the flow and the alarms.
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

/// What a badge counts, for screen readers: singular and plural.
pub fn words(badge: Badge) -> (&'static str, &'static str) {
    match badge {
        Badge::DeadLetters => ("dead letter", "dead letters"),
        Badge::ActiveAlarms => ("active alarm", "active alarms"),
        Badge::RunningReplays => ("replay is running", "replays are running"),
    }
}
