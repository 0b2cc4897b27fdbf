use super::*;
use crate::flow::{
    Activity, ApiActivity, ClockJump, DiskTrouble, FunctionActivity, Host, Limits, QueueActivity,
    QueueSnapshot, TableActivity,
};
use crate::{Freshness, ReadError};
use jiff::Timestamp;
use spillway_core::dead_letter::DeadLetterGroup;
use spillway_core::failure::FailureClass;
use spillway_core::ledger::{Ledger, Uncertainty};

const NOW: i64 = 1_767_225_600;

pub(in crate::flow) fn ago_s(seconds: i64) -> Timestamp {
    Timestamp::from_second(NOW - seconds).unwrap()
}

pub(in crate::flow) fn ledger() -> Ledger {
    Ledger { accepted: 172_431, stored: 172_431, ..Ledger::default() }
}

pub(in crate::flow) fn healthy() -> FlowSnapshot {
    FlowSnapshot {
        at: ago_s(0),
        ledger: ledger(),
        limits: Limits::default(),
        queue: QueueSnapshot::default(),
        dlq: QueueSnapshot::default(),
        astray: 0,
        activity: Some(Activity {
            window_s: 270.0,
            api: ApiActivity { requests: 500.0, ..ApiActivity::default() },
            ingest: FunctionActivity { invocations: 500.0, ..FunctionActivity::default() },
            queue: QueueActivity { received: 500.0, ..QueueActivity::default() },
            consumer: FunctionActivity { invocations: 50.0, ..FunctionActivity::default() },
            table: TableActivity { writes: 500.0, capacity_use: Some(31.0), ..TableActivity::default() },
            ..Activity::default()
        }),
        outcomes: None,
        freshness: Freshness { read_at: ago_s(0), error: None },
        groups: Vec::new(),
        host: Host::default(),
        newest: Vec::new(),
        schema_problems: Vec::new(),
    }
}

fn group(class: FailureClass, message: &str, count: u64, last_s_ago: i64) -> DeadLetterGroup {
    DeadLetterGroup {
        fingerprint: Fingerprint::new("00112233aabbccdd"),
        class,
        message: message.to_owned(),
        event_type: None,
        count,
        first_at: ago_s(last_s_ago + 60),
        last_at: ago_s(last_s_ago),
        example: "m".into(),
    }
}

fn activity(flow: &mut FlowSnapshot) -> &mut Activity {
    flow.activity.get_or_insert_default()
}

/// The summary after its first sentence.
fn rest(flow: &FlowSnapshot) -> Vec<(State, String)> {
    summary(flow).into_iter().skip(1).map(|sentence| (sentence.state, sentence.text.to_string())).collect()
}

#[track_caller]
fn check(flow: &FlowSnapshot, expected: &[(State, &str)]) {
    let expected: Vec<_> = expected.iter().map(|(state, text)| (*state, (*text).to_owned())).collect();
    assert_eq!(rest(flow), expected);
}

#[test]
fn without_problems_there_is_one_sentence() {
    let sentences = summary(&healthy());
    assert_eq!(sentences.len(), 1);
    assert_eq!(sentences[0].text.to_string(), "All 172,431 events accepted are accounted for.");
    assert_eq!((overall(&sentences), &sentences[0].todo), (State::Ok, &None));
    let mut empty = healthy();
    empty.ledger = Ledger::default();
    assert_eq!(summary(&empty)[0].text.to_string(), "No events have been accepted yet.");
    empty.ledger = Ledger { accepted: 1, queued: 1, ..Ledger::default() };
    assert_eq!(summary(&empty)[0].text.to_string(), "The one event accepted is accounted for.");
}

#[test]
fn the_headline_names_a_disk_that_takes_no_data() {
    let mut flow = healthy();
    flow.host.disk = Some(DiskTrouble::Full);
    let sentences = summary(&flow);
    assert_eq!(
        sentences[0].text.to_string(),
        "The disk of the data folder is full: no event can be accepted or stored. All 172,431 events accepted are \
         accounted for."
    );
    assert_eq!((sentences.len(), overall(&sentences)), (1, State::Bad));
    assert!(sentences[0].todo.as_ref().is_some_and(|todo| todo.contains("Free space")));
    flow.host.disk = Some(DiskTrouble::NotWritable("disk I/O error".to_owned()));
    flow.ledger.accepted += 1;
    let text = summary(&flow)[0].text.to_string();
    assert!(text.starts_with("The data folder cannot be written (disk I/O error): "), "{text}");
    assert!(text.ends_with("1 event of 172,432 accepted is unaccounted for."), "{text}");
}

