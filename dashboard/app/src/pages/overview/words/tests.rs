use super::*;
use jiff::Timestamp;
use spillway_core::ledger::Ledger;
use spillway_core::names::Names;
use spillway_dashboard_model::catalogue::of_stage;
use spillway_dashboard_model::flow::{
    ApiActivity, Limits, QueueActivity, RecordActivity, State, TableActivity, Target, summary,
};
use spillway_dashboard_model::{Freshness, ReadError};

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_767_225_600 + second).unwrap()
}

fn healthy() -> FlowSnapshot {
    let function = FunctionActivity {
        invocations: 540.0,
        per_second: 2.0,
        p99_ms: Some(9.0),
        ..FunctionActivity::default()
    };
    FlowSnapshot {
        at: at(0),
        ledger: Ledger { accepted: 1_000, stored: 1_000, ..Ledger::default() },
        limits: Limits::default(),
        queue: QueueSnapshot::default(),
        dlq: QueueSnapshot::default(),
        astray: 0,
        activity: Some(Activity {
            window_s: 270.0,
            api: ApiActivity {
                requests: 540.0,
                per_second: 2.0,
                p99_ms: Some(41.0),
                ..ApiActivity::default()
            },
            ingest: function.clone(),
            queue: QueueActivity { received: 540.0, sent_per_second: 2.0, ..QueueActivity::default() },
            consumer: function,
            records: RecordActivity { stored: 513.0, stored_per_second: 1.9, ..RecordActivity::default() },
            table: TableActivity { writes: 513.0, capacity_use: Some(31.0), ..TableActivity::default() },
            ..Activity::default()
        }),
        outcomes: None,
        freshness: Freshness { read_at: at(0), error: None },
        host: Default::default(),
        groups: Vec::new(),
        newest: Vec::new(),
        schema_problems: Vec::new(),
    }
}

fn of(flow: &FlowSnapshot) -> Pipeline {
    pipeline(flow, &summary(flow))
}

fn says(card: &Card) -> (&str, &str) {
    (&card.main, &card.other)
}

#[test]
fn a_healthy_pipeline_is_good_everywhere() {
    let healthy = of(&healthy());
    assert!(healthy.main.iter().chain(&healthy.side).all(|card| card.tone == Tone::Good), "{healthy:#?}");
    assert_eq!(says(&healthy.main[0]), ("p99 41\u{a0}ms", "no 5xx"));
    assert_eq!(says(&healthy.main[2]), ("0 waiting", "empty"));
    assert_eq!(says(&healthy.main[4]), ("31\u{a0}% of capacity", "idle"));
    assert_eq!(says(&healthy.side[1]), ("idle", "no errors"));
    assert_eq!(says(&healthy.side[2]), ("0 dead letters", "nothing to replay"));
    assert_eq!(healthy.main_rates.map(|rate| rate.text), ["2/s", "2/s", "2/s", "1.9/s"]);
    assert_eq!(healthy.dropped.text, "0 in 5 min");
}

#[test]
fn an_outage_is_marked_at_its_stage() {
    let mut flow = healthy();
    flow.queue = QueueSnapshot {
        visible: 20,
        not_visible: 900,
        oldest_sent_at: Some(at(-1_200)),
        ..QueueSnapshot::default()
    };
    let activity = flow.activity.get_or_insert_default();
    activity.table = TableActivity { failed: 300.0, ..TableActivity::default() };
    activity.records = RecordActivity { retried: 300.0, ..RecordActivity::default() };
    let outage = of(&flow);
    assert_eq!(says(&outage.main[2]), ("20 waiting, 900 in flight", "oldest 20 min"));
    assert_eq!(says(&outage.main[3]).1, "300 retried");
    assert_eq!(says(&outage.main[4]), ("idle", "300 refused"));
    assert_eq!((outage.main[4].tone, outage.main[0].tone), (Tone::Bad, Tone::Good));
    assert_eq!(outage.main_rates[3].text, "0/s");
}

#[test]
fn dead_letters_that_the_queue_itself_moved_count() {
    let mut flow = healthy();
    flow.ledger.archived = 3;
    let activity = flow.activity.get_or_insert_default();
    activity.dlq = QueueActivity { sent: 0.0, deleted: 3.0, ..QueueActivity::default() };
    let after = of(&flow);
    assert_eq!(after.dropped.text, "3 in 5 min");
    assert_eq!((after.side[2].main.as_str(), after.side[2].tone), ("3 dead letters", Tone::Warning));
}

#[test]
fn an_unreadable_stage_is_not_good() {
    let mut flow = healthy();
    flow.activity = None;
    flow.freshness.error = Some(ReadError::Throttled);
    let unread = of(&flow);
    assert_eq!(says(&unread.main[1]), ("–", ""));
    assert_eq!(unread.main[1].tone, Tone::Unknown);
    assert_eq!(unread.main[2].tone, Tone::Good, "the queue itself was read");
    assert_eq!((&*unread.main_rates[0].text, &*unread.dropped.text), ("–", "–"));
}

#[test]
fn a_stage_has_the_health_of_its_worst_sentence() {
    let flow = healthy();
    let sentence =
        |state| Sentence { state, text: String::new(), todo: None, target: Target::Metrics(Stage::Consumer) };
    let sentences = [State::Ok, State::Warn, State::Bad, State::Warn].map(sentence);
    assert_eq!(pipeline(&flow, &sentences).main[3].tone, Tone::Bad);
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
