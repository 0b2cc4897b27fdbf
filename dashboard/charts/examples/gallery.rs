//! Writes an HTML page with every kind of drawing, in light and dark, for work on them:
//! `cargo run -p spillway-dashboard-charts --example gallery > gallery.html`.

#![expect(clippy::print_stdout, reason = "its output is the page")]

use spillway_dashboard_charts::*;
use std::fmt::Write;

/// 12 November 2026, 14:00 UTC.
const NOW: i64 = 1_794_492_000;
const HOUR: i64 = 3600;
const STEP: i64 = 480;
const POINTS: usize = 180;

fn main() {
    println!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"viewport\" \
         content=\"width=device-width\"><title>Charts</title><style>{CSS}{PAGE}</style>{}{}",
        theme("light"),
        theme("dark")
    );
}

const PAGE: &str = "
body { margin: 0; font: 14px system-ui, sans-serif; }
section { padding: 16px; background: light-dark(#fff, #14181d); color: light-dark(#1b1f24, #e6e9ec); }
.light { color-scheme: light } .dark { color-scheme: dark }
.grid-of { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(350px, 100%), 1fr)); gap: 20px 28px; }
h2 { font-size: 14px; font-weight: 600; margin: 0 0 4px; } p { margin: 0 0 4px; font-size: 12px; display: flex; gap: 14px; }
.whole { grid-column: 1 / -1 }
";

fn theme(name: &str) -> String {
    let mut page = format!("<section class=\"{name}\"><div class=\"grid-of\">");
    for chart in charts() {
        cell(&mut page, "", &chart);
    }
    let wide = Chart { size: Size::PAGE, ..latency() };
    let narrow = Chart { size: Size::PHONE, ..latency() };
    let _ = write!(
        page,
        "<figure class=\"whole\" style=\"margin:0\"><h2>One page wide</h2><div class=\"chart-when-wide\">{}</div>\
         <div class=\"chart-when-narrow\">{}</div></figure>",
        render_svg(&wide).svg,
        render_svg(&narrow).svg
    );
    small(&mut page);
    page.push_str("</div></section>");
    page
}

fn cell(page: &mut String, extra: &str, chart: &Chart) {
    let keys: String = legend(chart)
        .into_iter()
        .map(|l| {
            format!(
                "<span><span class=\"{}\"></span> {} <b>{}</b></span>",
                l.class,
                l.name,
                l.latest.unwrap_or_default()
            )
        })
        .collect();
    let _ = write!(page, "<div {extra}><h2>{}</h2><p>{keys}</p>{}</div>", chart.name, render_svg(chart).svg);
}

fn small(page: &mut String) {
    let counts = vec![1203, 88, 31, 12, 8, 4, 2, 0, 1, 0, 0, 0, 3, 0, 0, 0, 0, 0, 1, 0];
    let line: Vec<_> = wave(1, 0.0, 10.0, 60);
    let _ = write!(
        page,
        "<div><h2>Receive counts</h2>{}</div><div><h2>None waiting</h2>{}</div><div><h2>Sparklines</h2>{}<br>{}<br>{}</div>",
        bars(&Bars::receive_counts(counts)),
        bars(&Bars::receive_counts(vec![0; 20])),
        sparkline(&line, 120, 24),
        sparkline(&[None, Some(1.0), None, Some(4.0), Some(3.0), Some(9.0), None], 120, 24),
        sparkline(&[Some(0.0); 20], 120, 24)
    );
    for (value, forecast, state) in
        [(41.2, 88.0, State::Fine), (71.0, 112.0, State::Warning), (131.0, 180.0, State::Over)]
    {
        let budget = Meter {
            name: "Spend this month".to_owned(),
            value,
            forecast: Some(forecast),
            limit: 100.0,
            unit: Unit::Dollars,
            ticks: [50.0, 80.0, 100.0].map(|at| MeterTick { at, label: format!("{at:.0} %") }).to_vec(),
            state,
            width: 360,
        };
        let _ = write!(page, "<div><h2>Budget {}</h2>{}</div>", Unit::Dollars.format(value), meter(&budget));
    }
}

/// A daily wave with noise, from a generator with a fixed seed.
fn wave(seed: u32, low: f64, high: f64, points: usize) -> Vec<Option<f64>> {
    let mut state = seed.wrapping_mul(2_654_435_761).max(1);
    (0..points)
        .map(|i| {
            state ^= state << 13;
            state ^= state >> 17;
            state ^= state << 5;
            let noise = f64::from(state % 1000) / 1000.0;
            let day =
                (1.0 - (i as f64 / points as f64 * std::f64::consts::TAU + f64::from(seed)).cos()) / 2.0;
            Some(low + (high - low) * (0.75 * day + 0.25 * noise))
        })
        .collect()
}

