//! What the repair of the index does when calls fail.

use super::*;
use crate::archive::{ArchiveNames, IndexNames};
use crate::clients::Clients;
use crate::clock::SystemClock;
use crate::testing::letter;
use crate::testing::script::{Answer, Call, Script};
use serde_json::json;
use spillway_core::ports::IndexedArchive as _;
use std::sync::Arc;

/// Time enough on any machine.
const TIME: Duration = Duration::from_secs(60);
const IDS: [&str; 5] = ["1a", "4b", "7c", "ad", "de"];

fn archive(clients: &Clients) -> S3Archive {
    let index = IndexNames { table: "index".to_owned(), ops_table: "ops".to_owned(), shards: 8 };
    let names = ArchiveNames {
        bucket: "archive".to_owned(),
        prefix: "dead-letters/".to_owned(),
        unindexed_prefix: "unindexed/".to_owned(),
        index,
    };
    S3Archive::new(clients.s3(), clients.dynamodb(), names, Arc::new(SystemClock))
}

/// The notes from where a listing begins.
fn listing(path: &str, ids: impl Iterator<Item = String>) -> Answer {
    let start =
        path.split_once("start-after=unindexed%2F").map_or("", |(_, rest)| rest.split('&').next().unwrap());
    let keys = ids.filter(|id| format!("{id}/").as_str() > start);
    let contents: String =
        keys.map(|id| format!("<Contents><Key>unindexed/{id}/000000.json</Key></Contents>")).collect();
    Answer::Text(format!("<ListBucketResult>{contents}</ListBucketResult>"))
}

/// The bucket, with a note for each id.
fn bucket(call: &Call) -> Option<Answer> {
    let (method, path) = call.action.split_once(' ')?;
    if path.contains("list-type=2") {
        return Some(listing(path, IDS.iter().map(|id| (*id).to_owned())));
    }
    let id = path.split('/').nth(3)?;
    Some(match method {
        "GET" => Answer::Text(serde_json::to_string(&letter(id, "event")).unwrap()),
        _ => Answer::Text(String::new()),
    })
}

fn asked(script: &Script, action: &str) -> usize {
    script.actions().iter().filter(|asked| asked.starts_with(action)).count()
}

#[tokio::test]
async fn an_index_that_does_not_answer_is_called_for_one_letter_and_all_are_counted() {
    for error in [Answer::Status(500, "InternalServerError"), Answer::Silence] {
        let script = Script::start(move |call, _| bucket(call).unwrap_or_else(|| error.clone())).await;
        let repaired = archive(&script.hasty_clients()).repair(100, TIME).await.unwrap();
        assert_eq!(repaired, IndexRepair { indexed: 0, failed: 5 });
        assert_eq!(asked(&script, "BatchGetItem"), 2, "one call, and one retry of the SDK");
        assert_eq!(asked(&script, "DELETE"), 0, "every note stays");
    }
}

#[tokio::test]
async fn a_letter_that_cannot_be_repaired_does_not_block_the_others() {
    let script = Script::start(|call, _| match call.action.as_str() {
        broken if broken.starts_with("GET /archive/dead-letters/7c/") => Answer::Text("{".to_owned()),
        _ => bucket(call).unwrap_or_else(|| Answer::Ok(json!({}))),
    })
    .await;
    let repaired = archive(&script.clients()).repair(100, TIME).await.unwrap();
    assert_eq!(repaired, IndexRepair { indexed: 4, failed: 1 });
    assert_eq!((asked(&script, "TransactWriteItems"), asked(&script, "DELETE")), (1, 4));
}

#[tokio::test]
async fn a_letter_that_the_index_refuses_is_left_out_of_its_transaction() {
    let script = Script::start(|call, _| match call.action.as_str() {
        "TransactWriteItems" if call.body.to_string().contains("letter#7c") => {
            Answer::error("ValidationException")
        }
        _ => bucket(call).unwrap_or_else(|| Answer::Ok(json!({}))),
    })
    .await;
    let repaired = archive(&script.clients()).repair(100, TIME).await.unwrap();
    assert_eq!(repaired, IndexRepair { indexed: 4, failed: 1 });
    assert_eq!(asked(&script, "DELETE"), 4);
}

#[tokio::test]
async fn many_letters_take_few_calls_for_each() {
    const LETTERS: usize = 1_000;
    let script = Script::start(|call, _| {
        let Some((method, path)) = call.action.split_once(' ') else { return Answer::Ok(json!({})) };
        if path.contains("list-type=2") {
            let keys = (0..LETTERS).map(|n| format!("{n:05}"));
            return listing(path, keys);
        }
        let id = path.split('/').nth(3).unwrap();
        Answer::Text(match method {
            "GET" => serde_json::to_string(&letter(id, "event")).unwrap(),
            _ => String::new(),
        })
    })
    .await;
    let repaired = archive(&script.clients()).repair(10_000, TIME).await.unwrap();
    assert_eq!(repaired, IndexRepair { indexed: LETTERS as u64, failed: 0 });
    let calls = ["BatchGetItem", "TransactWriteItems", "GET", "DELETE"].map(|action| asked(&script, action));
    let [reads, writes, gets, deletes] = calls;
    assert!(reads <= 12 && writes <= 60, "{calls:?}");
    assert!(gets <= LETTERS + 2 && deletes == LETTERS, "{calls:?}");
}

#[tokio::test]
async fn a_repair_starts_anywhere_and_takes_each_note_once() {
    let script = Script::start(|call, _| bucket(call).unwrap_or_else(|| Answer::Ok(json!({})))).await;
    let archive = archive(&script.clients());
    for middle in ["0", "4b", "80", "ff"] {
        let notes = archive.objects.unindexed(&middle.into(), 100).await.unwrap();
        let ids: Vec<_> = notes.iter().map(|note| note.id.as_str()).collect();
        let mut expected = IDS.to_vec();
        expected.rotate_left(IDS.iter().filter(|id| **id < middle).count());
        assert_eq!(ids, expected, "from {middle}");
    }
    assert_eq!(archive.objects.unindexed(&"80".into(), 2).await.unwrap().len(), 2);
}
