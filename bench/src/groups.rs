//! The page of dead letters with thousands of groups, compared with the same number of dead letters in a few.

use crate::Setting;
use crate::demo::Demo;
use crate::load::{self, Measured, Same};
use crate::table::{Results, Row, Target, median};
use anyhow::{Result, ensure};
use serde_json::json;
use spillway_core::Timestamp;
use spillway_core::dead_letter::{DeadLetter, DeadLetterState};
use spillway_core::failure::{Failure, FailureClass, Reason};
use spillway_core::ids::{EventKey, EventType, MessageId};
use spillway_core::message::MessageAttributes;
use spillway_core::ports::Clock as _;
use spillway_embedded::{Options, Pipeline, RealClock};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// Dead letters in each archive. In the large one each is a group of its own.
const LETTERS: usize = 5_000;
/// Groups in the small one.
const FEW: usize = 5;
/// Dead letters that are archived at once.
const BATCH: usize = 500;
/// Kilobytes of the page's HTML, of a thousand bytes.
const PAGE_LIMIT: f64 = 150.0;
const KILOBYTE: f64 = 1e3;
/// The target: the page's p99 with all groups, as a multiple of that with a few.
const SLOWER: f64 = 1.5;
const PATH: &str = "/dead-letters";

/// Runs the measurement.
pub fn run(setting: &Setting) -> Result<Results> {
    let (mut few, mut many, mut largest) = (Vec::new(), Vec::new(), 0.0_f64);
    for number in 1..=setting.rounds {
        for groups in if number % 2 == 0 { [FEW, LETTERS] } else { [LETTERS, FEW] } {
            setting.say(&format!("groups: {groups} groups, round {number} of {}", setting.rounds));
            let (load, bytes) = load::runtime()?.block_on(measure(setting, groups))?;
            if groups == FEW { &mut few } else { &mut many }.push(load);
            largest = largest.max(bytes as f64);
        }
    }
    let of = |rounds: &[Measured]| median(rounds.iter().map(|load| load.p99_ms));
    let rows = vec![
        Row::new("dead letters with 5,000 groups: p99", of(&many), "with 5 groups", of(&few), "ms")
            .target(Target::AtMost(SLOWER)),
        Row::new("their HTML, not compressed", largest / KILOBYTE, "limit", PAGE_LIMIT, "kB")
            .target(Target::AtMost(1.0)),
    ];
    let notes =
        vec![format!("groups: {LETTERS} dead letters, one viewer, medians of {} rounds.", setting.rounds)];
    Ok(Results { benchmark: "groups", rows, details: json!({ "few": few, "many": many }), notes })
}

async fn measure(setting: &Setting, groups: usize) -> Result<(Measured, usize)> {
    let folder = tempfile::tempdir_in(&setting.data)?;
    let data = folder.path().join("demo");
    fill(&data, groups).await?;
    let demo = Demo::start(setting, &data, &["--no-history", "--no-traffic"]).await?;
    let session = demo.sign_in().await?;
    let answer = session.get(PATH, "identity").await?;
    let text = String::from_utf8_lossy(&answer.body).into_owned();
    ensure!(answer.status == 200 && text.contains("5,000 messages"), "the page answers {}", answer.status);
    let viewers = vec![Same(session.request(PATH, "br, gzip"))];
    let load = load::run(demo.dashboard, viewers, setting.length).await?;
    let all = load.statuses.values().sum::<u64>();
    ensure!(load.with_status(200) == all, "the page answered {:?}", load.statuses);
    Ok((load, answer.body.len()))
}

/// Archives the dead letters in a new data folder.
async fn fill(data: &Path, groups: usize) -> Result<()> {
    let clock = Arc::new(RealClock);
    let now = clock.now();
    let pipeline = Pipeline::open(data, Options::at(clock)).await?;
    let letters: Vec<_> = (0..LETTERS).map(|number| letter(number, groups, now)).collect();
    for batch in letters.chunks(BATCH) {
        for answer in pipeline.workers.sink.put(batch).await {
            answer?;
        }
    }
    Ok(())
}

fn letter(number: usize, groups: usize, now: Timestamp) -> DeadLetter {
    let event_type = EventType::new("order.placed");
    let group = number % groups;
    // One a second, so that there is something to draw over time.
    let at = now - Duration::from_secs(number as u64);
    let reason =
        Reason::grouped(format!("/name-{group}: value is not of type \"number\""), group.to_string());
    let failure = Failure::new(FailureClass::Schema, reason, &"bench".into(), at);
    DeadLetter {
        id: MessageId::new(format!("letter-{number}")),
        key: Some(EventKey::new("/bench", number.to_string())),
        body: format!(r#"{{"specversion":"1.0","id":"{number}","source":"/bench","type":"{event_type}"}}"#),
        attributes: MessageAttributes::new(),
        trace_header: None,
        first_sent_at: at,
        archived_at: at,
        receive_count: 1,
        generation: 0,
        fingerprint: failure.fingerprint(Some(&event_type)),
        event_type: Some(event_type),
        failures: vec![failure],
        is_foreign: false,
        is_lost: false,
        glance: None,
        state: DeadLetterState::Archived,
        replays: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn the_letters_are_in_so_many_groups() {
        for groups in [FEW, LETTERS] {
            let letters = (0..LETTERS).map(|number| letter(number, groups, Timestamp::UNIX_EPOCH));
            let found: BTreeSet<_> = letters.map(|letter| letter.fingerprint).collect();
            assert_eq!(found.len(), groups);
        }
    }
}