#[test]
fn a_jump_of_the_clock_is_mentioned_for_a_day() {
    let mut flow = healthy();
    let jump = |ago: i64, hours: i64| {
        Some(ClockJump { at: ago_s(ago), by: jiff::SignedDuration::from_hours(hours) })
    };
    flow.host.clock = jump(300, -2);
    check(&flow, &[(State::Warn, "The machine's clock went back by 2 h, 5 min ago.")]);
    flow.host.clock = jump(300, 480);
    check(&flow, &[(State::Warn, "The machine's clock went forward by 20 days, 5 min ago.")]);
    flow.host.clock = jump(86_400, 480);
    check(&flow, &[]);
}

#[test]
fn estimated_numbers_have_an_error_bound() {
    let mut flow = healthy();
    flow.ledger.uncertainty = Uncertainty { moving: 1_040, ..Uncertainty::default() };
    let text = |flow: &FlowSnapshot| summary(flow)[0].text.to_string();
    let so = "All 172,431 events accepted are accounted for, give or take";
    assert_eq!(text(&flow), format!("{so} 1,040 that moved in the last minutes."));
    flow.ledger.uncertainty.repeated = 3;
    assert_eq!(text(&flow), format!("{so} 1,043 that moved in the last minutes or may be counted twice."));
    flow.ledger.uncertainty.in_doubt = 2;
    let three = "moved in the last minutes or may be counted twice or may have arrived without a promise";
    assert_eq!(text(&flow), format!("{so} 1,045 that {three}."));
    flow.ledger.accepted += 1_042;
    assert_eq!(text(&flow), "2 events of 173,473 accepted are unaccounted for.");
}

#[test]
fn unaccounted_events_come_first_and_are_bad() {
    let mut flow = healthy();
    flow.ledger.accepted += 3;
    let first = &summary(&flow)[0];
    assert_eq!(first.text.to_string(), "3 events of 172,434 accepted are unaccounted for.");
    assert!(
        first.state == State::Bad && first.todo.as_ref().is_some_and(|todo| todo.contains("Purge no queue"))
    );
    flow.ledger.accepted -= 4;
    assert_eq!(
        summary(&flow)[0].text.to_string(),
        "The ledger finds 1 event more than the 172,430 accepted."
    );
}

#[test]
fn schemas_that_cannot_be_used_are_named() {
    let mut flow = healthy();
    flow.schema_problems = vec!["a.json is not JSON: EOF".to_owned()];
    check(&flow, &[(State::Warn, "1 schema can't be used: a.json is not JSON: EOF.")]);
    flow.schema_problems.extend((1..5).map(|n| format!("{n}.json is not JSON")));
    check(
        &flow,
        &[(
            State::Warn,
            "5 schemas can't be used: a.json is not JSON: EOF; 1.json is not JSON; 2.json is not JSON; and 2 more.",
        )],
    );
}

#[test]
fn dead_letters_have_count_time_and_reason() {
    let mut flow = healthy();
    flow.ledger = Ledger { stored: 172_428, archived: 3, ..ledger() };
    flow.groups = vec![group(FailureClass::Schema, "/amount: expected number", 3, 240)];
    check(
        &flow,
        &[(
            State::Warn,
            "3 dead letters wait for a decision. All for the same reason: /amount: expected number.",
        )],
    );
    let sentence = &summary(&flow)[1];
    assert_eq!(sentence.target.path(), "/dead-letters?group=00112233aabbccdd");
    assert!(sentence.todo.as_ref().is_some_and(|todo| todo.contains("then replay or discard")));

    flow.groups = vec![
        group(FailureClass::StoreThrottled, "the event store is over its write capacity", 2, 7_300),
        group(FailureClass::Schema, "/amount: expected number", 1, 240),
    ];
    let sentence = &summary(&flow)[1];
    assert_eq!(
        sentence.text.to_string(),
        "3 dead letters wait for a decision. Most, 2, for this reason: the event store is over its write capacity."
    );
    assert_eq!(sentence.target.path(), "/dead-letters");

    flow.groups.push(group(FailureClass::Schema, "/id: expected string", 1, 9_000));
    flow.ledger = Ledger { stored: 172_427, archived: 4, ..ledger() };
    assert_eq!(
        summary(&flow)[1].text.to_string(),
        "4 dead letters wait for a decision. Largest group: 2, the event store is over its write capacity.",
        "half is not most"
    );

    flow.ledger = Ledger { stored: 172_430, in_dlq: 1, ..ledger() };
    flow.groups.clear();
    check(&flow, &[(State::Warn, "1 dead letter waits for a decision.")]);
}

