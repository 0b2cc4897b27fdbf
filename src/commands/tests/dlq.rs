//! `dlq` and `replays`.

use super::assert_output;
use crate::answer::ExitStatus;
use crate::testing::{FakePipeline, ago, dead_letter, run, running};
use spillway_core::dead_letter::{DeadLetterState, ReplayTrace};
use spillway_core::failure::{Failure, FailureClass};
use spillway_core::ports::{AuditEntry, Replays as _, StoredEvent};
use spillway_testkit::Background;
use std::sync::Arc;

/// Three orders that failed because of their amount, and one event that the store refused.
pub(super) fn pipeline() -> Arc<FakePipeline> {
    FakePipeline::new(|state| {
        state.dead_letters.extend([dead_letter(1, 240), dead_letter(2, 3600), dead_letter(3, 90_000)]);
        let mut throttled = dead_letter(4, 600);
        let message = "the event store is over its write capacity";
        let failure = Failure::new(FailureClass::StoreThrottled, message, &"2f1c".into(), ago(600));
        throttled.fingerprint = failure.fingerprint(None);
        throttled.failures = vec![failure];
        throttled.receive_count = 20;
        throttled.body = throttled.body.replace("\"9.90\"", "9.90");
        state.dead_letters.push(throttled);
        state.schemas.insert(
            "order.placed".to_owned(),
            serde_json::json!({"properties": {"amount": {"type": "number"}}}),
        );
    })
}

fn state_of(pipeline: &FakePipeline, position: usize) -> &'static str {
    pipeline.state().dead_letters[position].state.name()
}

#[tokio::test]
async fn list_shows_groups_and_then_each() {
    assert_output!(run("dlq list", &pipeline()).await);
    let json = run("dlq list --limit 2 --json", &pipeline()).await.json();
    insta::assert_json_snapshot!(json);
}

#[tokio::test]
async fn list_filters_and_pages() {
    let pipeline = pipeline();
    for (filter, expected) in [
        ("--class schema", vec!["m1", "m2", "m3"]),
        ("--contains capacity", vec!["m4"]),
        ("--contains e3", vec!["m3"]),
        ("--since 2h", vec!["m1", "m4", "m2"]),
        ("--until 2h --type order.placed", vec!["m3"]),
        ("--limit 2 --after 2", vec!["m2", "m3"]),
        ("--state discarded", vec![]),
    ] {
        let list = run(&format!("dlq list {filter} --json"), &pipeline).await.json();
        let ids: Vec<_> =
            list["items"].as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap()).collect();
        assert_eq!(ids, expected, "{filter}");
    }
    assert_eq!(run("dlq list --type other", &pipeline).await.out, "No archived dead letters match\n");
    assert!(run("dlq list --limit 3", &pipeline).await.out.ends_with("3 of 4 shown; the next: --after 3\n"));
}

#[tokio::test]
async fn show_gives_all_details() {
    let pipeline = pipeline();
    {
        let mut state = pipeline.state();
        let trace = ReplayTrace {
            replay_id: "r1".into(),
            sent_at: ago(1000),
            ended_at: Some(ago(990)),
            stored: Some(false),
        };
        state.dead_letters[1].replays.push(trace);
        state.audit.push(AuditEntry {
            at: ago(800),
            by: "anna".into(),
            action: "discard".into(),
            subject: "m2".into(),
            detail: "test data".into(),
        });
    }
    assert_output!(run("dlq show m2", &pipeline).await);
    let json = run("dlq show e2 --json", &pipeline).await.json();
    insta::assert_json_snapshot!(json);
    assert_eq!(run("dlq show m2 --body", &pipeline).await.out, dead_letter(2, 0).body);
}

#[tokio::test]
async fn show_prints_a_body_as_it_was_accepted() {
    let pipeline = pipeline();
    let body = "{ \"z\":12345678901234567890123,\n \"a\":[0.10,-0],\"s\":\"a\u{7f}b\"}";
    pipeline.state().dead_letters[0].body = body.to_owned();
    assert_eq!(run("dlq show m1 --body", &pipeline).await.out, body);
    let text = run("dlq show m1", &pipeline).await.out;
    let spread = "  {\n    \"z\": 12345678901234567890123,\n    \"a\": [\n      0.10,\n      -0\n    ],";
    assert!(text.contains(spread), "{text}");
    let json = run("dlq show m1 --json", &pipeline).await;
    assert!(json.out.contains(&format!("\"event\": {body}")), "{json}");
    assert_eq!(json.json()["body"], body);
    for line in ["dlq show m1 --body --json", "get e1 --body -o tsv", "dlq show m1 -o tsv"] {
        assert_eq!(run(line, &pipeline).await.status, ExitStatus::Usage, "{line}");
    }
}

