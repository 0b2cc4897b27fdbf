use super::*;
use crate::Freshness;
use crate::flow::{Trend, Trouble};
use std::collections::HashSet;
use std::sync::Arc;

const NOW: i64 = 1_767_225_600;

fn now() -> Timestamp {
    second(NOW)
}

/// One event for each character, a number of seconds apart, the last one at that many seconds ago.
fn events(text: &str, every_s: i64, last_s_ago: i64) -> Vec<Outcomes> {
    let length = text.len() as i64;
    let event = |(position, character): (i64, char)| {
        let at = NOW - last_s_ago - (length - 1 - position) * every_s;
        let start = at - at.rem_euclid(5);
        let (ok, failed) = if character == 'x' { (0, 1) } else { (1, 0) };
        Outcomes { start, seconds: 5, ok, failed, ..Outcomes::default() }
    };
    (0..).zip(text.chars()).map(event).collect()
}

fn failures(text: &str, every_s: i64) -> Option<Trouble> {
    Trouble::failures(&events(text, every_s, 6), now())
}

#[test]
fn the_third_failure_shows_an_outage_and_two_may_be_chance() {
    assert_eq!(failures("ooooooooxx", 60), None);
    let outage = failures("ooooooooxxx", 60).unwrap();
    assert!(outage.is_failing() && outage.over_since.is_none(), "{outage:?}");
    assert_eq!((outage.share, outage.affected), (1.0, 3));
    let half = failures("ooxoxox", 60).unwrap();
    assert!(half.is_failing() && half.share == 0.5, "{half:?}");
}

#[test]
fn one_failure_in_twenty_degrades_and_does_not_fail() {
    let twenty = "ooooooooooooooooooox";
    assert_eq!(failures(&twenty.repeat(2), 60), None);
    let three = failures(&twenty.repeat(3), 60).unwrap();
    assert!(!three.is_failing() && (three.share - 0.05).abs() < 1e-9, "{three:?}");
    let rare = format!("x{}", "o".repeat(90)).repeat(3) + "x";
    assert_eq!(failures(&rare, 1), None, "one in ninety is noise");
}

#[test]
fn ninety_nine_in_a_hundred_is_failing() {
    let of = |start| Outcomes { start, seconds: 5, ok: 1, failed: 499, ..Outcomes::default() };
    let trouble = Trouble::failures(&[of(NOW - 10), of(NOW - 5)], now()).unwrap();
    assert!(trouble.is_failing() && trouble.share > 0.99);
}

#[test]
fn three_successes_after_an_outage_end_it() {
    let over = |text| failures(text, 60).unwrap().over_since.is_some();
    assert!(!over("oooxxxoo"));
    assert!(over("oooxxxooo"));
    let settled = failures("oooxxxooo", 60).unwrap();
    assert!(settled.is_settled, "after a total outage three successes are no chance");
}

#[test]
fn the_end_of_a_partial_trouble_is_known_after_a_minute_and_sure_later() {
    let half = "xo".repeat(60);
    let after = |good: usize| failures(&format!("{half}{}", "o".repeat(good)), 1).unwrap();
    assert!(after(3).over_since.is_none(), "three in a row are chance");
    assert!(after(8).over_since.is_some());
    let few = "ooooooooooooooooooox".repeat(4);
    let after = |good: usize| failures(&format!("{few}{}", "o".repeat(good)), 1).unwrap();
    assert!(after(30).over_since.is_none());
    assert!(after(58).over_since.is_some() && !after(58).is_settled);
    assert!(after(110).is_settled);
}

#[test]
fn an_outage_after_which_nothing_comes_is_forgotten_after_an_hour() {
    let periods = events("oooxxx", 60, 6);
    assert!(Trouble::failures(&periods, second(NOW + 3_000)).is_some());
    assert_eq!(Trouble::failures(&periods, second(NOW + 4_000)), None);
}

/// CloudWatch's minutes of an event a second, as far as they have arrived a minute after their end.
fn minutes(now_s: i64, fails_from: i64) -> Vec<Outcomes> {
    let arrived = (NOW - 600..now_s - 119).step_by(60);
    let minute = |start: i64| {
        let failed = (start + 60 - fails_from.max(start)).clamp(0, 60).cast_unsigned();
        Outcomes { start, seconds: 60, ok: 60 - failed, failed, ..Outcomes::default() }
    };
    arrived.map(minute).collect()
}

#[test]
fn in_aws_an_outage_shows_after_two_minutes() {
    for began in 0..60 {
        let is_seen = |after: i64| {
            let now = NOW + began + after;
            Trouble::failures(&minutes(now, NOW + began), second(now)).is_some()
        };
        let after = (0..).find(|after| is_seen(*after)).unwrap();
        assert!(after <= 125, "{after} s after second {began} of a minute");
    }
}