#[test]
fn a_failing_archiver_has_the_time_of_the_first_loss() {
    let mut flow = healthy();
    flow.ledger = Ledger { stored: 172_419, in_dlq: 12, ..ledger() };
    flow.dlq = QueueSnapshot {
        visible: 12,
        oldest_age_s: 20,
        oldest_sent_at: Some(ago_s(86_400)),
        ..QueueSnapshot::default()
    };
    assert_eq!(rest(&flow).len(), 1, "twenty seconds are normal");
    flow.dlq.oldest_age_s = 300;
    let stuck = "12 dead letters wait in the dead letter queue and the archiver does not take them.";
    assert!(
        rest(&flow)
            .contains(&(State::Warn, format!("{stuck} The first is lost in 13 days unless it is archived.")))
    );
    flow.dlq.oldest_sent_at = Some(ago_s(13 * 86_400));
    assert_eq!(
        rest(&flow)[0],
        (State::Bad, format!("{stuck} The first is lost in 24 h unless it is archived."))
    );
    flow.dlq.oldest_age_s = 0;
    flow.dlq.receive_counts = vec![0, 0, 0, 12];
    assert_eq!(rest(&flow)[0].0, State::Bad, "only SQS's age leaves them out");
}

#[test]
fn the_countdown_has_the_time_of_the_first_dead_letter() {
    let mut flow = healthy();
    flow.ledger = Ledger { stored: 172_417, in_flight: 14, ..ledger() };
    flow.queue.not_visible = 14;
    flow.queue.receive_counts = vec![0, 0, 0, 0, 0, 10, 4];
    flow.queue.first_dead_letter_at = Some(ago_s(-38 * 60));
    let at_attempt = "14 messages are at attempt 5 or more of 20; the first one moves to the DLQ at";
    check(&flow, &[(State::Warn, &format!("{at_attempt} 00:38 UTC."))]);
    flow.queue.first_dead_letter_at = Some(ago_s(-14 * 60));
    check(&flow, &[(State::Bad, &format!("{at_attempt} 00:14 UTC."))]);
}

#[test]
fn a_queue_that_no_consumer_receives_from_is_bad() {
    let mut flow = healthy();
    flow.ledger = Ledger { stored: 172_405, queued: 26, ..ledger() };
    flow.queue = QueueSnapshot { visible: 26, oldest_sent_at: Some(ago_s(59)), ..QueueSnapshot::default() };
    activity(&mut flow).queue.received = 0.0;
    check(&flow, &[]);
    flow.queue.oldest_sent_at = Some(ago_s(61));
    check(
        &flow,
        &[(
            State::Bad,
            "Events wait in the queue and no consumer receives them; the oldest was sent at 23:58 UTC.",
        )],
    );
    activity(&mut flow).queue.received = 1.0;
    check(&flow, &[]);
}

#[test]
fn only_numbers_from_the_time_of_waiting_show_that_no_consumer_receives() {
    let mut flow = healthy();
    flow.queue = QueueSnapshot { visible: 5, oldest_sent_at: Some(ago_s(120)), ..QueueSnapshot::default() };
    activity(&mut flow).queue.received = 0.0;
    flow.freshness = Freshness { read_at: ago_s(61), error: Some(ReadError::Throttled) };
    assert!(rest(&flow).iter().all(|(state, _)| *state == State::Warn), "they came after the reading");
    flow.freshness.read_at = ago_s(60);
    assert!(rest(&flow)[0].1.contains("no consumer receives them"));
}

