use super::*;
use crate::alarms::{Limits, RuleSet};
use std::f64::consts::PI;
use std::fmt::Write as _;
use std::sync::LazyLock;

/// The high rule of the age: 3 of 5 minutes over 30 min.
fn condition() -> &'static MetricCondition {
    static CONDITION: LazyLock<MetricCondition> = LazyLock::new(|| {
        let rules = RuleSet::built_in(&Limits::built_in().unwrap()).unwrap();
        rules.get("queue-age-high").unwrap().metric().unwrap().clone()
    });
    &CONDITION
}

fn of(points: &[f64]) -> Outlook {
    Outlook::of(&points.iter().copied().map(Some).collect::<Vec<_>>(), condition())
}

#[test]
fn a_steady_rise_is_foreseen_to_the_minute() {
    // A minute older each minute: ten minutes old now, so over 30 in 20 minutes, and two datapoints more are needed.
    let ages: Vec<f64> = (1..=10).map(|minute| 60.0 * f64::from(minute)).collect();
    let Outlook::Rises { from_s, to_s } = of(&ages) else { panic!("{:?}", of(&ages)) };
    assert_eq!(to_s, Some(1_320.0), "along the line");
    assert!((300.0..1_320.0).contains(&from_s), "along the curve it is sooner: {from_s}");
    let text = Outlook::Rises { from_s: 1_800.0, to_s: Some(5_400.0) }.text();
    assert_eq!(text, "turns high in 30 min to 1 h 30 min at this rate");
    assert_eq!(
        Outlook::Rises { from_s: 1_320.0, to_s: Some(1_320.0) }.text(),
        "turns high in about 22 min at this rate"
    );
}

#[test]
fn what_does_not_rise_and_what_is_too_short_has_no_time() {
    assert_eq!(of(&[600.0; 10]), Outlook::Steady);
    assert_eq!(of(&[900.0, 800.0, 700.0, 600.0, 500.0, 400.0]), Outlook::Steady);
    assert_eq!(of(&[60.0, 120.0, 180.0, 240.0]), Outlook::Unknown);
    assert_eq!(Outlook::of(&[None; 20], condition()), Outlook::Unknown);
}

#[test]
fn one_outlier_does_not_change_the_outlook() {
    let mut ages: Vec<f64> = (1..=15).map(|minute| 60.0 * f64::from(minute)).collect();
    let before = of(&ages);
    ages[7] = 90_000.0;
    let Outlook::Rises { from_s, to_s: Some(to_s) } = of(&ages) else { panic!("{:?}", of(&ages)) };
    let Outlook::Rises { from_s: exact, .. } = before else { panic!("{before:?}") };
    assert!((from_s..=to_s).contains(&exact) || (from_s - exact).abs() < 120.0, "{from_s} {to_s} {exact}");
}

#[test]
fn datapoints_over_the_threshold_leave_only_the_wait() {
    assert_eq!(of(&[1_900.0; 6]), Outlook::Rises { from_s: 0.0, to_s: Some(0.0) });
}

/// A number over time, in minutes from its start.
struct Shape {
    name: &'static str,
    value: fn(f64) -> f64,
    /// By how much measurements differ from it, as a share.
    noise: f64,
}

/// The age has its early warning at 300 s and turns high at 1,800 s.
const LOW: f64 = 300.0;
const HIGH: f64 = 1_800.0;

const SHAPES: [Shape; 6] = [
    Shape { name: "grows evenly (an outage)", value: |minute| 60.0 * minute, noise: 0.0 },
    Shape { name: "grows evenly, 10 % noise", value: |minute| 40.0 * minute, noise: 0.1 },
    Shape { name: "grows evenly, 30 % noise", value: |minute| 20.0 * minute, noise: 0.3 },
    Shape { name: "doubles every 20 min", value: |minute| 100.0 * 2.0_f64.powf(minute / 20.0), noise: 0.05 },
    Shape {
        name: "slows down, and gets there",
        value: |minute| 3_000.0 * (1.0 - (-minute / 90.0).exp()),
        noise: 0.05,
    },
    Shape {
        name: "rises and falls by the day, and never gets there",
        value: |minute| 800.0 - 600.0 * (2.0 * PI * minute / 1_440.0).cos(),
        noise: 0.05,
    },
];