#[test]
fn a_share_that_grows_is_rising() {
    let trend = |text: &str| failures(text, 1).unwrap().trend;
    let (few, many) = ("ooooooooox".repeat(10), "ooox".repeat(20));
    assert_eq!(trend(&few), Trend::Steady);
    assert_eq!(trend(&format!("{few}{many}")), Trend::Rising);
    assert_eq!(trend(&format!("{many}{few}")), Trend::Falling);
}

#[test]
fn the_period_in_which_an_outage_begins_does_not_hide_that_all_fails() {
    let of = |start, ok, failed| Outcomes { start, seconds: 5, ok, failed, ..Outcomes::default() };
    let periods = [of(NOW - 15, 500, 0), of(NOW - 10, 300, 200), of(NOW - 5, 0, 400)];
    assert_eq!(Trouble::failures(&periods, now()).unwrap().share, 1.0);
}

#[test]
fn slow_writes_never_fail_a_stage() {
    let of = |start| Outcomes { start, seconds: 5, ok: 100, slow: 100, ..Outcomes::default() };
    let periods = [of(NOW - 10), of(NOW - 5)];
    assert_eq!(Trouble::failures(&periods, now()), None);
    let slow = Trouble::slowness(&periods, now()).unwrap();
    assert!(!slow.is_failing() && slow.share == 1.0);
}

#[test]
fn each_outcome_is_read_from_its_own_series() {
    let names = Names::default();
    let queries = Numbers::queries(&names);
    assert_eq!(queries.iter().collect::<HashSet<_>>().len(), queries.len());
    let range = TimeRange::last(SignedDuration::from_secs(60), now());
    let value = |query: &MetricQuery| match (&*query.metric.name, query.statistic) {
        ("Count", _) => 48.0,
        ("5XXError" | "SystemErrors", _) => 8.0,
        ("SuccessfulRequestLatency", Statistic::SampleCount) => 100.0,
        ("SuccessfulRequestLatency", Statistic::P50) => 6.0,
        ("SuccessfulRequestLatency", _) => 600.0,
        ("RecordsStored", _) => 90.0,
        _ => 0.0,
    };
    let series = queries.iter().map(|query| {
        let mut series = Series::empty(range, Period::MINUTE);
        series.points.fill(Some(value(query)));
        Arc::new(series)
    });
    let reading = Reading { series: series.collect(), freshness: Freshness { read_at: now(), error: None } };
    let outcomes = RecentOutcomes::of_readings(&[reading], &names, now());
    let only = |stage| match outcomes.of(stage) {
        [one] => *one,
        other => panic!("{stage:?}: {other:?}"),
    };
    assert_eq!((only(Stage::Api).ok, only(Stage::Api).failed), (40, 8));
    let table = only(Stage::Table);
    assert_eq!((table.ok, table.slow, table.failed, table.throttled), (100, 26, 8, 0));
    assert_eq!(only(Stage::Dlq).ok, 90);
    assert!(outcomes.of(Stage::Archiver).is_empty());
    assert_eq!((outcomes.age_s(now()), outcomes.age_s(second(NOW + 40))), (0, 40));
}

#[test]
fn the_last_minute_has_only_what_happened_in_it() {
    let of = |start, ok, failed| Outcomes { start, seconds: 5, ok, failed, ..Outcomes::default() };
    let periods = vec![of(NOW - 600, 500, 0), of(NOW - 65, 100, 0), of(NOW - 60, 3, 0), of(NOW - 5, 0, 7)];
    let all = RecentOutcomes::new(vec![(Stage::Table, periods)], now())
        .with(Counted::Accepted, vec![of(NOW - 30, 9, 0)]);
    let minute = all.last_minute();
    let table = minute.of(Stage::Table);
    assert_eq!((table.ok, table.failed, table.bad_percent()), (3, 7, 70.0));
    assert_eq!((minute.sum(Counted::Accepted).ok, minute.sum(Counted::Archived).all()), (9, 0));
    assert_eq!((minute.seconds(), minute.to()), (60.0, now()));
    let begun = RecentOutcomes::new(vec![(Stage::Api, vec![of(NOW - 20, 4, 0)])], now());
    assert_eq!(begun.last_minute().seconds(), 20.0, "a pipeline that has just started is not slow");
}

#[test]
fn a_running_minute_of_cloudwatch_does_not_look_like_a_fall() {
    let of = |start, ok| Outcomes { start, seconds: 60, ok, ..Outcomes::default() };
    let periods = vec![of(NOW - 120, 50), of(NOW - 60, 60), of(NOW, 10)];
    let all = RecentOutcomes::new(vec![(Stage::Api, periods)], second(NOW + 20));
    let minute = all.last_minute();
    assert_eq!((minute.of(Stage::Api).ok, minute.seconds(), minute.to()), (60, 60.0, now()));
}