#[test]
fn old_messages_count_even_if_sqs_leaves_them_out() {
    let mut flow = healthy();
    flow.queue = QueueSnapshot {
        visible: 1,
        not_visible: 4,
        oldest_age_s: 0,
        oldest_sent_at: Some(ago_s(22 * 60)),
        ..QueueSnapshot::default()
    };
    let text = "Events wait to be stored, most for their next attempt; the oldest was sent at 23:38 UTC.";
    check(&flow, &[(State::Warn, text)]);
    flow.queue.oldest_sent_at = Some(ago_s(3_600));
    assert_eq!(rest(&flow)[0].0, State::Bad);
    flow.queue.oldest_sent_at = Some(ago_s(12 * 86_400));
    assert!(rest(&flow)[0].1.ends_with("The first is lost in 2 days unless it is stored."));
    flow.queue.oldest_sent_at = Some(ago_s(299));
    check(&flow, &[]);
}

#[test]
fn a_failing_table_names_its_failure() {
    let mut flow = healthy();
    activity(&mut flow).table = TableActivity { failed: 120.0, ..TableActivity::default() };
    check(
        &flow,
        &[(
            State::Bad,
            "The table fails every write: 120 writes in the last 5 min. Accepted events stay in the queue and are retried.",
        )],
    );
    activity(&mut flow).table = TableActivity { writes: 75.0, throttled: 25.0, ..TableActivity::default() };
    check(&flow, &[(State::Warn, "The table throttles 25 % of the writes (25 in the last 5 min).")]);
    activity(&mut flow).table = TableActivity { writes: 981.0, failed: 19.0, ..TableActivity::default() };
    check(&flow, &[]);
    activity(&mut flow).table = TableActivity { writes: 1.0, failed: 499.0, ..TableActivity::default() };
    check(&flow, &[(State::Bad, "The table fails 99 % of the writes (499 in the last 5 min).")]);
    activity(&mut flow).table = TableActivity { writes: 2.0, failed: 2.0, ..TableActivity::default() };
    check(&flow, &[(State::Warn, "The table fails 50 % of the writes (2 in the last 5 min).")]);
    activity(&mut flow).table = TableActivity { capacity_use: Some(91.2), ..TableActivity::default() };
    check(&flow, &[(State::Warn, "The table uses 91 % of its write capacity.")]);
}

#[test]
fn refused_requests_are_not_called_lost() {
    let mut flow = healthy();
    activity(&mut flow).api = ApiActivity { requests: 100.0, server_errors: 6.0, ..ApiActivity::default() };
    let (state, text) = rest(&flow).remove(0);
    assert_eq!(state, State::Bad);
    assert!(text.starts_with("6.0 % of the requests are refused") && text.contains("not accepted"), "{text}");
    activity(&mut flow).api = ApiActivity { requests: 9.0, server_errors: 9.0, ..ApiActivity::default() };
    check(&flow, &[]);
}

#[test]
fn crashing_and_throttled_functions_are_named() {
    let mut flow = healthy();
    activity(&mut flow).consumer =
        FunctionActivity { invocations: 40.0, errors: 12.0, ..FunctionActivity::default() };
    activity(&mut flow).ingest =
        FunctionActivity { invocations: 9.0, throttles: 1.0, ..FunctionActivity::default() };
    check(
        &flow,
        &[
            (State::Warn, "The ingest function was throttled 1 time in the last 5 min."),
            (State::Warn, "The consumer ended without an answer in 12 of 40 invocations in the last 5 min."),
        ],
    );
    activity(&mut flow).ingest = FunctionActivity::default();
    activity(&mut flow).consumer =
        FunctionActivity { invocations: 40.0, errors: 39.0, ..FunctionActivity::default() };
    let text = "The consumer ended without an answer in 39 of 40 invocations in the last 5 min.";
    check(&flow, &[(State::Bad, text)]);
}

#[test]
fn live_problems_come_before_old_dead_letters_and_the_first_sentence_has_the_worst_state() {
    let mut flow = healthy();
    flow.ledger = Ledger { stored: 172_428, archived: 3, ..ledger() };
    flow.groups = vec![group(FailureClass::Schema, "/amount: expected number", 3, 9_000)];
    activity(&mut flow).table = TableActivity { writes: 75.0, throttled: 25.0, ..TableActivity::default() };
    let sentences = summary(&flow);
    let order: Vec<_> = sentences.iter().skip(1).map(|sentence| sentence.target.clone()).collect();
    assert!(matches!(order[..], [Target::Metrics(Stage::Table), Target::DeadLetters(_)]), "{sentences:#?}");
    let first = |flow: &FlowSnapshot| (summary(flow)[0].state, summary(flow)[0].text.to_string());
    let text = "All 172,431 events accepted are accounted for.".to_owned();
    assert_eq!(first(&flow), (State::Warn, text.clone()));
    activity(&mut flow).table = TableActivity { failed: 25.0, ..TableActivity::default() };
    assert_eq!(first(&flow), (State::Bad, text));
    flow.ledger = Ledger { stored: 172_428, replaying: 3, ..ledger() };
    flow.groups.clear();
    activity(&mut flow).table = TableActivity::default();
    assert_eq!(first(&flow).0, State::Ok, "a replay is no problem");
}

