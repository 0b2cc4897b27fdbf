//! Benchmarks of drawing: `cargo bench -p spillway-dashboard-charts`. Prints medians, and the cost of twelve charts
//! relative to one.

#![expect(clippy::print_stdout, reason = "its output is the result")]
#![expect(clippy::disallowed_methods, reason = "a benchmark measures real time")]

use spillway_dashboard_charts::{Chart, Kind, Series, Unit, render_svg};
use std::hint::black_box;
use std::time::Instant;

const ROUNDS: usize = 200;

fn main() {
    let page: Vec<Chart> = (0..12).map(|i| chart(Kind::Line, i, 180)).collect();
    let page: Vec<&Chart> = page.iter().collect();
    let one = median_us(&page[..1]);
    let twelve = median_us(&page);
    let day = chart(Kind::Line, 0, 1440);
    let week = chart(Kind::Line, 0, 10_080);
    println!("1 chart,   3 x    180 points: {one:>8.1} µs");
    println!("12 charts, 3 x    180 points: {twelve:>8.1} µs ({:.1} times one)", twelve / one);
    for kind in [Kind::Area, Kind::StackedArea, Kind::Bars] {
        let time = median_us(&[&chart(kind, 0, 180)]);
        println!("1 chart,   3 x    180 points: {time:>8.1} µs as {kind:?}");
    }
    println!("1 chart,   3 x  1,440 points: {:>8.1} µs", median_us(&[&day]));
    println!("1 chart,   3 x 10,080 points: {:>8.1} µs", median_us(&[&week]));
    let drawn = render_svg(page[0]);
    println!("size of one: {} bytes of SVG, {} bytes of numbers", drawn.svg.len(), drawn.series_json.len());
}

fn median_us(charts: &[&Chart]) -> f64 {
    let mut times: Vec<f64> = (0..ROUNDS)
        .map(|_| {
            let start = Instant::now();
            for chart in charts {
                black_box(render_svg(black_box(chart)));
            }
            start.elapsed().as_secs_f64() * 1e6
        })
        .collect();
    times.sort_by(f64::total_cmp);
    times[ROUNDS / 2]
}

fn chart(kind: Kind, seed: u32, points: u32) -> Chart {
    let step = 60;
    let mut chart = Chart::new("Latency", Unit::Milliseconds, 0, i64::from(points) * step, step);
    chart.kind = kind;
    let value = |series: u32, i: u32| f64::from((i * 7919 + seed * 131 + series * 977) % 997);
    chart.series = (1..=3)
        .map(|n| Series::new(format!("p{n}"), n, (0..points).map(|i| Some(value(u32::from(n), i))).collect()))
        .collect();
    chart
}
