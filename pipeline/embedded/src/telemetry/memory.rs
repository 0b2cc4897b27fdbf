//! What was recorded and is not in the file yet. Readers in the same process count it too, so what they show and what
//! alarms compare does not depend on a file that can't be written.

use super::slots::{SHORT, Slots};
use super::statistics::StatisticSet;
use spillway_metrics::MetricId;
use std::collections::BTreeMap;
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

/// Statistic sets by number of the slot and beginning of the period, which is the order that suits the file.
pub(super) type Datapoints = BTreeMap<(usize, i64), StatisticSet>;

/// What was taken from the slots and waits for the file.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    /// By the minute.
    pub(super) minutes: Datapoints,
    /// By five seconds, of the metrics that a verdict is made of.
    pub(super) recent: Datapoints,
}

/// The recorder's memory.
#[derive(Debug, Default)]
pub(super) struct Memory {
    /// Where measurements are summed up.
    pub(super) slots: Slots,
    /// What was taken from the slots and waits for the file. The writer holds the lock until what it writes is both in the
    /// file and gone from here, so a reader that holds it finds each datapoint in exactly one of the two.
    waiting: RwLock<Waiting>,
}

impl Memory {
    /// The waiting datapoints, to be read together with the file.
    pub(super) fn read(&self) -> RwLockReadGuard<'_, Waiting> {
        self.waiting.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// The waiting datapoints, to be changed.
    pub(super) fn write(&self) -> RwLockWriteGuard<'_, Waiting> {
        self.waiting.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Applies a function to each set of a metric that is not in the file yet, with periods of that length that begin in a
    /// range of Unix seconds.
    pub(super) fn each(
        &self,
        waiting: &Waiting,
        metric: &MetricId,
        period: i64,
        (from, until): (i64, i64),
        mut work: impl FnMut(i64, &StatisticSet),
    ) {
        let Some(slot) = self.slots.known(metric).filter(|_| from < until) else { return };
        let sets = if period == SHORT { &waiting.recent } else { &waiting.minutes };
        for ((_, start), set) in sets.range((slot.number, from)..(slot.number, until)) {
            work(*start, set);
        }
        // The last seconds: a flush that moves them waits until `waiting` is no longer read.
        if period == SHORT {
            slot.with_recent(|sets| {
                let here = sets.iter().filter(|(start, _)| (from..until).contains(start));
                here.for_each(|(start, set)| work(*start, set));
            });
        }
    }
}
