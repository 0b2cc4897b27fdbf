//! Drawings, each made once for all viewers.

use spillway_dashboard_charts::{Chart, Drawn, render_svg};
use spillway_dashboard_model::alarms::RuleName;
use spillway_dashboard_model::catalogue::Stage;
use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::mem::{discriminant, take};
use std::sync::{Arc, LazyLock, Mutex, OnceLock, PoisonError};

/// Drawings to keep before the older half is dropped: enough for some hundred viewers of different ranges, at about 10
/// KB each.
const MOST: usize = 1_000;

/// What a drawing shows.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Of {
    /// An entry of the catalogue.
    Entry(Stage, &'static str),
    /// What a rule watches.
    Rule(RuleName),
}

type Key = (Of, u64);
type Slot = Arc<OnceLock<Arc<Drawn>>>;

/// Two generations: when the younger is full, the older is dropped and the younger takes its place.
#[derive(Default)]
struct Drawings {
    young: HashMap<Key, Slot>,
    old: HashMap<Key, Slot>,
}

static DRAWINGS: LazyLock<Mutex<Drawings>> = LazyLock::new(Mutex::default);

impl Drawings {
    fn slot(&mut self, key: Key) -> Slot {
        if let Some(slot) = self.young.get(&key) {
            return Arc::clone(slot);
        }
        if self.young.len() >= MOST {
            self.old = take(&mut self.young);
        }
        let slot = self.old.remove(&key).unwrap_or_default();
        self.young.insert(key, Arc::clone(&slot));
        slot
    }
}

/// The drawing of a chart. Concurrent requests for the same chart with the same numbers share one drawing.
///
/// The numbers themselves are part of the key, so a drawing can't be older than its numbers. Computing the key takes a
/// tenth of the time that drawing does.
pub(crate) fn draw_once(of: Of, chart: &Chart) -> Arc<Drawn> {
    let key = (of, digest(chart));
    let slot = DRAWINGS.lock().unwrap_or_else(PoisonError::into_inner).slot(key);
    Arc::clone(slot.get_or_init(|| Arc::new(render_svg(chart))))
}

/// A digest of all that decides how a chart is drawn.
fn digest(chart: &Chart) -> u64 {
    // Destructured, so that the compiler reports a new field that is missing here.
    let Chart {
        name,
        from,
        to,
        start,
        step,
        unit,
        kind,
        series,
        thresholds,
        alarms,
        deployments,
        zone,
        y_max,
        y_from_zero,
        size,
    } = chart;
    let mut hasher = DefaultHasher::new();
    (name, from, to, start, step, unit, discriminant(kind)).hash(&mut hasher);
    for one in series {
        (&one.name, one.color, discriminant(&one.role), one.points.len()).hash(&mut hasher);
        for point in &one.points {
            point.map(f64::to_bits).hash(&mut hasher);
        }
    }
    for threshold in thresholds {
        (threshold.value.to_bits(), &threshold.label, threshold.tier).hash(&mut hasher);
    }
    for alarm in alarms {
        (alarm.from, alarm.to, alarm.tier).hash(&mut hasher);
    }
    for deployment in deployments {
        (deployment.at, &deployment.label).hash(&mut hasher);
    }
    (zone.iana_name(), y_max.map(f64::to_bits), y_from_zero, size.width, size.height).hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::tz::TimeZone;
    use spillway_dashboard_charts::{Series, Unit};

    fn chart(points: &[f64]) -> Chart {
        let mut chart = Chart::new("Requests", Unit::Count, 0, 600, 60);
        chart.series = vec![Series::new("Sum", 1, points.iter().copied().map(Some).collect())];
        chart
    }

    #[test]
    fn a_chart_is_drawn_once_for_all_viewers() {
        let of = || Of::Entry(Stage::Api, "cache-test");
        let one = draw_once(of(), &chart(&[1.0, 2.0, 3.0]));
        assert!(Arc::ptr_eq(&one, &draw_once(of(), &chart(&[1.0, 2.0, 3.0]))));
        let newer = draw_once(of(), &chart(&[1.0, 2.0, 4.0]));
        assert!(!Arc::ptr_eq(&one, &newer), "other numbers give another drawing");
        assert_ne!(one.svg, newer.svg);
        let mut elsewhere = chart(&[1.0, 2.0, 3.0]);
        elsewhere.zone = TimeZone::get("Asia/Kolkata").unwrap();
        assert!(!Arc::ptr_eq(&one, &draw_once(of(), &elsewhere)), "so does another zone");
    }

    #[test]
    fn a_drawing_in_use_stays_in_the_cache() {
        let mut drawings = Drawings::default();
        let watched = drawings.slot((Of::Entry(Stage::Api, "watched"), 0));
        for other in 1..=3 * MOST as u64 {
            drawings.slot((Of::Entry(Stage::Api, "other"), other));
            assert!(Arc::ptr_eq(&watched, &drawings.slot((Of::Entry(Stage::Api, "watched"), 0))));
        }
        assert!(drawings.young.len() + drawings.old.len() <= 2 * MOST);
    }
}
