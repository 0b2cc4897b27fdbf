//! Snapshots of the drawings, so that review shows every change.

use spillway_dashboard_charts::*;
use std::collections::BTreeSet;
use std::path::Path;

/// 12 November 2026, 14:00 UTC.
const NOW: i64 = 1_794_492_000;
const HOUR: i64 = 3600;

/// A name and what was drawn.
type Drawing = (&'static str, String);

fn series(name: &str, color: u8, points: &[f64]) -> Series {
    Series::new(name, color, points.iter().map(|v| v.is_finite().then_some(*v)).collect())
}

fn three_hours(unit: Unit) -> Chart {
    Chart::new("Time from accept to stored", unit, NOW - 3 * HOUR, NOW, 900)
}

const GAP: f64 = f64::NAN;

fn everything() -> Chart {
    let mut chart = three_hours(Unit::Milliseconds);
    let p99 = [210.0, 240.0, GAP, 230.0, GAP, GAP, 900.0, 1250.0, 1180.0, 260.0, 240.0, 231.5];
    chart.series = vec![
        series("p99 yesterday", 1, &[200.0; 12]).earlier(),
        series("p50 <all>", 3, &[41.0, 44.0, 42.0, 45.0, 43.0, 44.0, 46.0, 50.0, 48.0, 44.0, 43.0, 42.0]),
        series("p99", 1, &p99),
    ];
    chart.thresholds = vec![
        Threshold { value: 1000.0, label: "high: 1 s".to_owned(), tier: Tier::High },
        Threshold { value: 60_000.0, label: "low: 1 min".to_owned(), tier: Tier::Low },
    ];
    chart.alarms = vec![
        AlarmPeriod { from: NOW - 5400, to: Some(NOW - 3600), tier: Tier::High },
        AlarmPeriod { from: NOW - 600, to: None, tier: Tier::Low },
    ];
    chart.deployments = vec![Deployment { at: NOW - 6000, label: "consumer 2f1c".to_owned() }];
    chart
}

fn stacked(kind: Kind) -> Chart {
    let mut chart = three_hours(Unit::Count);
    chart.kind = kind;
    chart.series = vec![
        series("ingest", 1, &[0.0, 1.0, 2.0, GAP, 4.0, 2.0, 0.0, 0.0, 1.0, 3.0, 2.0, 1.0]),
        series("consumer", 2, &[3.0, 0.0, 5.0, GAP, GAP, 2.0, 9.0, 14.0, 13.0, 3.0, 2.0, 0.0]),
    ];
    chart
}

fn drawings() -> Vec<Drawing> {
    let mut area = three_hours(Unit::Bytes);
    area.kind = Kind::Area;
    area.series = vec![series("memory", 5, &[5e6, 7e6, 12.4e6, 9e6])];
    let mut empty = three_hours(Unit::PerSecond);
    empty.series = vec![series("accepted", 1, &[GAP; 12])];
    let size = Size { width: 400, height: 130 };
    vec![
        ("chart_with_everything", render_svg(&everything()).svg),
        ("chart_numbers", render_svg(&everything()).series_json),
        ("chart_on_a_phone", render_svg(&Chart { size: Size::PHONE, ..everything() }).svg),
        ("chart_area", render_svg(&area).svg),
        ("chart_stacked", render_svg(&stacked(Kind::StackedArea)).svg),
        ("chart_bars", render_svg(&stacked(Kind::Bars)).svg),
        ("chart_bars_numbers", render_svg(&stacked(Kind::Bars)).series_json),
        ("chart_without_data", render_svg(&empty).svg),
        (
            "sparkline",
            sparkline(&[Some(1.0), None, Some(2.0), Some(4.0), Some(3.0), None, Some(1.5)], 80, 20),
        ),
        ("receive_counts", receive_counts(&[1203, 88, 31, 12, 8, 4, 2, 0, 1, 0, 0, 3], size)),
        ("receive_counts_none", receive_counts(&[0; 20], size)),
    ]
}

#[test]
fn drawings_match_their_snapshots_and_none_is_unused() {
    let drawings = drawings();
    for (name, drawing) in &drawings {
        // One element per line, so that a difference is readable.
        insta::assert_snapshot!(*name, drawing.replace("><", ">\n<"));
    }
    let expected: BTreeSet<String> =
        drawings.iter().map(|(name, _)| format!("drawings__snapshots__{name}.snap")).collect();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/drawings/snapshots");
    let found: BTreeSet<String> = std::fs::read_dir(folder)
        .expect("the folder of snapshots")
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .filter(|name| name.ends_with(".snap"))
        .collect();
    assert_eq!(found, expected, "each snapshot belongs to a drawing");
}