fn day(name: &str, unit: Unit) -> Chart {
    Chart::new(name, unit, NOW - 24 * HOUR, NOW, STEP)
}

fn latency() -> Chart {
    let mut chart = day("Time from accept to stored", Unit::Milliseconds);
    let mut p99 = wave(3, 150.0, 420.0, POINTS);
    for (i, point) in p99.iter_mut().enumerate().skip(120).take(14) {
        *point = Some(1150.0 + 60.0 * ((i % 5) as f64));
    }
    chart.series = vec![
        Series::new("p99 yesterday", 1, wave(3, 160.0, 440.0, POINTS)).earlier(),
        Series::new("p50", 3, wave(5, 40.0, 90.0, POINTS)),
        Series::new("p90", 2, wave(4, 90.0, 200.0, POINTS)),
        Series::new("p99", 1, p99),
    ];
    chart.thresholds = vec![
        Threshold { value: 500.0, label: "low: 500 ms".to_owned(), tier: Tier::Low },
        Threshold { value: 1000.0, label: "high: 1 s".to_owned(), tier: Tier::High },
    ];
    chart.alarms = vec![
        AlarmPeriod { from: NOW - 8 * HOUR, to: Some(NOW - 6 * HOUR), tier: Tier::High },
        AlarmPeriod { from: NOW - HOUR, to: None, tier: Tier::Low },
    ];
    chart.deployments = vec![
        Deployment { at: NOW - 17 * HOUR, label: "consumer 2f1c".to_owned() },
        Deployment { at: NOW - 8 * HOUR - 900, label: "consumer 77ab".to_owned() },
    ];
    chart
}

fn charts() -> Vec<Chart> {
    let mut flow = day("Accepted and stored", Unit::PerSecond);
    flow.kind = Kind::Area;
    flow.series = vec![Series::new("accepted", 1, wave(1, 400.0, 2000.0, POINTS))];

    let mut queue = day("Queue depth", Unit::Count);
    let mut depth = wave(9, 0.0, 30.0, POINTS);
    depth[60..80].fill(None);
    depth[70] = Some(25.0);
    queue.series = vec![Series::new("visible", 1, depth)];
    queue.thresholds = vec![Threshold { value: 1000.0, label: "low: 1 k".to_owned(), tier: Tier::Low }];

    let mut errors = Chart::new("Errors by stage", Unit::Count, NOW - 3 * HOUR, NOW, 300);
    errors.kind = Kind::Bars;
    errors.series = vec![
        Series::new("ingest", 1, (0..36).map(|i| Some(f64::from(i % 4))).collect()),
        Series::new(
            "consumer",
            2,
            (0..36).map(|i| Some(f64::from(if (20..26).contains(&i) { 14 } else { i % 3 }))).collect(),
        ),
    ];

    let mut stack = Chart::new("Where events are", Unit::Count, NOW - 7 * 24 * HOUR, NOW, 3600);
    stack.kind = Kind::StackedArea;
    stack.series = (1..=4)
        .map(|n| {
            let name = ["queued", "in flight", "dead letters", "replaying"][usize::from(n) - 1];
            Series::new(name, n, wave(u32::from(n), 200.0, 2000.0 / f64::from(n), 168))
        })
        .collect();

    let mut age = Chart::new("Age of the oldest message", Unit::Seconds, NOW - HOUR, NOW, 60);
    age.kind = Kind::Area;
    age.series = vec![Series::new("age", 5, (0..50).map(|i| Some(f64::from(i) * 46.0)).collect())];

    let mut empty = day("Dead letters", Unit::Count);
    empty.series = vec![Series::new("archived", 1, vec![None; POINTS])];

    let mut memory = Chart::new("Memory", Unit::Bytes, NOW - 48 * HOUR, NOW, 960);
    memory.series = (1..=8)
        .map(|n| Series::new(format!("s{n}"), n, wave(7, 1e6 * f64::from(n), 1.4e6 * f64::from(n), POINTS)))
        .collect();

    let mut share = day("Availability", Unit::Percent);
    share.y_from_zero = false;
    share.series = vec![Series::new("2xx", 3, wave(2, 99.2, 100.0, POINTS))];

    let mut dense = Chart::new("Thinned: 10,080 points", Unit::Count, NOW - 7 * 24 * HOUR, NOW, 60);
    dense.series = vec![Series::new("invocations", 1, wave(11, 100.0, 900.0, 10_080))];
    vec![latency(), flow, queue, errors, stack, age, empty, memory, share, dense]
}
