//! What is different for a deployment in AWS.

use crate::answer::ExitStatus;
use crate::testing::{FakePipeline, State, dead_letter, readings, rejecting, run, throttled_after};
use spillway_core::ids::ReplayId;
use spillway_core::ledger::{Ledger, Uncertainty};
use spillway_core::ports::Replays as _;
use std::sync::Arc;

fn deployment(set_up: impl FnOnce(&mut State)) -> Arc<FakePipeline> {
    FakePipeline::new(|state| {
        state.in_aws = true;
        state.dead_letters = (1..=25).map(|number| dead_letter(number, 60)).collect();
        set_up(state);
    })
}

#[tokio::test]
async fn the_command_puts_back_the_whole_replay() {
    let pipeline = deployment(|_| {});
    let output = run("dlq replay --all --json", &pipeline).await;
    assert_eq!(output.status, ExitStatus::Ok);
    let replay = &output.json()["replay"];
    assert_eq!((&replay["total"], &replay["waiting"]), (&25.into(), &0.into()), "{output}");
    assert_eq!(pipeline.waited_ms(), 500, "25 messages at 50 a second");
}

#[tokio::test]
async fn the_command_waits_for_a_queue_that_accepts_nothing() {
    let pipeline = deployment(|state| state.refuse(throttled_after(12)));
    let output = run("dlq replay --all --wait --json", &pipeline).await;
    assert_eq!(output.status, ExitStatus::Ok, "{output}");
    assert_eq!(output.json()["replay"]["stored"], 25);
}

#[tokio::test]
async fn a_message_that_the_queue_never_accepts_blocks_no_other() {
    let pipeline = deployment(|state| {
        state.dead_letters = (1..=130).map(|number| dead_letter(number, 60)).collect();
        state.refuse(rejecting(115));
    });
    let output = run("dlq replay --all --json", &pipeline).await;
    assert_eq!(output.status, ExitStatus::Ok, "{output}");
    let replay = &output.json()["replay"];
    assert_eq!((&replay["waiting"], &replay["returned"]), (&0.into(), &115.into()), "{output}");
    assert!(!output.err.contains("The command retries"), "{output}");
    assert_eq!(pipeline.waited_ms(), 300, "15 messages at 50 a second, and nothing for the others");
}

#[tokio::test]
async fn an_interrupted_replay_is_resumed() {
    let pipeline = deployment(|_| {});
    // An operator started this replay and put nothing back.
    let id = ReplayId::new("r1");
    let ids: Vec<_> = pipeline.state().dead_letters.iter().map(|letter| letter.id.clone()).collect();
    pipeline.memory().create(&id, &ids, "anna").await.unwrap();
    let output = run("replays --resume --json", &pipeline).await;
    assert_eq!(output.status, ExitStatus::Ok, "{output}");
    assert_eq!(output.json()["replays"][0]["waiting"], 0);

    let here = run("replays --resume", &FakePipeline::new(|_| {})).await;
    assert_eq!(here.status, ExitStatus::Usage);
    assert!(here.err.contains("continues replays automatically"), "{here}");
}

#[tokio::test]
async fn nothing_is_released_because_its_message_may_be_in_a_queue() {
    let pipeline = deployment(|_| {});
    pipeline.memory().create(&"r1".into(), &["m1".into()], "anna").await.unwrap();
    pipeline.memory().mark_sent(&"r1".into(), &["m1".into()]).await.unwrap();
    let kept = run("dlq release m1", &pipeline).await;
    assert_eq!(kept.status, ExitStatus::No, "{kept}");
    assert!(kept.out.contains("may be in a queue, and SQS's queues cannot be searched: m1"), "{kept}");
    let released = run("dlq release m1 --force --json", &pipeline).await.json();
    assert_eq!(released["released"][0], "m1", "{released}");
}

fn uncertain(stored: u64) -> Arc<FakePipeline> {
    deployment(|state| {
        let uncertainty = Uncertainty { moving: 40, repeated: 3, in_doubt: 2 };
        state.ledgers.extend(readings(Ledger { accepted: 1_000, stored, uncertainty, ..Ledger::default() }));
    })
}