#[test]
fn replays_and_old_numbers_are_mentioned() {
    let mut flow = healthy();
    flow.ledger = Ledger { stored: 172_248, replaying: 183, ..ledger() };
    check(&flow, &[(State::Ok, "183 dead letters are being replayed.")]);
    flow.freshness = Freshness { read_at: ago_s(600), error: Some(ReadError::Throttled) };
    let reason = "the source of the numbers throttles requests";
    assert_eq!(rest(&flow)[0], (State::Warn, format!("Rates and errors are from 10 min ago: {reason}.")));
    flow.activity = None;
    assert_eq!(rest(&flow)[0].1, format!("Rates and errors are not known: {reason}."));
}

#[test]
fn dead_letters_whose_messages_are_gone_are_named_and_not_all_is_well() {
    let mut flow = healthy();
    flow.ledger = Ledger { stored: 172_411, replaying: 20, ..ledger() };
    flow.astray = 20;
    let text = "20 dead letters are in a replay for more than an hour, and their messages are in no queue.";
    assert!(rest(&flow).contains(&(State::Warn, text.to_owned())), "{:?}", rest(&flow));
    assert_eq!(summary(&flow)[0].state, State::Warn);
}

#[test]
fn with_several_problems_the_most_serious_comes_first() {
    let mut flow = healthy();
    flow.ledger = Ledger {
        accepted: 1_000,
        stored: 100,
        in_flight: 500,
        in_dlq: 200,
        archived: 150,
        replaying: 49,
        ..ledger()
    };
    flow.queue = QueueSnapshot {
        visible: 100,
        not_visible: 400,
        oldest_sent_at: Some(ago_s(3 * 86_400)),
        receive_counts: (0..20).collect(),
        first_dead_letter_at: Some(ago_s(5)),
        ..QueueSnapshot::default()
    };
    flow.dlq = QueueSnapshot {
        visible: 200,
        oldest_age_s: 9_000,
        oldest_sent_at: Some(ago_s(15 * 86_400)),
        ..QueueSnapshot::default()
    };
    flow.groups = vec![group(FailureClass::StoreUnavailable, "the event store is unavailable", 150, 0)];
    flow.freshness.error = Some(ReadError::Throttled);
    let of = activity(&mut flow);
    of.api = ApiActivity { requests: 100.0, server_errors: 100.0, ..ApiActivity::default() };
    of.table = TableActivity { failed: 10.0, throttled: 10.0, ..TableActivity::default() };
    let failing = FunctionActivity { invocations: 5.0, errors: 5.0, ..FunctionActivity::default() };
    [of.ingest, of.consumer, of.archiver] = [failing.clone(), failing.clone(), failing];
    of.queue.received = 0.0;

    let sentences = summary(&flow);
    assert_eq!(sentences.len(), 12, "{sentences:#?}");
    assert!(sentences[0].text.to_string().contains("1 event of 1,000 accepted is unaccounted for"));
    assert!(sentences.windows(2).skip(1).all(|pair| pair[0].state >= pair[1].state));
    assert_eq!(overall(&sentences), State::Bad);
    for sentence in &sentences {
        let text = sentence.text.to_string();
        assert!(text.ends_with('.') && !text.contains(".."), "{text}");
        assert_eq!(sentence.todo.is_none(), sentence.target == Target::Replays, "{}", sentence.text);
        assert!(sentence.target.path().starts_with('/'));
    }
    let texts = sentences.iter().map(|sentence| sentence.text.to_string()).collect::<Vec<_>>().join("\n");
    assert!(texts.contains("The first is lost now unless"), "{texts}");
    assert!(texts.contains("moves to the DLQ at 23:59 UTC"), "{texts}");
}
