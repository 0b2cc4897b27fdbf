//! Deliveries that are repeated, incomplete, or made to a function that dies.

use crate::support::{STRUCTURED, all_stored, batch, event, grown, ids, of_events_table, settled, stored};
use serde_json::json;
use spillway_tests::emulator::Deployment;
use spillway_tests::emulator::process::kill;
use spillway_tests::eventually;
use spillway_tests::fault_proxy::{Calls, Fault, Rule, Service};
use spillway_tests::http::Request;
use std::time::Duration;

pub async fn the_same_source_and_id_is_one_event(at: &Deployment) {
    let before = settled(at).await;
    let first = event("twice", &json!({"n": 1})).to_string();
    for _ in 0..3 {
        assert_eq!(at.send(&Request::post(STRUCTURED, first.as_str())).await.id(), "twice");
    }
    let again = json!([event("twice", &json!({"n": 2})), event("twice", &json!({"n": 3}))]).to_string();
    assert_eq!(at.send(&Request::post(crate::support::BATCH, again)).await.status, 202);
    let after = settled(at).await;
    assert_eq!((grown(&before, &after, "accepted"), grown(&before, &after, "duplicates")), (5, 4));
    assert_eq!(stored(at, "twice").await.len(), 1);
}

pub async fn a_write_with_a_lost_answer_is_not_repeated(at: &Deployment) {
    let before = settled(at).await;
    let counts = at.proxy.counts();
    at.proxy.set(3, vec![Rule::next(5, of_events_table(at), Fault::CutAfter)]);
    let all = ids("lost-answer", 10);
    assert_eq!(at.send(&batch(&all)).await.status, 202);
    all_stored(at, "lost-answer", &all).await;
    let after = settled(at).await;
    assert_eq!(grown(&before, &after, "accepted"), 10);
    assert_eq!(at.proxy.counts().since(&counts).faults(Fault::CutAfter), 5);
}

pub async fn rejected_entries_of_a_batch_are_sent_again(at: &Deployment) {
    let before = settled(at).await;
    let counts = at.proxy.counts();
    let sends = Calls::of(Service::Sqs).operation("SendMessageBatch");
    at.proxy.set(4, vec![Rule::next(2, sends, Fault::Partial)]);
    let all = ids("partial", 5);
    assert_eq!(at.send(&batch(&all)).await.status, 202);
    assert!(at.proxy.counts().since(&counts).faults(Fault::Partial) > 0);
    all_stored(at, "partial", &all).await;
    let after = settled(at).await;
    assert_eq!(grown(&before, &after, "accepted"), 5, "one promise for each event");
}

pub async fn no_event_is_promised_while_the_queue_refuses(at: &Deployment) {
    let before = settled(at).await;
    at.proxy.set(
        4,
        vec![Rule::all(Calls::of(Service::Sqs).about(at.named("/queues/primary/url")), Fault::Throttle)],
    );
    let all = ids("refused", 3);
    let answer = at.send(&batch(&all)).await;
    at.proxy.clear();
    let body = String::from_utf8_lossy(&answer.body).into_owned();
    assert_eq!((answer.status, answer.header("retry-after").is_some()), (503, true), "{body}");
    assert_eq!(at.send(&batch(&all)).await.status, 202, "the same again is safe");
    all_stored(at, "refused", &all).await;
    let after = settled(at).await;
    assert_eq!(grown(&before, &after, "accepted"), 3);
}

pub async fn a_consumer_killed_within_a_batch_loses_no_event(at: &Deployment) {
    let before = settled(at).await;
    let counts = at.proxy.counts();
    at.proxy.set(5, vec![Rule::all(of_events_table(at), Fault::Slow(Duration::from_secs(2)))]);
    let all = ids("killed", 10);
    assert_eq!(at.send(&batch(&all)).await.status, 202);
    eventually("a consumer is at work", async || {
        let slow = at.proxy.counts().since(&counts).faults(Fault::Slow(Duration::from_secs(2)));
        if slow > 0 { Ok(()) } else { Err(slow) }
    })
    .await;
    let killed = at.sandboxes("consumer");
    assert!(!killed.is_empty());
    killed.iter().for_each(kill);
    at.proxy.clear();
    all_stored(at, "killed", &all).await;
    let after = settled(at).await;
    assert_eq!(grown(&before, &after, "accepted"), 10);
    let alive = at.sandboxes("consumer");
    assert!(killed.iter().all(|sandbox| !alive.contains(sandbox)), "the processes really ended");
}