#[tokio::test]
async fn a_dead_letter_is_found_by_its_event_though_a_corrected_event_is_stored() {
    let pipeline = stored_once(Some("m-other"));
    pipeline.state().dead_letters[0].state = DeadLetterState::Archived;
    pipeline.state().background = Background::Stopped;
    let shown = run("dlq show e1 --json", &pipeline).await;
    assert_eq!((shown.status, &shown.json()["id"]), (ExitStatus::Ok, &"m1".into()), "{shown}");
    let replayed = run("dlq replay e1 --by anna", &pipeline).await;
    assert_eq!(replayed.status, ExitStatus::Ok, "{replayed}");
    assert_eq!(state_of(&pipeline, 0), "replaying");
    let got = run("get e1", &pipeline).await;
    assert!(got.out.contains("e1 is stored\n"), "{got}");
    assert!(got.out.contains("Also the dead letter m1 (replaying): spillway dlq show m1"), "{got}");
    assert_eq!(
        run("get e1 --json", &pipeline).await.json()["other_dead_letters"],
        serde_json::json!([{"id": "m1", "source": "/shop", "state": "replaying"}])
    );
}

#[tokio::test]
async fn of_several_dead_letters_of_an_event_one_has_to_be_named() {
    let pipeline = pipeline();
    pipeline.state().dead_letters[1].key = dead_letter(1, 0).key;
    let output = run("dlq show e1", &pipeline).await;
    assert_eq!(output.status, ExitStatus::Usage);
    assert!(output.err.contains("of m1 (archived), m2 (archived)"), "{output}");
}

#[tokio::test]
async fn a_list_continues_only_from_where_one_ended() {
    let output = run("dlq list --after garbage", &pipeline()).await;
    assert_eq!((output.status, output.out.as_str()), (ExitStatus::Usage, ""));
    assert!(output.err.contains("\"garbage\" is not where a list ended"), "{output}");
}

#[tokio::test]
async fn the_limit_is_for_groups_too_and_fingerprints_are_whole() {
    let pipeline = pipeline();
    for letter in &mut pipeline.state().dead_letters {
        letter.event_type =
            Some("com.example.warehouse.a.very.long.type.that.fills.the.whole.width.of.a.terminal".into());
    }
    let output = run("dlq list --limit 1", &pipeline).await;
    let group = dead_letter(1, 0).fingerprint;
    assert!(output.out.contains(&format!("\n  {group} ")), "{output}");
    assert!(output.out.contains("1 of 2 groups shown, the largest; more with --limit\n"), "{output}");
    assert!(output.out.lines().all(|line| line.chars().count() <= 80), "{output}");
    let json = run("dlq list --limit 1 --json", &pipeline).await.json();
    assert_eq!((json["groups"].as_array().unwrap().len(), &json["group_total"]), (1, &2.into()));
    let lines = run("dlq list --groups -o tsv", &pipeline).await.out;
    assert_eq!(lines.lines().count(), 3, "{lines}");
    assert!(lines.lines().nth(1).unwrap().starts_with(&format!("{group}\t3\tschema\t")), "{lines}");
}

#[tokio::test]
async fn lists_are_sorted_and_printed_as_lines() {
    let pipeline = pipeline();
    let ids = |output: crate::testing::Output| -> Vec<String> {
        output.out.lines().skip(1).map(|line| line.split('\t').next().unwrap().to_owned()).collect()
    };
    assert_eq!(ids(run("dlq list -o tsv", &pipeline).await), ["m1", "m4", "m2", "m3"]);
    assert_eq!(ids(run("dlq list -o tsv --sort id --reverse", &pipeline).await), ["m4", "m3", "m2", "m1"]);
    assert_eq!(ids(run("dlq list -o tsv --sort archived_at", &pipeline).await), ["m3", "m2", "m4", "m1"]);
    let json = run("dlq list --json --sort receive_count --limit 4", &pipeline).await.json();
    assert_eq!(json["items"][3]["id"], "m4");
    let unknown = run("dlq list --sort colour", &pipeline).await;
    assert_eq!(unknown.status, ExitStatus::Usage);
    assert!(unknown.err.contains("sort by one of id, archived_at"), "{unknown}");
}

