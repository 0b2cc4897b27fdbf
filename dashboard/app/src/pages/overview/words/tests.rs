use super::*;
use jiff::Timestamp;
use spillway_core::ledger::Ledger;
use spillway_core::names::Names;
use spillway_dashboard_model::catalogue::of_stage;
use spillway_dashboard_model::flow::{
    ApiActivity, Limits, QueueActivity, QueueSnapshot, RecentOutcomes, RecordActivity, TableActivity,
};
use spillway_dashboard_model::{Freshness, ReadError};

const NOW: i64 = 1_767_225_600;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(NOW + second).unwrap()
}

/// Outcomes in each five seconds of the last twenty minutes: as in health, but `now` in the last minute.
fn periods(healthy: Outcomes, now: Outcomes) -> Vec<Outcomes> {
    let of = |ago: i64| if ago <= 60 { now } else { healthy };
    (1..=240).rev().map(|step| Outcomes { start: NOW - 5 * step, seconds: 5, ..of(5 * step) }).collect()
}

fn ok(ok: u64) -> Outcomes {
    Outcomes { ok, ..Outcomes::default() }
}

fn failed(failed: u64) -> Outcomes {
    Outcomes { failed, ..Outcomes::default() }
}

/// Two requests a second and averages over minutes that say so. `table` and `stored` are those of the last minute.
fn flow(table: Outcomes, stored: Outcomes, retried: u64) -> FlowSnapshot {
    let function = FunctionActivity { invocations: 540.0, p99_ms: Some(9.0), ..FunctionActivity::default() };
    let steady = || periods(ok(10), ok(10));
    let outcomes = RecentOutcomes::new(
        vec![
            (Stage::Api, steady()),
            (Stage::Ingest, steady()),
            (Stage::Consumer, steady()),
            (Stage::Table, periods(ok(10), table)),
            (Stage::Dlq, periods(ok(10), stored)),
        ],
        at(0),
    );
    let outcomes = outcomes
        .with(Counted::Accepted, steady())
        .with(Counted::Received, steady())
        .with(Counted::Retried, periods(ok(0), ok(retried)));
    FlowSnapshot {
        at: at(0),
        ledger: Ledger { accepted: 1_000, stored: 1_000, ..Ledger::default() },
        limits: Limits::default(),
        queue: QueueSnapshot::default(),
        dlq: QueueSnapshot::default(),
        astray: 0,
        activity: Some(Activity {
            window_s: 270.0,
            api: ApiActivity { requests: 540.0, p99_ms: Some(41.0), ..ApiActivity::default() },
            ingest: function.clone(),
            queue: QueueActivity { sent: 540.0, received: 540.0, ..QueueActivity::default() },
            consumer: function,
            records: RecordActivity { stored: 513.0, ..RecordActivity::default() },
            table: TableActivity { writes: 513.0, capacity_use: Some(31.0), ..TableActivity::default() },
            ..Activity::default()
        }),
        outcomes: Some(outcomes),
        freshness: Freshness { read_at: at(0), error: None },
        host: Default::default(),
        groups: Vec::new(),
        newest: Vec::new(),
        schema_problems: Vec::new(),
    }
}

fn healthy() -> FlowSnapshot {
    flow(ok(10), ok(10), 0)
}

/// One minute of a total outage of the table, with 692 events that wait and 231 in a replay.
fn outage() -> FlowSnapshot {
    let mut flow = flow(failed(10), ok(0), 10);
    flow.ledger =
        Ledger { accepted: 1_923, stored: 1_000, in_flight: 692, replaying: 231, ..Ledger::default() };
    flow.queue =
        QueueSnapshot { not_visible: 923, oldest_sent_at: Some(at(-60)), ..QueueSnapshot::default() };
    flow
}

fn of(flow: &FlowSnapshot) -> Pipeline {
    pipeline(flow, &Verdict::of(flow))
}

/// The texts of a card, with times as `16:03 UTC`.
fn says(card: &Card) -> (String, String) {
    (card.main.to_string().replace('\u{a0}', " "), card.other.to_string().replace('\u{a0}', " "))
}

fn pair(main: &str, other: &str) -> (String, String) {
    (main.to_owned(), other.to_owned())
}

