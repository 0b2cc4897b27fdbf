//! `docs/cli.md` lists the members of each JSON document. Here the list is compared with what the commands print.

use crate::load::Tally;
use crate::testing::{FakePipeline, ago, dead_letter, location, readings, run};
use serde_json::{Value, json};
use spillway_core::dead_letter::DeadLetterState;
use spillway_core::ids::EventKey;
use spillway_core::ledger::{Ledger, Place};
use spillway_core::ports::StoredEvent;
use spillway_testkit::Background;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

const PAGE: &str = include_str!("../../../docs/cli.md");

/// Members whose own members are not listed: they are described elsewhere, or they are data.
const OPAQUE: [&str; 14] = [
    "attributes",
    "audit",
    "dead_letter",
    "differences",
    "event",
    "explanation",
    "failure",
    "failures",
    "found",
    "key",
    "places",
    "refused_by_status",
    "replay",
    "spread",
];

/// The names in the second column of the row of a command.
fn listed(command: &str) -> BTreeSet<&'static str> {
    let (_, table) = PAGE.split_once("\n## JSON\n").expect("the section");
    let first = format!("| {command} | ");
    let row = table
        .lines()
        .find_map(|line| line.strip_prefix(&first))
        .unwrap_or_else(|| panic!("no row {command}"));
    let names = row.split('`').skip(1).step_by(2);
    let is_name =
        |name: &&str| name.chars().all(|c| c.is_ascii_lowercase() || c == '_' || c.is_ascii_digit());
    names.filter(is_name).collect()
}

/// The names of all members of a document.
fn members(document: &Value, found: &mut BTreeSet<String>) {
    match document {
        Value::Array(items) => items.iter().for_each(|item| members(item, found)),
        Value::Object(all) => {
            for (name, value) in all {
                found.insert(name.clone());
                if !OPAQUE.contains(&name.as_str()) {
                    members(value, found);
                }
            }
        }
        _ => {}
    }
}

#[track_caller]
fn check(command: &str, documents: &[Value]) {
    let mut found = BTreeSet::new();
    documents.iter().for_each(|document| members(document, &mut found));
    let found: BTreeSet<&str> = found.iter().map(String::as_str).collect();
    assert_eq!(found, listed(command), "{command}: printed, and listed in docs/cli.md");
}

/// A pipeline with something at each place.
fn pipeline() -> Arc<FakePipeline> {
    FakePipeline::new(|state| {
        state
            .schemas
            .insert("order.placed".to_owned(), json!({"properties": {"amount": {"type": "number"}}}));
        state.dead_letters.extend([dead_letter(1, 240), dead_letter(2, 3600)]);
        let letter = dead_letter(3, 60);
        let key = letter.key.expect("a key");
        let event = StoredEvent {
            key: key.clone(),
            event_type: "order.placed".into(),
            body: "{}".to_owned(),
            accepted_at: ago(61),
            stored_at: ago(60),
            message_id: "m".into(),
        };
        state.stored.insert(key, event);
        state.locations.push(location("e9", "/web", Place::Stored));
        // Another message of the same event, which a replay has stored.
        let mut other = dead_letter(9, 30);
        other.key = Some(EventKey::new("/web", "e9"));
        other.state = DeadLetterState::Stored { replay_id: "r0".into(), at: ago(20) };
        state.dead_letters.push(other);
        state.ledgers.extend(readings(Ledger { accepted: 1, stored: 1, ..Ledger::default() }));
    })
}

#[tokio::test]
async fn the_page_lists_the_members_that_commands_print() {
    let pipeline = pipeline();
    let json = async |line: &str| run(&format!("{line} --json"), &pipeline).await.json();
    check("`get`", &[json("get e9").await, json("get e1").await]);
    check("`get` of several", &[json!({"events": []})]);
    check("`events list`", &[json("events list").await]);
    check("`flow`", &[json("flow --over 1s").await]);
    check("`dlq list`", &[json("dlq list").await]);
    check("`dlq show`", &[json("dlq show m1").await]);
    check("`dlq groups`", &[json("dlq groups").await]);
    check("`dlq discard`", &[json("dlq discard m1 --reason junk").await]);
    check("`dlq restore`", &[json("dlq restore m1").await]);
    pipeline.state().background = Background::Stopped;
    let replay = json("dlq replay m1").await;
    check("`dlq replay`", std::slice::from_ref(&replay));
    let release = json("dlq release m1").await;
    assert_eq!(release["kept"][0]["id"], "m1", "a running replay: {release}");
    check("`dlq release`", &[release]);
    let id = replay["replay"]["id"].as_str().expect("an id");
    check("`replays`", &[json("replays").await]);
    check("`replays ID`", &[json(&format!("replays {id}")).await]);
    check(
        "`schemas check`, `schemas list`",
        &[json("schemas check").await, json!({"problems": [{"file": "", "reason": ""}]})],
    );
    check("`fault stop`", &[json("fault stop --all").await]);
    check("`alarms list`", &[json("alarms list").await]);
    check(
        "`alarms check`",
        &[json("alarms check").await, json!({"problems": [problem()], "lints": [lint()]})],
    );
    pipeline.machine().link = Some("http://127.0.0.1:3000".to_owned());
    check("`sign-in`", &[json("sign-in").await]);

    let folder = tempfile::tempdir().unwrap();
    let (ids, rules) = (folder.path().join("ids"), folder.path().join("rules.json"));
    std::fs::write(&ids, "e9\nlost\n").unwrap();
    check("`load --verify`", &[json(&format!("load --verify {}", ids.display())).await]);
    let compiled = json(&format!("alarms compile --out {}", rules.display())).await;
    check("`alarms compile --out FILE`", &[compiled]);
    let mut report = json!(Tally::default().report(1, Duration::ZERO, false));
    report["request_ms"] = json!({"p50": 1, "p99": 1, "max": 1});
    check("`load`", &[report]);
}

#[tokio::test]
async fn the_page_lists_the_members_of_commands_for_a_deployment() {
    let pipeline = FakePipeline::new(|state| {
        state.in_aws = true;
        state.dead_letters.push(dead_letter(1, 240));
    });
    let json = async |line: &str| run(&format!("{line} --json"), &pipeline).await.json();
    check("`dlq recover`", &[json("dlq recover m1").await]);
    check("`dlq reindex`", &[json("dlq reindex").await]);
}

fn problem() -> Value {
    json!({"file": "", "line": 1, "rule": null, "message": ""})
}

fn lint() -> Value {
    json!({"kind": "", "rule": "", "place": "", "message": ""})
}