#[tokio::test]
async fn the_ledger_has_an_error_bound() {
    let within = run("flow", &uncertain(990)).await;
    assert_eq!(within.status, ExitStatus::Ok, "{within}");
    let bound = "Give or take 45: 40 moved in the last minutes, 3 may have been counted twice, 2 may have arrived without a \
                 promise; accepted minus all places is 10\n";
    assert!(within.out.starts_with("All 1,000") && within.out.ends_with(bound), "{within}");
    let output = run("flow --json", &uncertain(950)).await;
    let flow = output.json();
    assert_eq!(
        (output.status, &flow["unaccounted"], &flow["difference"]),
        (ExitStatus::No, &10.into(), &50.into())
    );
    assert_eq!(flow["uncertainty"], serde_json::json!({"moving": 40, "repeated": 3, "in_doubt": 2}));
}

#[tokio::test]
async fn a_missing_id_may_be_in_a_queue() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ids");
    std::fs::write(&file, "e99\n").unwrap();
    let pipeline =
        deployment(|state| state.ledgers.push_back(Ledger { accepted: 1, queued: 1, ..Ledger::default() }));
    let output = run(&format!("load --verify {}", file.display()), &pipeline).await;
    assert_eq!(output.status, ExitStatus::No);
    assert!(output.out.contains("run this again when they are empty"), "{output}");
    let get = run("get e99", &pipeline).await;
    assert!(get.err.contains("run this again when the queues are empty"), "{get}");
}

#[tokio::test]
async fn local_features_are_refused_before_the_search_for_credentials() {
    for line in ["fault list --topology /nowhere", "sign-in --topology /nowhere"] {
        let output = run(line, &deployment(|_| {})).await;
        assert_eq!(output.status, ExitStatus::Usage, "{output}");
        assert!(output.err.contains("--embedded DIR"), "{output}");
    }
}

#[tokio::test]
async fn a_lost_index_is_rebuilt() {
    let pipeline = deployment(|state| state.machine.unindexed = 25);
    let output = run("dlq reindex", &pipeline).await;
    assert_eq!(output.status, ExitStatus::Ok, "{output}");
    assert!(output.out.contains("25 dead letters added to the index"), "{output}");
    let again = run("dlq reindex --json", &pipeline).await;
    assert_eq!(again.json(), serde_json::json!({"added": 0, "corrected": 0, "there": 25, "lost": []}));

    let here = run("dlq reindex", &FakePipeline::new(|_| {})).await;
    assert_eq!(here.status, ExitStatus::Usage);
    assert!(here.err.contains("--topology FILE"), "{here}");
    let recover = run("dlq recover m1", &FakePipeline::new(|_| {})).await;
    assert!(recover.status == ExitStatus::Usage && recover.err.contains("no earlier versions"), "{recover}");
}

#[tokio::test]
async fn letters_without_content_are_named_and_restored() {
    let pipeline = deployment(|state| {
        for letter in &mut state.dead_letters[..2] {
            letter.is_lost = true;
        }
    });
    let list = run("dlq list --limit 100", &pipeline).await;
    assert!(list.out.contains("The content of 2 of these is gone from the archive"), "{list}");
    let show = run("dlq show m1", &pipeline).await;
    assert!(show.out.contains("gone from the archive") && show.out.contains("dlq recover m1"), "{show}");
    let replay = run("dlq replay m1 m2 m3 --json", &pipeline).await;
    assert_eq!(replay.json()["preflight"]["would_fail"], 2, "{replay}");
    let replay = replay.json()["replay"].clone();
    assert_eq!((&replay["returned"], &replay["total"]), (&2.into(), &3.into()));
    let why = run("dlq show m1", &pipeline).await;
    let words = why.out.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.contains("could not put it back: its content is gone from the archive"), "{why}");
    let recovered = run("dlq recover m1 m2 m3 --json --by anna", &pipeline).await;
    assert_eq!(recovered.json(), serde_json::json!({"recovered": ["m1", "m2"], "refused": 1}));
    assert_eq!(run("dlq recover m1", &pipeline).await.status, ExitStatus::No);
    assert!(run("dlq show m1", &pipeline).await.out.contains("recover by anna"));
}

#[tokio::test]
async fn messages_past_the_api_have_a_place_of_their_own() {
    let pipeline = deployment(|state| {
        let ledger = Ledger { accepted: 10, stored: 100, archived: 4, foreign: 94, ..Ledger::default() };
        state.ledgers.push_back(ledger);
    });
    let flow = run("flow", &pipeline).await;
    assert_eq!(flow.status, ExitStatus::Ok, "{flow}");
    assert!(flow.out.contains("foreign") && flow.out.contains("past the API"), "{flow}");
    assert_eq!(run("flow --json", &pipeline).await.json()["foreign"], 94);
}