#[test]
fn a_healthy_pipeline_is_good_everywhere() {
    let healthy = of(&healthy());
    assert!(healthy.main.iter().chain(&healthy.side).all(|card| card.tone == Tone::Good), "{healthy:#?}");
    assert_eq!(says(&healthy.main[0]), pair("p99 41 ms", "no 5xx"));
    assert_eq!(says(&healthy.main[2]), pair("0 queued, 0 in flight", "empty"));
    assert_eq!(says(&healthy.main[4]), pair("p99 not known", "31 % of capacity, 5 min average"));
    assert_eq!(says(&healthy.side[1]), pair("idle", "no errors"));
    assert_eq!(says(&healthy.side[2]), pair("0 archived", "nothing to replay"));
    assert_eq!(healthy.main_rates.map(|rate| rate.text), ["2/s", "2/s", "2/s", "2/s"]);
    assert_eq!(healthy.dropped.text, "0 in 1 min");
    assert!(healthy.window.to_string().contains("the last 1 min, until 00:00 UTC"), "{}", healthy.window);
}

#[test]
fn one_minute_into_an_outage_no_average_says_that_events_are_stored() {
    let outage = of(&outage());
    assert_eq!(outage.main_rates[3].text, "0/s", "the average of five minutes is 1.9/s");
    assert_eq!(says(&outage.main[4]), pair("every write fails", "120 tried"));
    assert_eq!(says(&outage.main[3]).1, "all retried");
}

#[test]
fn under_a_failing_verdict_no_stage_that_it_affects_has_a_tick() {
    let outage = of(&outage());
    let tones: Vec<_> = outage.main.iter().map(|card| card.tone).collect();
    assert_eq!(tones, [Tone::Good, Tone::Good, Tone::Warning, Tone::Warning, Tone::Bad]);
}

#[test]
fn the_queue_has_the_numbers_of_the_ledger_and_replays_apart() {
    let outage = of(&outage());
    let (main, other) = says(&outage.main[2]);
    assert_eq!(main, "0 queued, 692 in flight, 231 replaying", "923 messages are in the queue");
    assert_eq!(other, "oldest at 23:59 UTC");
}

#[test]
fn a_share_that_fails_has_its_numbers() {
    let partly = of(&flow(Outcomes { failed: 9, ok: 1, ..Outcomes::default() }, ok(1), 9));
    assert_eq!(says(&partly.main[4]).0, "108 of 120 failed");
    assert_eq!(says(&partly.main[3]).1, "90 % retried");
    assert_eq!(partly.main_rates[3].text, "12 in 1 min");
}

#[test]
fn dead_letters_that_the_queue_itself_moved_count() {
    let mut flow = healthy();
    flow.ledger.archived = 3;
    flow.outcomes = flow.outcomes.map(|all| all.with(Counted::Archived, periods(ok(0), ok(1))));
    let after = of(&flow);
    assert_eq!(after.dropped.text, "12 in 1 min");
    assert_eq!((says(&after.side[2]).0.as_str(), after.side[2].tone), ("3 archived", Tone::Warning));
}

#[test]
fn averages_say_that_they_are_averages() {
    let averages = of(&FlowSnapshot { outcomes: None, ..healthy() });
    assert!(averages.window.to_string().contains("averages of the last 5 min"), "{}", averages.window);
    assert_eq!(averages.main_rates[3].text, "1.9/s");
}

#[test]
fn an_unreadable_stage_is_not_good() {
    let mut flow = healthy();
    (flow.activity, flow.outcomes) = (None, None);
    flow.freshness.error = Some(ReadError::Throttled);
    let unread = of(&flow);
    assert_eq!(says(&unread.main[1]), pair("not known", ""));
    assert_eq!(unread.main[1].tone, Tone::Unknown);
    assert_eq!(unread.main[2].tone, Tone::Good, "the queue itself was read");
    assert_eq!((&*unread.main_rates[0].text, &*unread.dropped.text), ("not known", "not known"));
}

#[test]
fn every_rate_links_to_an_existing_chart() {
    let Pipeline { main_rates, dropped, side_rates, .. } = of(&healthy());
    for rate in main_rates.iter().chain(&side_rates).chain([&dropped]) {
        let (stage, key) = rate.chart;
        let charts = of_stage(stage, &Names::default());
        assert!(charts.iter().any(|entry| entry.key == key), "{key} of {}", stage.slug());
    }
}
