//! `status`.

use super::assert_output;
use crate::answer::ExitStatus;
use crate::testing::{FakePipeline, State, ago, now, run};
use spillway_core::ledger::Ledger;
use spillway_dashboard_model::flow::QueueSnapshot;
use std::sync::Arc;
use std::time::Duration;

fn pipeline(set_up: impl FnOnce(&mut State)) -> Arc<FakePipeline> {
    FakePipeline::new(|state| {
        state.ledgers = [Ledger { accepted: 94_057, stored: 94_057, ..Ledger::default() }].into();
        set_up(state);
    })
}

/// Seven events wait, and every write fails from one number of seconds ago to another.
fn outage(from_ago: i64, until_ago: i64) -> Arc<FakePipeline> {
    pipeline(|state| {
        state.ledgers =
            [Ledger { accepted: 94_057, stored: 94_050, in_flight: 7, ..Ledger::default() }].into();
        state.machine.table_failed = Some((from_ago, until_ago));
        state.machine.queue = QueueSnapshot {
            not_visible: 7,
            receive_counts: vec![0, 0, 3, 4],
            oldest_sent_at: Some(ago(180)),
            first_dead_letter_at: Some(now() + Duration::from_secs(10_740)),
            ..QueueSnapshot::default()
        };
    })
}

#[tokio::test]
async fn a_healthy_pipeline_ends_with_0() {
    let output = run("status", &pipeline(|_| {})).await;
    assert_eq!(output.status, ExitStatus::Ok);
    assert_output!(output);
}

#[tokio::test]
async fn a_failing_pipeline_ends_with_1_and_says_what_to_do() {
    let pipeline = outage(180, 0);
    let output = run("status", &pipeline).await;
    assert_eq!(output.status, ExitStatus::No);
    assert_output!(output);
    let output = run("status --json", &pipeline).await;
    assert_eq!(output.status, ExitStatus::No);
    let json = output.json();
    assert_eq!((&json["state"], &json["unaccounted"]), (&"failing".into(), &0.into()), "{json:#}");
    assert_eq!(json["incidents"].as_array().map(Vec::len), Some(1));
    assert_eq!(json["incidents"][0]["cause"], "table");
    assert_eq!(json["action"]["runbook"], "table-system-errors");
    insta::assert_json_snapshot!(json);
}

#[tokio::test]
async fn a_recovering_pipeline_ends_with_5_and_says_when_it_is_done() {
    let output = run("status", &outage(180, 60)).await;
    assert_eq!(output.status, ExitStatus::TryAgain);
    assert_output!(output);
}

#[tokio::test]
async fn lines_of_values_have_the_same_fields() {
    assert_output!(run("status -o tsv", &outage(180, 0)).await);
}

#[tokio::test]
async fn in_aws_the_age_of_the_evidence_is_shown() {
    let output = run("status --json", &pipeline(|state| state.in_aws = true)).await;
    assert_eq!(output.status, ExitStatus::Ok, "{output}");
    assert!(output.json()["evidence_age_s"].as_i64().is_some_and(|age| (0..=150).contains(&age)), "{output}");
}
