//! `get`, `flow`, `sign-in`.

use super::assert_output;
use crate::answer::ExitStatus;
use crate::testing::{FakePipeline, ago, dead_letter, location, readings, run, run_until};
use spillway_core::ledger::{Ledger, Place};
use std::sync::Arc;

fn pipeline() -> Arc<FakePipeline> {
    FakePipeline::new(|state| {
        state.locations.push(location("e1", "/web", Place::Stored));
        let mut waiting = location("e2", "/web", Place::InFlight);
        waiting.receive_count = Some(5);
        waiting.visible_at = Some(ago(0) + std::time::Duration::from_secs(80));
        waiting.failure = dead_letter(1, 5).failures.pop();
        state.locations.push(waiting);
        state.locations.push(location("e2", "/app", Place::Archived));
        let mut letter = dead_letter(9, 30);
        letter.id = "m-e2".into();
        state.dead_letters.push(letter);
    })
}

#[tokio::test]
async fn get_shows_the_place_of_an_event() {
    let output = run("get e1", &pipeline()).await;
    assert_eq!(output.status, ExitStatus::Ok);
    assert_output!(output);
}

#[tokio::test]
async fn get_shows_each_event_with_the_id_the_most_settled_first() {
    assert_output!(run("get e2", &pipeline()).await);
    let one = run("get e2 --source /web --json", &pipeline()).await.json();
    assert_eq!((&one["state"], one["locations"].as_array().unwrap().len()), (&"in_flight".into(), 1));
}

#[tokio::test]
async fn an_event_in_the_dlq_is_a_dead_letter_that_waits_for_the_archiver() {
    let pipeline = FakePipeline::new(|state| state.locations.push(location("e1", "/web", Place::InDlq)));
    let get = run("get e1", &pipeline).await;
    assert!(get.out.starts_with("e1 is in the DLQ\n"), "{get}");
    for command in ["dlq show e1", "dlq replay e1", "dlq discard e1 --reason junk"] {
        let output = run(command, &pipeline).await;
        assert_eq!(output.status, ExitStatus::TryAgain, "{output}");
        assert!(output.err.contains("waits for the archiver"), "{output}");
    }
}

#[tokio::test]
async fn get_as_json_has_a_stable_shape() {
    let json = run("get e2 --json", &pipeline()).await.json();
    insta::assert_json_snapshot!(json);
}

#[tokio::test]
async fn an_unknown_event_is_an_error_with_a_remedy() {
    let output = run("get nothing", &pipeline()).await;
    assert_eq!(output.status, ExitStatus::NotFound);
    assert_output!(output);
    let output = run("get nothing --json", &pipeline()).await;
    assert_eq!((output.status, &output.json()["state"]), (ExitStatus::NotFound, &"unknown".into()));
}

#[tokio::test]
async fn get_prints_an_event_as_it_was_accepted() {
    let pipeline = pipeline();
    let body = "{\"z\": 12345678901234567890123, \"a\":[0.10,-0,1E+2],\r\n\"s\":\"a\u{7f}b\"}";
    pipeline.state().locations[0].body = body.to_owned();
    assert_eq!(run("get e1 --body", &pipeline).await.out, body);
    let json = run("get e1 --json", &pipeline).await.out;
    assert!(json.contains(&format!("\"event\": {body}")), "{json}");
    let text = run("get e1", &pipeline).await.out;
    assert!(
        text.contains(
            "    \"z\": 12345678901234567890123,\n    \"a\": [\n      0.10,\n      -0,\n      1E+2\n"
        ),
        "{text}"
    );

    pipeline.state().locations[0].body = "no JSON".to_owned();
    assert_eq!(run("get e1 --json", &pipeline).await.json()["locations"][0]["event"], "no JSON");
    assert_eq!(run("get e1 --body", &pipeline).await.out, "no JSON");
    assert_eq!(run("get nothing --body", &pipeline).await.status, ExitStatus::NotFound);
    let several = run("get e2 --body", &pipeline).await;
    assert_eq!((several.status, several.out.as_str()), (ExitStatus::Usage, ""), "{several}");
    assert!(several.err.contains("add --source"), "{several}");
    assert_eq!(run("get e2 --source /app --body", &pipeline).await.status, ExitStatus::Ok);
}

