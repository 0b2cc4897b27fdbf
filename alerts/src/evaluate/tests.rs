//! The two ways of evaluation agree, on any data.

use super::{Engine, Evaluator, Timeline, timeline};
use crate::history::MemoryHistory;
use crate::rules::{Limits, MissingData, Rule, RuleSet};
use crate::state::AlarmState;
use jiff::Timestamp;
use proptest::prelude::*;

const START: i64 = 1_767_571_200;

fn rule(fields: &str, missing: MissingData) -> Rule {
    let text = format!(
        "subsystem: test\nrules:\n  - name: test\n    kind: metric\n    tier: low\n    summary: A test.\n    impact: None.\n    \
         runbook: test\n    metrics:\n      - {{id: m1, namespace: AWS/SQS, metric: A, statistic: Sum}}\n      \
         - {{id: m2, namespace: AWS/SQS, metric: B, statistic: Sum}}\n    comparison: GreaterThanThreshold\n    \
         missing_data: {}\n{fields}",
        missing.name()
    );
    let set = RuleSet::parse(&[("test.yaml", &text)], &Limits::default()).unwrap();
    set.iter().next().unwrap().clone()
}

fn history(rule: &Rule, series: &[Vec<Option<u8>>]) -> MemoryHistory {
    let mut history = MemoryHistory::new(Timestamp::from_second(START).unwrap(), 60);
    for (query, values) in rule.metric().unwrap().queries.iter().zip(series) {
        let values = values.iter().map(|value| value.map_or(f64::NAN, f64::from)).collect();
        history.insert(query.stat.clone(), values);
    }
    history
}

/// Minute by minute, as the live system does it.
fn live(rule: &Rule, history: &MemoryHistory, minutes: usize) -> Timeline {
    let mut evaluator = Evaluator::new(rule).unwrap();
    let mut timeline = Timeline::default();
    for minute in 1..=minutes as i64 {
        let now = Timestamp::from_second(START + minute * 60).unwrap();
        if let Some(change) = evaluator.observe(now, history).unwrap() {
            assert_eq!(change.to, evaluator.state());
            assert_ne!(change.from, change.to);
            timeline.changes.push((now.as_second(), change.to));
        }
    }
    timeline
}

fn series() -> impl Strategy<Value = Vec<Vec<Option<u8>>>> {
    let value = prop_oneof![2 => Just(None), 3 => (0_u8..6).prop_map(Some)];
    prop::collection::vec(prop::collection::vec(value, 60), 2)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn evaluating_columns_and_single_times_agree(
        series in series(),
        needed in 1_usize..4,
        more in 0_usize..3,
        minutes in 1_u32..4,
        missing in prop::sample::select(MissingData::ALL.to_vec()),
        expression in prop::sample::select(vec![
            "m1 - m2", "FILL(m1, 0) * m2", "IF(m1 > 2, m2, 3)", "FILL(m1, REPEAT) + m2", "m1 - AVG(m2)", "10 * RATE(m1 + m2)",
        ]),
    ) {
        let looked_at = needed + more;
        let fields = format!(
            "    expression: {expression}\n    period: {}\n    threshold: 2\n    datapoints_to_alarm: {needed}\n    evaluation_periods: {looked_at}\n",
            minutes * 60,
        );
        let rule = rule(&fields, missing);
        let history = history(&rule, &series);
        let condition = rule.metric().unwrap();
        let at_once =
            timeline(condition, &history, START, START + 3_600, AlarmState::default(), None).unwrap();
        prop_assert_eq!(at_once, live(&rule, &history, 60));
    }

    #[test]
    fn an_alarm_changes_only_to_another_state(series in series()) {
        let rule = rule(
            "    expression: m1 + m2\n    period: 60\n    threshold: 4\n    datapoints_to_alarm: 2\n    evaluation_periods: 3\n",
            MissingData::Missing,
        );
        let history = history(&rule, &series);
        let timeline = live(&rule, &history, 60);
        for pair in timeline.changes.windows(2) {
            prop_assert_ne!(pair[0].1, pair[1].1);
        }
    }
}

