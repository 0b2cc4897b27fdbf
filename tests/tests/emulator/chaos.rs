//! Ten thousand events, with services that throttle, fail and cut connections.

use crate::support::{all_stored, batch, grown, ids, of_events_table, settled, stored};
use serde_json::{Value, json};
use spillway_tests::emulator::Deployment;
use spillway_tests::fault_proxy::{Calls, Fault, Rule};
use std::collections::BTreeSet;

const EVENTS: usize = 10_000;
const A_REQUEST: usize = 100;
/// Number of concurrent requests.
const SENDERS: usize = 4;

pub async fn ten_thousand_events_through_failing_services_are_all_stored_or_archived(at: &Deployment) {
    let before = settled(at).await;
    let counts = at.proxy.counts();
    let calls = Calls::default;
    // In addition to the random failures, the table refuses some events until the consumer gives them up.
    let hopeless = of_events_table(at).about("\"chaos-77");
    at.proxy.set(
        20_240_917,
        vec![
            Rule::all(hopeless, Fault::Throttle),
            Rule::some(0.10, calls(), Fault::Throttle),
            Rule::some(0.05, calls(), Fault::Fail),
            Rule::some(0.005, calls(), Fault::CutBefore),
            Rule::some(0.005, calls(), Fault::CutAfter),
        ],
    );
    let all = ids("chaos", EVENTS);
    let parts: Vec<_> = all.chunks(EVENTS / SENDERS).map(|part| send_all(at, part)).collect();
    futures::future::join_all(parts).await;
    let promised = at.folder().join("promised");
    std::fs::write(&promised, all.join("\n") + "\n").expect("a file");
    let promised = promised.to_str().expect("a plain name");

    // Each event is stored once, or archived with its reason.
    let ledger = settled(at).await;
    let kept = stored(at, "chaos-").await;
    let dead = archived(at).await;
    let everywhere: BTreeSet<_> = kept.iter().chain(dead.iter().map(|(id, _)| id)).cloned().collect();
    assert_eq!(everywhere.len(), EVENTS, "{ledger:#}");
    assert_eq!(kept.len() + dead.len(), EVENTS, "each in one place only");
    assert_eq!(dead.len(), 111, "77, 770 to 779, 7700 to 7799");
    assert!(
        dead.iter().all(|(_, letter)| letter["reason"].as_str().is_some_and(|reason| !reason.is_empty())),
        "{dead:?}"
    );
    let verdict = at.cli(&["load", "--json", "--verify", promised]).await;
    assert_eq!(verdict.code, Some(0), "{verdict:?}");

    // The faults really happened. The table refuses events that become dead letters thousands of times. So each fault's
    // share is compared with the calls that got through.
    let seen = at.proxy.counts().since(&counts);
    for (fault, share) in
        [(Fault::Throttle, 0.10), (Fault::Fail, 0.05), (Fault::CutBefore, 0.005), (Fault::CutAfter, 0.005)]
    {
        let (met, passed) = (seen.faults(fault) as f64, seen.passed() as f64);
        assert!(met >= passed * share / 2.0, "{fault:?}: {met}, and {passed} calls got through");
    }

    at.proxy.clear();
    let replay = at.cli(&["dlq", "replay", "--all", "--wait", "--json"]).await;
    assert_eq!(
        (replay.code, &replay.json()["replay"]["stored"]),
        (Some(0), &json!(dead.len())),
        "{replay:?}"
    );
    all_stored(at, "chaos-", &all).await;
    let verdict = at.cli(&["load", "--json", "--verify", promised]).await;
    assert_eq!(
        (verdict.code, &verdict.json()["places"]),
        (Some(0), &json!({"stored": EVENTS})),
        "{verdict:?}"
    );
    let after = settled(at).await;
    assert!(grown(&before, &after, "accepted") >= EVENTS as i64, "{after:#}");
    assert_eq!((grown(&before, &after, "archived"), &after["unaccounted"]), (0, &json!(0)), "{after:#}");
}

/// Sends events until each is promised, as a careful client does: it sends refused events again.
async fn send_all(at: &Deployment, ids: &[String]) {
    for ids in ids.chunks(A_REQUEST) {
        let mut open = ids.to_vec();
        for _ in 0..50 {
            let answer = at.send(&batch(&open)).await;
            match answer.status {
                202 => open.clear(),
                207 => open = refused(&answer.json()),
                // The API accepted no event, or the client cannot know. Sending the same ids again is safe in both
                // cases.
                429 | 500..=504 => {}
                other => panic!("{other}: {}", String::from_utf8_lossy(&answer.body)),
            }
            if open.is_empty() {
                break;
            }
        }
        assert!(open.is_empty(), "not promised: {open:?}");
    }
}

fn refused(answer: &Value) -> Vec<String> {
    let results = answer["results"].as_array().into_iter().flatten();
    results
        .filter(|result| result["status"] != 202)
        .filter_map(|result| result["id"].as_str().map(str::to_owned))
        .collect()
}

/// Every dead letter in the archive, by its event.
async fn archived(at: &Deployment) -> Vec<(String, Value)> {
    let list = at.cli(&["dlq", "list", "--limit", "1000", "--json"]).await;
    assert_eq!(list.code, Some(0), "{list:?}");
    let list = list.json();
    let letters = list["items"].as_array().cloned().unwrap_or_default();
    letters
        .into_iter()
        .map(|letter| (letter["event_id"].as_str().unwrap_or_default().to_owned(), letter))
        .collect()
}