#[tokio::test]
async fn an_unknown_dead_letter_is_not_found() {
    let output = run("dlq show nothing", &pipeline()).await;
    assert_eq!(output.status, ExitStatus::NotFound);
    assert_output!(output);
}

#[tokio::test]
async fn a_body_cannot_control_the_terminal() {
    let pipeline = pipeline();
    pipeline.state().dead_letters[0].body = "not json \u{1b}]0;title\u{7}".to_owned();
    let output = run("dlq show m1", &pipeline).await;
    assert!(!output.out.contains(['\u{1b}', '\u{7}']), "{output}");
}

#[tokio::test]
async fn a_replay_into_an_outage_is_refused_unless_somebody_insists() {
    let pipeline = pipeline();
    pipeline.machine().table_failed = Some((180, 0));
    let refused = run("dlq replay --all --by anna", &pipeline).await;
    assert_eq!(refused.status, ExitStatus::No, "{refused}");
    assert!(refused.out.contains("A replay would not get through now. Nothing stored since"), "{refused}");
    assert!(refused.out.contains("insist with --anyway"), "{refused}");
    assert!(pipeline.state().replays.is_empty(), "nothing was put back");
    let json = run("dlq replay --all --by anna --json", &pipeline).await.json();
    assert_eq!((&json["path"]["passage"], &json["replay"]), (&"closed".into(), &serde_json::Value::Null));
    assert_eq!(run("dlq replay --all --dry-run --skip-failing", &pipeline).await.status, ExitStatus::No);
    let insisted = run("dlq replay --all --by anna --anyway", &pipeline).await;
    assert_eq!(insisted.status, ExitStatus::Ok, "{insisted}");
    assert_eq!(pipeline.state().replays.len(), 1);
    pipeline.machine().table_failed = None;
    let open = run("dlq replay --all --dry-run --json", &pipeline).await.json();
    assert_eq!(open["path"]["passage"], "open");
}

#[tokio::test]
async fn replay_shows_the_preflight_and_follows_to_the_end() {
    let pipeline = pipeline();
    pipeline.state().coming_back.extend(["m1".into(), "m2".into()]);
    let output = run("dlq replay --all --wait --by anna", &pipeline).await;
    assert_eq!(output.status, ExitStatus::No, "some came back");
    assert_output!(output);
    assert_eq!(pipeline.state().audit[0].by, "anna");
    assert_output!(run("replays", &pipeline).await);
    let id = pipeline.state().replays[0].0.id.clone();
    assert_output!(run(&format!("replays {id}"), &pipeline).await);
}

#[tokio::test]
async fn a_replay_that_stores_all_succeeds() {
    let output = run("dlq replay m4 --wait --by anna --json", &pipeline()).await;
    assert_eq!(output.status, ExitStatus::Ok);
    let filters = [("started_at", "[time]"), ("ended_at", "[time]"), ("id", "[replay]")];
    let mut document = output.json();
    for (name, value) in filters {
        assert!(document["replay"][name].is_string());
        document["replay"][name] = value.into();
    }
    insta::assert_json_snapshot!(document);
}

#[tokio::test]
async fn without_wait_a_replay_is_only_started() {
    let pipeline = pipeline();
    pipeline.state().background = Background::Stopped;
    let output = run("dlq replay e2 --by anna", &pipeline).await;
    assert_eq!(output.status, ExitStatus::Ok);
    assert!(output.out.contains("Follow it with: spillway replays "), "{output}");
    assert_eq!(state_of(&pipeline, 1), "replaying");
    assert_eq!(state_of(&pipeline, 0), "archived");
    let again = run("dlq replay e2 --by anna", &pipeline).await;
    assert_eq!(again.status, ExitStatus::No);
    assert!(again.out.contains("none of them is in the archive now"), "{again}");
}

#[tokio::test]
async fn messages_that_would_fail_can_be_left_out_or_only_checked() {
    let pipeline = pipeline();
    let dry = run("dlq replay --all --dry-run", &pipeline).await;
    assert_eq!(dry.status, ExitStatus::No);
    assert!(pipeline.state().replays.is_empty());
    assert_eq!(run("dlq replay m4 --dry-run", &pipeline).await.status, ExitStatus::Ok);
    let output = run("dlq replay --class schema --skip-failing --by anna", &pipeline).await;
    assert_eq!(output.status, ExitStatus::No);
    assert!(output.out.ends_with("Nothing was replayed: all of them would fail again\n"), "{output}");
    let output = run("dlq replay --all --skip-failing --wait --by anna --json", &pipeline).await;
    assert_eq!(output.status, ExitStatus::Ok);
    assert_eq!((&output.json()["left_out"], &output.json()["replay"]["stored"]), (&3.into(), &1.into()));
}

