//! What the function answers: from the event that Lambda passes in to the answer that Lambda reads.

use serde_json::{Value, json};
use spillway_core::failure::FailureClass;
use spillway_core::ids::EventKey;
use spillway_functions_consumer::{Function, run};
use spillway_testkit::letters::{at, letter};
use spillway_testkit::{FunctionHarness, State};

const OWN: &str = "Root=1-6a000000-0123456789abcdef01234567;Parent=00000000000000aa;Sampled=1";
const FIRST: &str = "Root=1-69000000-0123456789abcdef01234567;Parent=00000000000000bb;Sampled=1";

type Harness = FunctionHarness<Function>;

fn consumer(set_up: impl FnOnce(&mut State)) -> Harness {
    FunctionHarness::new("shop-consumer", set_up, |pipeline, telemetry| Function {
        consumer: pipeline.ports(Default::default()).consumer(&pipeline.worker_ports(), "test".into()),
        telemetry,
        queue: "shop-events".to_owned(),
    })
}

fn invoke(consumer: &Harness, records: Value, trace: Option<&str>) -> Result<Value, String> {
    consumer.invoke(&json!({ "Records": records }), trace, async |function, payload, invocation| {
        run(function, payload, invocation).await
    })
}

fn body(event: &str) -> String {
    format!(r#"{{"specversion":"1.0","id":"{event}","source":"/s","type":"order.placed"}}"#)
}

fn record(id: &str, body: impl Into<Value>) -> Value {
    json!({
        "messageId": id, "receiptHandle": format!("handle of {id}"), "body": body.into(), "messageAttributes": {},
        "attributes": { "ApproximateReceiveCount": "2", "SentTimestamp": "1779999990000" }
    })
}

fn failures(answer: &Value) -> Vec<&str> {
    let failures = answer["batchItemFailures"].as_array().unwrap();
    failures.iter().map(|failure| failure["itemIdentifier"].as_str().unwrap()).collect()
}

#[test]
fn poison_beside_good_records_is_dead_lettered_alone_and_with_its_reason() {
    let consumer = consumer(|state| state.throttled = [EventKey::new("/s", "busy")].into());
    let unknown = r#"{"specversion":"7.0","id":"x","source":"/s","type":"t"}"#;
    let answer = invoke(
        &consumer,
        json!([
            record("a", body("1")),
            record("no json", "}{"),
            record("empty", ""),
            record("no text", 7),
            record("unknown version", unknown),
            { "messageId": "bare" },
            record("busy", body("busy")),
            record("z", body("2")),
        ]),
        None,
    );
    let answer = answer.unwrap();
    assert_eq!(failures(&answer), ["busy"]);
    assert_eq!(consumer.pipeline.state().stored.len(), 2);
    let dead = consumer.pipeline.state().dead_lettered.clone();
    let dead: Vec<_> = dead
        .iter()
        .map(|order| {
            (order.message.message_id.as_str(), order.message.body.as_str(), order.failures[0].class)
        })
        .collect();
    let malformed = FailureClass::Malformed;
    assert_eq!(
        dead,
        [
            ("no json", "}{", malformed),
            ("empty", "", malformed),
            ("no text", "7", malformed),
            ("unknown version", unknown, malformed),
            ("bare", "", malformed),
        ]
    );
}

#[test]
fn a_record_that_makes_the_consumer_panic_fails_alone() {
    let consumer = consumer(|state| state.poisonous = [EventKey::new("/s", "2")].into());
    let records = json!([record("a", body("1")), record("b", body("2")), record("c", body("3"))]);
    assert_eq!(failures(&invoke(&consumer, records, None).unwrap()), ["b"]);
    assert_eq!(consumer.pipeline.state().stored.len(), 2);
    let line = &consumer.lines()[0];
    assert_eq!((&line["RecordsRetried"], &line["BatchSize"]), (&json!(1), &json!(3)));
}

#[test]
fn of_ten_records_nine_are_stored_and_the_one_that_panics_is_retried_alone() {
    let consumer = consumer(|state| state.poisonous = [EventKey::new("/s", "3")].into());
    let records = (0..10).map(|number| record(&format!("m{number}"), body(&number.to_string())));
    assert_eq!(failures(&invoke(&consumer, records.collect(), None).unwrap()), ["m3"]);
    let stored = consumer.pipeline.state().stored.clone();
    assert_eq!((stored.len(), stored.contains_key(&EventKey::new("/s", "3"))), (9, false));
    let line = &consumer.lines()[0];
    assert_eq!((&line["RecordsStored"], &line["RecordsRetried"]), (&json!(9), &json!(1)));
}

#[test]
fn a_record_without_an_id_leaves_the_batch_unanswered_and_the_others_processed() {
    let consumer = consumer(|_| {});
    let error = invoke(&consumer, json!([record("a", body("1")), { "body": "x" }]), None).unwrap_err();
    assert!(error.contains("without a message id"), "{error}");
    assert_eq!(consumer.pipeline.state().stored.len(), 1);
}

#[test]
fn a_batch_is_measured_under_the_names_that_charts_and_alarms_read() {
    let consumer = consumer(|_| {});
    let answer =
        invoke(&consumer, json!([record("a", body("1")), record("b", body("1")), record("c", "x")]), None)
            .unwrap();
    assert_eq!(answer, json!({ "batchItemFailures": [] }));
    let lines = consumer.lines();
    let [line] = &lines[..] else { panic!("one line, not {}", lines.len()) };
    assert_eq!((&line["FunctionName"], &line["level"]), (&json!("shop-consumer"), &json!("WARN")));
    assert_eq!(line["ReceiveCount"], json!([2, 2, 2]));
    let counts = ["RecordsStored", "RecordsAlreadyStored", "RecordsRejected"].map(|name| line[name].clone());
    assert_eq!(counts, [json!(1), json!(1), json!(1)]);
    assert_eq!(line["AcceptToStoredLatency"], 10_000);
    let directive = &line["_aws"]["CloudWatchMetrics"][0];
    assert_eq!(
        (&directive["Namespace"], &directive["Dimensions"]),
        (&json!("Spillway"), &json!([["FunctionName"]]))
    );
}

#[test]
fn each_traced_event_has_the_work_in_its_own_trace_and_the_invocation_has_the_batch() {
    let consumer = consumer(|state| {
        state.dead_letters.push(letter(1, "order.placed", FailureClass::Schema, "bad"));
        state.dead_letters[0].id = "m-1".into();
        state.start_replay(&"r-1".into(), &["m-1".into()], "ada", at(2));
    });
    let mut traced = record("a", body("1"));
    traced["attributes"]["AWSTraceHeader"] = FIRST.into();
    for (name, value) in [
        ("spillway-replay-id", "r-1"),
        ("spillway-original-message-id", "m-1"),
        ("spillway-generation", "1"),
        ("spillway-first-sent", "2026-03-01T00:00:00Z"),
    ] {
        traced["messageAttributes"][name] = json!({ "stringValue": value, "dataType": "String" });
    }
    let mut unsampled = record("b", body("2"));
    unsampled["attributes"]["AWSTraceHeader"] = FIRST.replace("Sampled=1", "Sampled=0").into();
    invoke(&consumer, json!([traced, unsampled]), Some(OWN)).unwrap();

    let (waited, function, batch) = (consumer.segment(), consumer.segment(), consumer.segment());
    for segment in [&waited, &function] {
        assert_eq!(segment["trace_id"], "1-69000000-0123456789abcdef01234567");
    }
    assert_eq!((&waited["name"], &waited["parent_id"]), (&json!("shop-events"), &json!("00000000000000bb")));
    assert_eq!((&function["name"], &function["parent_id"]), (&json!("shop-consumer"), &waited["id"]));
    assert_eq!(function["aws"]["request_id"], "request-1");
    let annotations = &function["subsegments"][0]["annotations"];
    let expected = json!({
        "event_id": "1", "event_type": "order.placed", "outcome": "stored", "receive_count": 2, "replay_id": "r-1"
    });
    assert_eq!(annotations, &expected);
    assert_eq!(function["subsegments"][0]["subsegments"][0]["name"], "DynamoDB");

    assert_eq!((&batch["type"], &batch["name"]), (&json!("subsegment"), &json!("store batch")));
    assert_eq!(batch["trace_id"], "1-6a000000-0123456789abcdef01234567");
    assert_eq!(batch["parent_id"], "00000000000000aa");
    let records = batch["subsegments"].as_array().unwrap();
    assert_eq!(records.len(), 2);
    assert_eq!(
        records[0]["annotations"]["event_trace"], FIRST,
        "the invocation's trace leads to the event's"
    );
}

fn traced(record: Value, trace: &str) -> Value {
    let mut traced = record;
    traced["attributes"]["AWSTraceHeader"] = trace.into();
    traced
}

#[test]
fn a_trace_blames_the_store_for_what_the_store_did_and_nothing_else() {
    let consumer = consumer(|state| state.throttled = [EventKey::new("/s", "busy")].into());
    let records = json!([
        traced(record("a", body("1")), FIRST),
        traced(record("b", "}{"), FIRST),
        traced(record("c", body("busy")), FIRST),
    ]);
    invoke(&consumer, records, None).unwrap();
    let segments: Vec<_> = (0..6).map(|_| consumer.segment()).collect();
    let work = |message_outcome: &str| {
        let mut all = segments.iter().map(|segment| &segment["subsegments"][0]);
        all.find(|work| work["annotations"]["outcome"] == message_outcome).unwrap().clone()
    };
    let (stored, malformed, busy) = (work("stored"), work("dead_lettered"), work("retry"));
    assert_eq!((&malformed["fault"], malformed.get("subsegments")), (&json!(true), None));
    assert_eq!((&stored["subsegments"][0]["name"], stored.get("fault")), (&json!("DynamoDB"), None));
    assert_eq!(stored["subsegments"][0].get("fault"), None);
    let call = &busy["subsegments"][0];
    assert_eq!((&call["throttle"], &call["error"], call.get("fault")), (&json!(true), &json!(true), None));
}

#[test]
fn a_wait_never_ends_before_it_began_even_if_the_clocks_differ() {
    let consumer = consumer(|_| {});
    let mut early = traced(record("a", body("1")), FIRST);
    early["attributes"]["SentTimestamp"] = "1780000000250".into();
    invoke(&consumer, json!([early]), None).unwrap();
    let waited = consumer.segment();
    assert_eq!(
        (&waited["start_time"], &waited["end_time"]),
        (&json!(1_780_000_000.0), &json!(1_780_000_000.0))
    );
}

#[test]
fn of_a_request_with_many_events_a_batch_traces_fifty_and_the_failed_ones_first() {
    let consumer = consumer(|state| state.throttled = [EventKey::new("/s", "59")].into());
    let many = (0..60).map(|number| traced(record(&format!("m{number}"), body(&number.to_string())), FIRST));
    let other = traced(record("other", body("other")), &FIRST.replace("1-69", "1-68"));
    invoke(&consumer, many.chain([other]).collect(), Some(OWN)).unwrap();
    let segments: Vec<_> = std::iter::repeat_with(|| consumer.segment())
        .take_while(|one| one["name"] != "store batch")
        .collect();
    assert_eq!(segments.len(), 2 * 50 + 2, "fifty of the request, and the one of another");
    assert_eq!(segments[1]["subsegments"][0]["annotations"]["event_id"], "59");
}
