//! What was recorded and is not in the file yet. Readers in the same process count it too, so what they show and what
//! alarms compare does not depend on a file that can't be written.

use super::slots::Slots;
use super::statistics::StatisticSet;
use spillway_metrics::MetricId;
use std::collections::BTreeMap;
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

/// Statistic sets by number of the slot and beginning of the minute, which is the order that suits the file.
pub(super) type Datapoints = BTreeMap<(usize, i64), StatisticSet>;

/// The recorder's memory.
#[derive(Debug, Default)]
pub(super) struct Memory {
    /// Where measurements are summed up.
    pub(super) slots: Slots,
    /// What was taken from the slots and waits for the file. The writer holds the lock until what it writes is both in the
    /// file and gone from here, so a reader that holds it finds each datapoint in exactly one of the two.
    datapoints: RwLock<Datapoints>,
}

impl Memory {
    /// The waiting datapoints, to be read together with the file.
    pub(super) fn read(&self) -> RwLockReadGuard<'_, Datapoints> {
        self.datapoints.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// The waiting datapoints, to be changed.
    pub(super) fn write(&self) -> RwLockWriteGuard<'_, Datapoints> {
        self.datapoints.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// The minutes of a metric in a range of Unix seconds.
    pub(super) fn minutes<'a>(
        &self,
        waiting: &'a Datapoints,
        metric: &MetricId,
        (from, until): (i64, i64),
    ) -> impl Iterator<Item = (i64, &'a StatisticSet)> + use<'a> {
        let number = self.slots.number(metric).filter(|_| from < until);
        let range = number.map(|number| waiting.range((number, from)..(number, until)));
        range.into_iter().flatten().map(|((_, minute), set)| (*minute, set))
    }
}
