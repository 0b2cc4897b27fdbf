//! `fault`.

use super::assert_output;
use crate::answer::ExitStatus;
use crate::testing::{FakePipeline, ago, now, run};
use spillway_embedded::faults::{Fault, FaultKind};
use std::time::Duration;

#[tokio::test]
async fn a_fault_is_started_with_its_parameters_and_its_actor() {
    let pipeline = FakePipeline::new(|_| {});
    let output = run("fault start store-latency --added-ms 250 --for 10m --by anna", &pipeline).await;
    assert_output!(output);
    let fault = pipeline.machine().faults[0].clone();
    assert_eq!(fault.kind, FaultKind::store_latency(Duration::from_millis(250)));
    assert_eq!((fault.from, fault.until), (now(), Some(now() + Duration::from_secs(600))));
    let entry = pipeline.state().audit[0].clone();
    assert_eq!((entry.by.as_str(), entry.action.as_str()), ("anna", "fault start"));
}

#[tokio::test]
async fn each_kind_has_its_defaults() {
    let pipeline = FakePipeline::new(|_| {});
    for kind in [
        "store-outage",
        "store-throttle",
        "store-latency",
        "consumer-crash",
        "queue-outage",
        "archiver-outage",
    ] {
        let output = run(&format!("fault start {kind} --json"), &pipeline).await;
        assert_eq!(output.json()["started"]["kind"], kind);
    }
    let json = run("fault list --json", &pipeline).await.json();
    insta::assert_json_snapshot!(json);
    assert_output!(run("fault list", &pipeline).await);
    assert_eq!(run("fault stop --all --json", &pipeline).await.json()["stopped"], 6);
    assert_eq!(run("fault list", &pipeline).await.out, "No fault is on\n");
}

#[tokio::test]
async fn stopping_ends_only_active_faults() {
    let pipeline = FakePipeline::new(|state| {
        let over = Fault { kind: FaultKind::QUEUE_OUTAGE, from: ago(60), until: Some(ago(10)) };
        let on = Fault { kind: FaultKind::STORE_OUTAGE, from: ago(60), until: None };
        state.machine.faults.extend([over, on]);
    });
    let output = run("fault stop queue-outage", &pipeline).await;
    assert_eq!((output.status, output.out.as_str()), (ExitStatus::Ok, "queue-outage was not on\n"));
    assert_eq!(run("fault stop store-outage", &pipeline).await.out, "store-outage is off\n");
    assert_eq!(pipeline.machine().faults[1].until, Some(now()));
    assert_eq!(pipeline.state().audit.len(), 1);
}

#[tokio::test]
async fn a_fault_may_affect_a_share_of_the_calls() {
    let pipeline = FakePipeline::new(|_| {});
    let output = run("fault start store-outage --share 0.05", &pipeline).await;
    assert!(output.out.starts_with("store-outage (share 0.05) is on"), "{output}");
    assert_eq!(pipeline.machine().faults[0].kind, FaultKind::StoreOutage { share: 0.05 });
    let output = run("fault start store-latency --added-ms 250 --share 0.5", &pipeline).await;
    assert!(output.out.starts_with("store-latency (+250 ms, share 0.5) is on"), "{output}");
}

#[tokio::test]
async fn an_option_that_a_kind_does_not_have_is_refused() {
    let pipeline = FakePipeline::new(|_| {});
    for (words, expected) in [
        ("store-outage --capacity 0.5", "store-outage has no --capacity: leave it out, or use --share"),
        ("store-throttle --share 0.5", "store-throttle has no --share: leave it out, or use --capacity"),
        (
            "store-latency --probability 0.5",
            "store-latency has no --probability: leave it out, or use --added-ms or --share",
        ),
        ("consumer-crash --share 0.5", "consumer-crash has no --share: leave it out, or use --probability"),
        ("queue-outage --added-ms 5", "queue-outage has no --added-ms: leave it out, or use --share"),
        ("archiver-outage --capacity 0.5", "archiver-outage has no --capacity: leave it out, or use --share"),
    ] {
        let output = run(&format!("fault start {words}"), &pipeline).await;
        assert_eq!(output.status, ExitStatus::Usage, "{output}");
        assert!(output.err.contains(expected), "{output}");
    }
    assert_eq!(pipeline.machine().faults, []);
}
