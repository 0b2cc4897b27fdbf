//! The numbers beside page names in the header.

use crate::ports::Ports;
use spillway_core::dead_letter::{DeadLetterFilter, DeadLetterStatus};
use spillway_dashboard_pages::Badge;

/// The numbers. One that cannot be read is `None`, and the header leaves it out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Badges {
    dead_letters: Option<u64>,
    active_alarms: Option<u64>,
    running_replays: Option<u64>,
}

impl Badges {
    /// Reads the numbers. Every page does so, so it must be cheap: caches are in front of all three.
    pub async fn read(ports: &Ports) -> Self {
        let waiting =
            DeadLetterFilter { states: vec![DeadLetterStatus::Archived], ..DeadLetterFilter::default() };
        let (dead_letters, alarms, replays) =
            futures::join!(ports.reads.count(&waiting), ports.alarms.now(), ports.reads.running_replays());
        Self {
            dead_letters: dead_letters.ok(),
            active_alarms: alarms.ok().map(|now| now.active().len() as u64),
            running_replays: replays.ok(),
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