#[tokio::test]
async fn waiting_on_a_stopped_pipeline_prints_a_note() {
    let pipeline = pipeline();
    pipeline.state().background = Background::Stopped;
    let come_back = async {
        // Enough time for the command to print it.
        for _ in 0..1000 {
            tokio::task::yield_now().await;
        }
        pipeline.state().background = running(false);
    };
    let (output, ()) = tokio::join!(run("dlq replay m4 --wait --by anna", &pipeline), come_back);
    assert_eq!(output.status, ExitStatus::Ok);
    assert_eq!(output.err.matches("is the pipeline running?").count(), 1, "{output}");
}

#[tokio::test]
async fn a_selection_has_to_be_explicit() {
    let pipeline = pipeline();
    for line in [
        "dlq replay",
        "dlq replay m1 --class schema",
        "dlq discard --reason x",
        "dlq discard --all --reason x",
    ] {
        let output = run(line, &pipeline).await;
        assert_eq!(output.status, ExitStatus::Usage, "{line}");
        assert!(output.err.starts_with("error: ") && output.out.is_empty(), "{output}");
    }
    assert!((0..4).all(|position| state_of(&pipeline, position) == "archived"));
}

#[tokio::test]
async fn a_discard_has_a_reason_and_can_be_undone() {
    let pipeline = pipeline();
    assert_output!(run("dlq discard m1 e2 --reason junk --by anna", &pipeline).await);
    let DeadLetterState::Discarded { by, reason, .. } = pipeline.state().dead_letters[1].state.clone() else {
        panic!("not discarded")
    };
    assert_eq!((by.as_str(), reason.as_str()), ("anna", "junk"));
    let again = run("dlq discard m1 --reason junk --by anna", &pipeline).await;
    assert_eq!(again.status, ExitStatus::No);
    let output = run("dlq restore m1 m4 --by anna --json", &pipeline).await;
    assert_eq!(output.json(), serde_json::json!({"restored": ["m1"], "refused": 1}));
    assert_eq!((state_of(&pipeline, 0), state_of(&pipeline, 1)), ("archived", "discarded"));
    let group = dead_letter(1, 0).fingerprint;
    let output =
        run(&format!("dlq discard --group {group} --yes --reason old --by anna --json"), &pipeline).await;
    assert_eq!(output.json(), serde_json::json!({"discarded": ["m1", "m3"], "refused": 0}));
}

#[tokio::test]
async fn an_unknown_replay_is_not_found() {
    let output = run("replays nothing", &pipeline()).await;
    assert_eq!(output.status, ExitStatus::NotFound);
    assert_eq!(run("replays", &pipeline()).await.out, "Nothing has been replayed yet\n");
}

#[tokio::test]
async fn a_list_of_all_states_says_the_state_of_each() {
    let pipeline = pipeline();
    assert_eq!(run("dlq discard m1 --reason junk", &pipeline).await.status, ExitStatus::Ok);
    let all = run("dlq list --state all", &pipeline).await.out;
    let row = |id: &str| all.lines().find(|line| line.starts_with(&format!("  {id} "))).unwrap_or_default();
    assert!(row("m1").contains(" discarded ") && row("m2").contains(" archived "), "{all}");
}

#[tokio::test]
async fn dead_letters_whose_messages_are_gone_leave_their_replay() {
    let pipeline = pipeline();
    pipeline.state().background = Background::Stopped;
    let all: Vec<_> = pipeline.state().dead_letters.iter().map(|letter| letter.id.clone()).collect();
    pipeline.memory().create(&"r1".into(), &all[..2], "anna").await.unwrap();
    pipeline.memory().mark_sent(&"r1".into(), &all[..2]).await.unwrap();
    let unsure = run("dlq release --all", &pipeline).await;
    assert_eq!(unsure.status, ExitStatus::Usage, "{unsure}");
    let one = run("dlq release m1 m3 --json --by anna", &pipeline).await;
    assert_eq!(one.json(), serde_json::json!({"released": ["m1"], "refused": 1, "kept": []}));
    let rest = run("dlq release --all --yes", &pipeline).await;
    assert!(rest.out.starts_with("1 dead letter back in the archive"), "{rest}");
    assert_eq!(state_of(&pipeline, 1), "archived");
    assert_eq!(run("dlq release --all --yes", &pipeline).await.status, ExitStatus::No);
    let history = run("dlq show m1", &pipeline).await;
    assert!(history.out.contains("release by anna: from replay r1"), "{history}");
}

