//! Backtests over small generated histories.

use super::{Backtest, Comparison, Range, run};
use crate::history::MemoryHistory;
use crate::rules::{Limits, RuleSet};
use jiff::Timestamp;
use jiff::tz::TimeZone;

/// Monday 2026-01-05, 00:00 UTC.
const START: i64 = 1_767_571_200;

fn rules(high_threshold: u32) -> RuleSet {
    let rule = |name: &str, tier: &str, twin: &str, threshold: u32| {
        format!(
            "  - name: {name}\n    kind: metric\n    tier: {tier}\n{twin}    summary: A.\n    impact: B.\n    runbook: c\n    \
             metrics:\n      - {{id: m1, namespace: AWS/SQS, metric: Age, statistic: Maximum}}\n    period: 60\n    \
             comparison: GreaterThanThreshold\n    threshold: {threshold}\n    datapoints_to_alarm: 1\n    \
             evaluation_periods: 1\n    missing_data: notBreaching\n"
        )
    };
    let low = rule("age-low", "low", "", 10);
    let high = rule("age-high", "high", "    low_twin: age-low\n", high_threshold);
    RuleSet::parse(&[("rules.yaml", &format!("subsystem: queue\nrules:\n{low}{high}"))], &Limits::default())
        .unwrap()
}

fn backtest(rules: &RuleSet, values: &[(usize, f64)]) -> Backtest {
    let series =
        values.iter().flat_map(|(minutes, value)| std::iter::repeat_n(*value, *minutes)).collect::<Vec<_>>();
    let minutes = series.len() as i64;
    let start = Timestamp::from_second(START).unwrap();
    let mut history = MemoryHistory::new(start, 60);
    history.insert(rules.get("age-low").unwrap().metric().unwrap().queries[0].stat.clone(), series);
    let until = Timestamp::from_second(START + minutes * 60).unwrap();
    run(rules, &history, &Range { from: start, until, zone: TimeZone::get("Europe/Berlin").unwrap() })
        .unwrap()
}

#[test]
fn it_counts_firings_time_in_alarm_flapping_and_the_lead_of_the_low_twin() {
    // Rises for an hour, is high for ten minutes, is fine for ten, is high at once for five, then fine.
    let backtest = backtest(
        &rules(100),
        &[(60, 1.0), (60, 50.0), (10, 200.0), (10, 1.0), (5, 200.0), (600, 1.0), (5, 200.0)],
    );
    let low = backtest.rule("age-low").unwrap();
    assert_eq!(low.firings.len(), 3);
    assert_eq!(low.in_alarm_s, (70 + 5 + 4) * 60, "the last one lasts until the end");
    let high = backtest.rule("age-high").unwrap();
    assert_eq!(high.firings.len(), 3);
    assert_eq!(high.flaps, 1);
    assert_eq!(high.leads_s[0], Some(3_600));
    assert_eq!(high.leads_s[1], Some(5_400 - 600), "a warning of an hour ago still counts");
    assert_eq!(high.leads_s[2], None, "both at once is no lead");
    assert_eq!(backtest.without_warning().len(), 1);
    assert_eq!(backtest.pages(), 3);
    // 02:01 UTC is three o'clock in Berlin.
    assert_eq!(backtest.pages_by_hour[3], 2);
    assert_eq!(backtest.pages_per_week(), 3.0);
    let text = backtest.to_string();
    assert!(text.contains("age-high"), "{text}");
    assert!(text.contains("3 pages from 1 high rules, 3.0 a week (a history of less than a week counts as one); 3 low firings; 1 pages without"), "{text}");
}

#[test]
fn two_versions_of_a_rule_are_compared_over_the_same_history() {
    let history = [(60, 1.0), (10, 200.0), (60, 1.0), (10, 300.0), (60, 1.0)];
    let (before, after) = (backtest(&rules(100), &history), backtest(&rules(250), &history));
    let comparison = Comparison::of(&before, &after);
    assert_eq!(comparison.rules.len(), 1);
    assert_eq!(comparison.rules[0].firings_before, Some(2));
    assert_eq!(comparison.rules[0].firings_after, Some(1));
    assert_eq!((comparison.rules[0].minutes_before, comparison.rules[0].minutes_after), (20, 10));
    assert_eq!((comparison.pages_per_week_before, comparison.pages_per_week_after), (2.0, 1.0));
    assert_eq!(Comparison::of(&before, &before).rules, []);
}