#[tokio::test]
async fn several_events_are_one_list() {
    let pipeline = pipeline();
    let table = run("get e1 e2", &pipeline).await;
    assert_eq!(table.status, ExitStatus::Ok);
    assert_output!(table);
    let missing = run("get e1 nothing -o tsv", &pipeline).await;
    assert_eq!(missing.status, ExitStatus::NotFound, "one is missing");
    let states: Vec<_> = missing.out.lines().map(|line| line.split('\t').nth(1).unwrap()).collect();
    assert_eq!(states, ["state", "stored", "unknown"]);
    let json = run("get e1 nothing --json", &pipeline).await;
    assert_eq!((json.status, &json.json()["events"][1]["state"]), (ExitStatus::NotFound, &"unknown".into()));
}

#[tokio::test]
async fn a_watched_command_prints_what_has_changed() {
    let pipeline = ledger(172_431);
    let watched =
        run_until("flow --watch=5s --json", &pipeline, |out| out.matches("\"accepted\"").count() >= 2);
    let out = watched.await;
    let accepted: Vec<_> = out.lines().filter(|line| line.contains("\"accepted\":")).collect();
    assert_eq!(accepted[..2], ["  \"accepted\": 172431,", "  \"accepted\": 172441,"]);
    assert!(pipeline.waited_ms() >= 5_000);
}

#[tokio::test]
async fn a_watched_answer_is_not_printed_again_because_time_has_passed() {
    for form in ["--json", "-o tsv", "--over 1s --json"] {
        let pipeline = FakePipeline::new(|state| {
            state.ledgers.push_back(Ledger { accepted: 1, stored: 1, ..Ledger::default() });
        });
        let line = format!("flow --watch=5s {form}");
        let out = run_until(&line, &pipeline, |_| pipeline.waited_ms() > 20_000).await;
        assert_eq!(
            out.matches("accepted_per_s").count().max(out.matches("\"at\"").count()),
            1,
            "{form}: {out}"
        );
    }
}

fn ledger(accepted: u64) -> Arc<FakePipeline> {
    FakePipeline::new(|state| {
        state.ledgers.extend(readings(Ledger {
            accepted,
            stored: 172_402,
            duplicates: 12,
            in_flight: 26,
            archived: 3,
            ..Ledger::default()
        }));
    })
}

#[tokio::test]
async fn a_balanced_ledger_succeeds() {
    let output = run("flow", &ledger(172_431)).await;
    assert_eq!(output.status, ExitStatus::Ok);
    assert_output!(output);
}

#[tokio::test]
async fn a_gap_in_the_ledger_fails() {
    let output = run("flow", &ledger(172_433)).await;
    assert_eq!(output.status, ExitStatus::No);
    assert!(output.out.starts_with("2 of 172,433 accepted events are unaccounted for"), "{output}");
}

#[tokio::test]
async fn flow_over_a_duration_has_rates() {
    let output = run("flow --over 5s --json", &ledger(172_431)).await;
    assert_eq!(output.json()["rates"]["accepted_per_s"], 2.0);
    insta::assert_json_snapshot!(output.json());
    let lines = run("flow --over 5s -o tsv", &ledger(172_431)).await.out;
    let mut rows = lines.lines().map(|line| line.split('\t').collect::<Vec<_>>());
    let (names, values) = (rows.next().unwrap(), rows.next().unwrap());
    let value = |name| values[names.iter().position(|other| *other == name).unwrap()];
    assert_eq!(["over_s", "accepted_per_s", "stored_per_s"].map(value), ["5", "2", "2"]);
    assert!(run("flow --over 5s", &ledger(172_431)).await.out.ends_with("2.00/s accepted, 2.00/s stored\n"));
}

#[tokio::test]
async fn sign_in_prints_the_link_and_nothing_else() {
    let link = "http://127.0.0.1:3000/sign-in?token=t";
    let pipeline = FakePipeline::new(|state| state.machine.link = Some(link.to_owned()));
    assert_eq!(run("sign-in", &pipeline).await.out, format!("{link}\n"));
    assert_eq!(run("sign-in --json", &pipeline).await.json()["url"], link);
    let output = run("sign-in", &FakePipeline::new(|_| {})).await;
    assert_eq!(output.status, ExitStatus::Unreachable);
    assert!(output.err.contains("start one"), "{output}");
}