#[test]
fn an_alarm_that_looks_back_more_than_a_day_is_evaluated_once_an_hour() {
    let rule = rule(
        "    expression: m1 + m2\n    period: 3600\n    threshold: 0\n    datapoints_to_alarm: 1\n    evaluation_periods: 48\n",
        MissingData::NotBreaching,
    );
    // The only datapoint comes in minute 70; it counts from the next full hour on. Before, the result of the last one counts.
    let mut values = vec![Some(0); 180];
    values[70] = Some(1);
    let history = history(&rule, &[values.clone(), values]);
    let expected = vec![(START + 60, AlarmState::Ok), (START + 7_200, AlarmState::Alarm)];
    let condition = rule.metric().unwrap();
    let at_once = timeline(condition, &history, START, START + 10_800, AlarmState::default(), None).unwrap();
    assert_eq!(at_once.changes, expected);
}

#[test]
fn a_percentile_waits_while_there_are_few_samples() {
    let text = "subsystem: test\nrules:\n  - name: slow\n    kind: metric\n    tier: low\n    summary: Slow.\n    impact: None.\n    \
                runbook: slow\n    metrics:\n      - {id: m1, namespace: AWS/Lambda, metric: Duration, statistic: p90}\n    \
                comparison: GreaterThanThreshold\n    threshold: 5\n    period: 60\n    datapoints_to_alarm: 1\n    \
                evaluation_periods: 1\n    missing_data: notBreaching\n    low_samples: ignore\n";
    let set = RuleSet::parse(&[("test.yaml", text)], &Limits::default()).unwrap();
    let rule = set.get("slow").unwrap();
    let mut history = MemoryHistory::new(Timestamp::from_second(START).unwrap(), 60);
    let stat = rule.metric().unwrap().queries[0].stat.clone();
    history.insert(stat.clone(), vec![1.0, 9.0, 9.0, 9.0]);
    // A p90 is significant from 100 samples on.
    history.insert(
        crate::MetricStat { statistic: crate::Statistic::SampleCount, ..stat },
        vec![200.0, 99.0, 101.0, 5.0],
    );
    assert_eq!(
        live(rule, &history, 4).changes,
        [(START + 60, AlarmState::Ok), (START + 180, AlarmState::Alarm)]
    );
    let condition = rule.metric().unwrap();
    let at_once = timeline(condition, &history, START, START + 240, AlarmState::default(), None).unwrap();
    assert_eq!(at_once, live(rule, &history, 4));
}

#[test]
fn catching_up_finds_the_same_changes_as_evaluating_every_minute() {
    let rules = RuleSet::built_in(&Limits::built_in().unwrap()).unwrap();
    let mut history = MemoryHistory::new(Timestamp::from_second(START).unwrap(), 60);
    for (number, query) in
        rules.iter().filter_map(Rule::metric).flat_map(|condition| &condition.queries).enumerate()
    {
        let values = (0..240).map(|minute: i32| match (minute / 13 + number as i32) % 5 {
            0 => f64::NAN,
            wave => f64::from(wave * wave * minute),
        });
        history.insert(query.stat.clone(), values.collect());
    }
    let at = |minute: i64| Timestamp::from_second(START + minute * 60).unwrap();
    let notified = |changes: Vec<crate::StateChange>| {
        let mut notified: Vec<_> = changes
            .into_iter()
            .map(|change| (change.at, change.rule, change.from, change.to, change.reason))
            .collect();
        notified.sort();
        notified
    };
    let mut minute_by_minute = Engine::new(rules.clone());
    let expected: Vec<_> =
        (1..=240).flat_map(|minute| minute_by_minute.tick(at(minute), &history).changes).collect();
    assert!(expected.len() > 150, "{}", expected.len());
    let mut at_once = Engine::new(rules);
    let mut found = at_once.catch_up(at(0), at(100), &history).changes;
    found.extend(at_once.catch_up(at(100), at(240), &history).changes);
    let (found, expected) = (notified(found), notified(expected));
    assert_eq!(found.len(), expected.len());
    for (found, expected) in found.iter().zip(&expected) {
        assert_eq!(found, expected);
    }
    let states = |engine: &Engine| {
        engine.statuses().iter().map(|status| (status.state, status.since)).collect::<Vec<_>>()
    };
    assert_eq!(states(&at_once), states(&minute_by_minute));
}

