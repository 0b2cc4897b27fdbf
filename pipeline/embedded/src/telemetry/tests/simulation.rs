use super::super::Mode;
use super::support::{at, bench, latency};
use spillway_core::metric::MetricId;
use spillway_metrics::{MetricQuery, Statistic};

const METRICS: usize = 70;
const WITH_PERCENTILES: usize = 10;

/// A virtual day of 70 metrics, flushed every virtual minute. How long it takes is for the benchmark; here it must be
/// complete.
#[test]
fn a_simulated_day_is_complete_after_finish() {
    let bench = bench(Mode::Simulation { write_every_s: 3_600 });
    let metrics: Vec<_> = (0..METRICS)
        .map(|i| {
            let name = if i < WITH_PERCENTILES { "Duration" } else { "Invocations" };
            MetricId::new("AWS/Lambda", name, &[("FunctionName", &i.to_string())])
        })
        .collect();
    for _ in 0..24 * 60 {
        for (i, metric) in metrics.iter().enumerate() {
            let samples = if i < WITH_PERCENTILES { 60 } else { 1 };
            for sample in 0..samples {
                bench.record(metric, f64::from(sample) + 1.0);
            }
        }
        bench.advance(60);
        bench.flush();
    }
    bench.recorder.finish(bench.now());
    for metric in &metrics {
        let minutes = bench.read(metric, Statistic::SampleCount, (0, 86_400), 60);
        assert!(minutes.iter().all(Option::is_some));
    }
    let p50 = bench.read(&metrics[0], Statistic::Percentile(5000), (0, 86_400), 3_600);
    assert_eq!(p50, vec![Some(30.0); 24]);
}

#[test]
fn a_simulation_writes_rarely() {
    let bench = bench(Mode::Simulation { write_every_s: 3_600 });
    let query = [MetricQuery { metric: latency(), statistic: Statistic::Sum }];
    let is_there = || bench.reader.query(&query, at(0), at(60), 60).unwrap()[0][0].is_some();
    bench.record(&latency(), 1.0);
    bench.advance(3_599);
    bench.flush();
    assert!(!is_there());
    bench.advance(1);
    bench.flush();
    assert!(is_there());
}
