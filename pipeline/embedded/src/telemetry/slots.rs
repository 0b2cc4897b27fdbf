//! Where measurements are summed up in memory: a slot for each metric, in it a statistic set for each minute. Metrics that a
//! verdict is made of also have one for each five seconds.

use super::statistics::{StatisticSet, has_percentiles};
use spillway_core::metric::{MetricId, Unit};
use spillway_metrics::retention::{RECENT, floor};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

/// Length of the shortest period, in seconds.
pub(super) const MINUTE: i64 = 60;

/// Length of the periods in which the last minutes of some metrics are kept, in seconds.
pub(super) const SHORT: i64 = RECENT.period.seconds() as i64;

/// Statistic sets by the beginning of their period; almost always one or two.
type Sets = Vec<(i64, StatisticSet)>;

/// One metric's measurements that have not been written yet.
#[derive(Debug)]
pub(super) struct Slot {
    pub(super) number: usize,
    pub(super) metric: MetricId,
    pub(super) unit: Unit,
    has_percentiles: bool,
    is_recent: bool,
    sets: Mutex<Unwritten>,
}

/// What was added to a slot since it was last taken over.
#[derive(Debug, Default)]
pub(super) struct Unwritten {
    /// By the minute.
    pub(super) minutes: Sets,
    /// By five seconds, of metrics that a verdict is made of.
    pub(super) recent: Sets,
}

impl Slot {
    fn new(number: usize, metric: MetricId, unit: Unit) -> Self {
        let has_percentiles = has_percentiles(&metric);
        let is_recent = spillway_metrics::named(&metric.namespace, &metric.name).any(|metric| metric.recent);
        Self { number, metric, unit, has_percentiles, is_recent, sets: Mutex::default() }
    }

    /// Adds a measurement made at that Unix second. What is not a number is left out.
    pub(super) fn add(&self, second: i64, value: f64) {
        if !value.is_finite() {
            return;
        }
        let mut sets = self.sets.lock().unwrap_or_else(PoisonError::into_inner);
        self.add_to(&mut sets.minutes, floor(second, MINUTE), value);
        if self.is_recent {
            self.add_to(&mut sets.recent, floor(second, SHORT), value);
        }
    }

    fn add_to(&self, sets: &mut Sets, start: i64, value: f64) {
        if let Some((_, set)) = sets.iter_mut().rev().find(|(other, _)| *other == start) {
            set.add(value);
        } else {
            let mut set = StatisticSet::empty(self.has_percentiles);
            set.add(value);
            sets.push((start, set));
        }
    }

    /// Takes out all that was added since the last time.
    pub(super) fn take(&self) -> Unwritten {
        std::mem::take(&mut *self.sets.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Applies a function to what was added to the short periods since it was last taken over.
    pub(super) fn with_recent<R>(&self, work: impl FnOnce(&[(i64, StatisticSet)]) -> R) -> R {
        work(&self.sets.lock().unwrap_or_else(PoisonError::into_inner).recent)
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

    /// A metric's slot; `None` if nothing was recorded of it.
    pub(super) fn known(&self, metric: &MetricId) -> Option<Arc<Slot>> {
        let index = self.0.read().unwrap_or_else(PoisonError::into_inner);
        index.by_metric.get(metric).map(Arc::clone)
    }

    /// All of them, by number.
    pub(super) fn all(&self) -> Vec<Arc<Slot>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).in_order.clone()
    }
}
