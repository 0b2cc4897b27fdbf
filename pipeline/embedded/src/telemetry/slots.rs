//! Where measurements are summed up in memory: a slot for each metric, in it a statistic set for each minute.

use super::statistics::{StatisticSet, has_percentiles};
use spillway_core::metric::{MetricId, Unit};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

/// Length of the shortest period, in seconds.
pub(super) const MINUTE: i64 = 60;

/// One metric's measurements that have not been written yet.
#[derive(Debug)]
pub(super) struct Slot {
    number: usize,
    pub(super) metric: MetricId,
    pub(super) unit: Unit,
    has_percentiles: bool,
    /// By the minute's beginning; almost always one or two.
    minutes: Mutex<Vec<(i64, StatisticSet)>>,
}

impl Slot {
    fn new(number: usize, metric: MetricId, unit: Unit) -> Self {
        let has_percentiles = has_percentiles(&metric);
        Self { number, metric, unit, has_percentiles, minutes: Mutex::new(Vec::new()) }
    }

    /// Adds a measurement made at that Unix second. What is not a number is left out.
    pub(super) fn add(&self, second: i64, value: f64) {
        if !value.is_finite() {
            return;
        }
        let minute = second - second.rem_euclid(MINUTE);
        let mut minutes = self.minutes.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, set)) = minutes.iter_mut().rev().find(|(start, _)| *start == minute) {
            set.add(value);
        } else {
            let mut set = StatisticSet::empty(self.has_percentiles);
            set.add(value);
            minutes.push((minute, set));
        }
    }

    /// Takes out all that was added since the last time.
    pub(super) fn take(&self) -> Vec<(i64, StatisticSet)> {
        std::mem::take(&mut *self.minutes.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// All slots. A slot's number never changes.
#[derive(Debug, Default)]
pub(super) struct Slots(RwLock<Index>);

#[derive(Debug, Default)]
struct Index {
    by_metric: HashMap<MetricId, Arc<Slot>>,
    in_order: Vec<Arc<Slot>>,
}

impl Slots {
    /// Applies a function to the slot of a metric, which is created if there is none yet. Holding a read lock
    /// for the duration of an addition is cheaper than cloning the `Arc`.
    pub(super) fn with<R>(&self, metric: &MetricId, unit: Unit, work: impl Fn(&Slot) -> R) -> R {
        {
            let index = self.0.read().unwrap_or_else(PoisonError::into_inner);
            if let Some(slot) = index.by_metric.get(metric) {
                return work(slot);
            }
        }
        work(&self.get(metric, unit))
    }

    /// The slot of a metric, which is made if there is none yet.
    pub(super) fn get(&self, metric: &MetricId, unit: Unit) -> Arc<Slot> {
        let mut index = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(slot) = index.by_metric.get(metric) {
            return Arc::clone(slot);
        }
        let slot = Arc::new(Slot::new(index.in_order.len(), metric.clone(), unit));
        index.by_metric.insert(metric.clone(), Arc::clone(&slot));
        index.in_order.push(Arc::clone(&slot));
        slot
    }

    /// The number of a metric's slot; `None` if nothing was recorded of it.
    pub(super) fn number(&self, metric: &MetricId) -> Option<usize> {
        let index = self.0.read().unwrap_or_else(PoisonError::into_inner);
        index.by_metric.get(metric).map(|slot| slot.number)
    }

    /// All of them, by number.
    pub(super) fn all(&self) -> Vec<Arc<Slot>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).in_order.clone()
    }
}