struct Broken;

impl crate::History for Broken {
    fn column(
        &self,
        stat: &crate::MetricStat,
        _: crate::Slots,
    ) -> Result<std::borrow::Cow<'_, [f64]>, crate::SourceError> {
        Err(crate::SourceError { metric: stat.to_string(), source: "the disk is missing".into() })
    }
}

#[test]
fn an_engine_keeps_states_when_datapoints_cannot_be_read_and_continues_from_restored_ones() {
    let limits = Limits::default();
    let text = "subsystem: test\nrules:\n  - name: one\n    kind: metric\n    tier: low\n    summary: One.\n    impact: None.\n    \
                runbook: one\n    metrics:\n      - {id: m1, namespace: AWS/SQS, metric: A, statistic: Sum}\n    \
                comparison: GreaterThanThreshold\n    threshold: 5\n    period: 60\n    datapoints_to_alarm: 1\n    \
                evaluation_periods: 1\n    missing_data: notBreaching\n  - name: both\n    kind: composite\n    tier: low\n    \
                summary: Both.\n    impact: None.\n    runbook: one\n    alarm_rule: ALARM(\"one\")\n";
    let rules = RuleSet::parse(&[("test.yaml", text)], &limits).unwrap();
    let stat = rules.get("one").unwrap().metric().unwrap().queries[0].stat.clone();
    let mut history = MemoryHistory::new(Timestamp::from_second(START).unwrap(), 60);
    history.insert(stat, vec![9.0, 9.0, 1.0]);
    let at = |minute: i64| Timestamp::from_second(START + minute * 60).unwrap();

    let mut engine = Engine::new(rules.clone());
    let changes: Vec<String> = engine
        .tick(at(1), &history)
        .changes
        .iter()
        .map(|change| format!("{} {}", change.rule, change.to))
        .collect();
    assert_eq!(changes, ["one ALARM", "both ALARM"]);
    assert!(engine.tick(at(2), &history).changes.is_empty(), "actions are for changes only");

    let tick = engine.tick(at(3), &Broken);
    assert_eq!(tick.failures.len(), 1);
    assert_eq!(engine.status("one").unwrap().state, AlarmState::Alarm);

    let mut restarted = Engine::restored(rules, engine.statuses());
    let changes = restarted.tick(at(3), &history).changes;
    assert_eq!(changes[0].from, AlarmState::Alarm);
    assert_eq!(changes[0].reason, "the newest datapoint is 1, not over 5");
    assert_eq!(changes[1].reason, "one is OK");
}

#[test]
fn a_reason_has_counts_and_rounded_values() {
    let rules = RuleSet::built_in(&Limits::built_in().unwrap()).unwrap();
    let check = |rule: &str, values: &[f64], expected: &str| {
        let condition = rules.get(rule).unwrap().metric().unwrap();
        assert_eq!(super::evaluator::reason(condition, values, AlarmState::Alarm), expected);
    };
    let older = [0.0, 0.0, 1_801.5, f64::NAN];
    check(
        "queue-age-high",
        &[&older[..], &[2_923_945.482_618]].concat(),
        "2 of the last 5 datapoints are over 1800, 1 missing; the newest is 2923945; 3 are needed",
    );
    check(
        "queue-age-high",
        &[0.0, 0.0, 0.0, 0.0, 4.0 / 3.0],
        "none of the last 5 datapoints is over 1800; the newest is 1.333; 3 are needed",
    );
    check("records-retried-low", &[-12.345_67], "the newest datapoint is -12.35, not over 10");
}