/// What a backtest of one shape found.
struct Found {
    /// Estimates that were made.
    estimates: usize,
    /// How many had the true time between their ends, give or take a datapoint.
    hit: usize,
    /// The errors of the middle of an estimate, as a share of the true time.
    errors: Vec<f64>,
    /// Of a shape that never turns high: estimates that it does within an hour.
    false_alarms: usize,
}

/// From each minute of an early warning on, the outlook is compared with what came.
fn backtest(shape: &Shape, seed: u64) -> Found {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut noise = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 11) as f64 / (1_u64 << 53) as f64 * 2.0 - 1.0
    };
    let points: Vec<f64> =
        (0..1_440).map(|minute| (shape.value)(f64::from(minute)) * (1.0 + shape.noise * noise())).collect();
    let fires = points.windows(5).position(|five| five.iter().filter(|value| **value > HIGH).count() >= 3);
    let fires = fires.map(|first| first + 5);
    let mut found = Found { estimates: 0, hit: 0, errors: Vec::new(), false_alarms: 0 };
    let until = fires.unwrap_or(points.len());
    for now in 5..until {
        let is_low = points[now.saturating_sub(5)..now].iter().filter(|value| **value > LOW).count() >= 3;
        if !is_low {
            continue;
        }
        found.estimates += 1;
        let outlook = of(&points[..now]);
        let Some(fires) = fires else {
            found.false_alarms +=
                usize::from(matches!(outlook, Outlook::Rises { to_s: Some(to), .. } if to <= 3_600.0));
            continue;
        };
        let truth = 60.0 * (fires - now) as f64;
        if let Outlook::Rises { from_s, to_s } = outlook {
            let to = to_s.unwrap_or(FORESEEABLE_S);
            found.hit += usize::from(from_s - 120.0 <= truth && truth <= to + 120.0);
            let middle = to_s.map_or(from_s, |to| (from_s + to) / 2.0);
            found.errors.push((middle - truth).abs() / truth.max(300.0));
        }
    }
    found
}

/// The table of the document.
fn table() -> String {
    let mut text = "| the number | estimates | true time within | median error | false alarms |\n|---|--:|--:|--:|--:|\n".to_owned();
    for shape in &SHAPES {
        let found: Vec<Found> = (1..=20).map(|seed| backtest(shape, seed)).collect();
        let sum = |count: fn(&Found) -> usize| found.iter().map(count).sum::<usize>();
        let estimates = sum(|of| of.estimates);
        let errors = sorted(found.iter().flat_map(|of| of.errors.iter().copied()));
        let share = |count: usize| format!("{:.0} %", 100.0 * count as f64 / estimates.max(1) as f64);
        let (hit, error, false_alarms) = if errors.is_empty() {
            ("–".to_owned(), "–".to_owned(), share(sum(|of| of.false_alarms)))
        } else {
            (share(sum(|of| of.hit)), format!("{:.0} %", 100.0 * quantile(&errors, 0.5)), "–".to_owned())
        };
        writeln!(text, "| {} | {estimates} | {hit} | {error} | {false_alarms} |", shape.name).unwrap();
    }
    text
}

const DOCUMENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/early-warnings.md");

#[test]
fn the_document_has_the_measured_error() {
    let document = std::fs::read_to_string(DOCUMENT).unwrap();
    assert!(document.contains(&table()), "expected in docs/early-warnings.md:\n{}", table());
}

#[test]
fn an_even_growth_is_within_the_estimate_and_a_daily_rhythm_is_no_alarm() {
    let even = backtest(&SHAPES[0], 1);
    assert_eq!(even.hit, even.estimates);
    let daily = backtest(&SHAPES[5], 1);
    assert!(daily.false_alarms * 20 <= daily.estimates, "{} of {}", daily.false_alarms, daily.estimates);
}