#[tokio::test]
async fn dead_letters_whose_messages_exist_stay_in_their_replay() {
    let pipeline = pipeline();
    pipeline.state().background = Background::Stopped;
    let all: Vec<_> = pipeline.state().dead_letters.iter().map(|letter| letter.id.clone()).collect();
    pipeline.memory().create(&"r1".into(), &all[..3], "anna").await.unwrap();
    // The first is in the queue, the message of the second is gone, and the third waits.
    let carrier = pipeline.backend().pipeline.carrier();
    assert_eq!(carrier.advance(&"r1".into(), 2).await.unwrap().sent, 2);
    pipeline.state().messages.retain(|message| message.message.body.contains("\"e1\""));

    let output = run("dlq release --all --yes --json", &pipeline).await.json();
    let kept = |id: &str, reason: &str| serde_json::json!({"id": id, "reason": reason});
    let expected = serde_json::json!({
        "released": ["m2"],
        "refused": 0,
        "kept": [
            kept("m1", "its message is in a queue"),
            kept("m3", "the replay has not put it back yet"),
        ],
    });
    let mut found = output;
    found["kept"].as_array_mut().unwrap().sort_by_key(|kept| kept["id"].to_string());
    assert_eq!(found, expected);
    let nothing = run("dlq release m1", &pipeline).await;
    assert_eq!(nothing.status, ExitStatus::No, "{nothing}");
    assert!(nothing.out.contains("not released, because its message is in a queue: m1"), "{nothing}");
    assert_eq!(
        [0, 1, 2].map(|position| state_of(&pipeline, position)),
        ["replaying", "archived", "replaying"]
    );
    let forced = run("dlq release m1 m3 --force --json", &pipeline).await.json();
    assert_eq!(forced["released"], serde_json::json!(["m1", "m3"]));
}

/// The first dead letter was stored by a replay; the store has its event if there is a message that brought it.
fn stored_once(by: Option<&str>) -> Arc<FakePipeline> {
    let pipeline = pipeline();
    {
        let mut state = pipeline.state();
        state.dead_letters[0].state = DeadLetterState::Stored { replay_id: "r1".into(), at: ago(60) };
        let key = state.dead_letters[0].key.clone().unwrap();
        if let Some(message) = by {
            let event = StoredEvent {
                key: key.clone(),
                event_type: "order.placed".into(),
                body: "{}".to_owned(),
                accepted_at: ago(70),
                stored_at: ago(60),
                message_id: message.into(),
            };
            state.stored.insert(key, event);
        }
    }
    pipeline
}

#[tokio::test]
async fn a_letter_whose_event_the_store_no_longer_has_is_found_and_replayed() {
    let pipeline = stored_once(None);
    let get = run("get e1", &pipeline).await;
    assert_eq!(get.status, ExitStatus::Ok, "{get}");
    assert!(get.out.starts_with("e1 is missing") && get.out.contains("spillway dlq replay m1"), "{get}");
    assert_eq!(run("get e1 --json", &pipeline).await.json()["state"], "missing");
    let show = run("dlq show e1", &pipeline).await;
    assert!(show.out.contains("no longer has the event"), "{show}");
    let replay = run("dlq replay e1 --wait --by anna --json", &pipeline).await;
    assert_eq!((replay.status, &replay.json()["replay"]["stored"]), (ExitStatus::Ok, &1.into()), "{replay}");
    assert!(run("dlq show m1", &pipeline).await.out.contains("reopen by anna"));

    let kept = stored_once(Some("m1"));
    assert_eq!(run("dlq replay m1", &kept).await.status, ExitStatus::No, "the store has its event");
    assert_eq!(state_of(&kept, 0), "stored");
}

#[tokio::test]
async fn a_letter_whose_event_another_message_stored_is_found_by_its_event() {
    let pipeline = stored_once(Some("m-other"));
    pipeline.state().dead_letters[0].state = DeadLetterState::Archived;
    let show = run("dlq show e1", &pipeline).await;
    assert!(show.out.contains("from message m-other"), "{show}");
    assert_eq!(run("dlq show e1 --json", &pipeline).await.json()["stored_message"], "m-other");
    let replay = run("dlq replay e1 --wait --json", &pipeline).await;
    assert_eq!(replay.json()["replay"]["stored"], 1, "{replay}");
}
