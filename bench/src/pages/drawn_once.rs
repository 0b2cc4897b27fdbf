//! Whether a chart is drawn once for all its viewers: measured from outside, by the server's CPU time.
//!
//! A range without an earlier viewer is new work; the same range again is not. If each of eight people who open a
//! new page at the same moment had it drawn for himself, that would cost the new work eight times.

use super::{MetricsPage, VIEWERS};
use crate::client::Connection;
use crate::demo::{Demo, Session};
use crate::table::{Results, Row, median};
use crate::usage;
use anyhow::{Context, Result, ensure};
use serde_json::json;
use spillway_core::Timestamp;
use spillway_core::ports::Clock;
use spillway_embedded::RealClock;
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::Instant;

/// New ranges for one viewer, and as many for several. Medians of this number are not affected by other load on the machine.
const RANGES: u64 = 100;
const LENGTH: Duration = Duration::from_secs(3 * 3600);
/// The newest range ends that long ago: it does not change any more.
const AGE: Duration = Duration::from_secs(2 * 3600);

/// What looking at a page cost.
#[derive(Clone, Copy)]
struct Cost {
    /// Until the last of the viewers had it, in milliseconds.
    took_ms: f64,
    /// The server's CPU for all of them, in milliseconds.
    cpu_ms: Option<f64>,
}

/// The same page of a new range, and again.
struct Pair {
    first: Cost,
    again: Cost,
}

pub(super) async fn measure(
    demo: &Demo,
    session: &Session,
    page: &MetricsPage,
    results: &mut Results,
) -> Result<()> {
    let newest = RealClock.now() - AGE;
    let (mut alone, mut together) = (Vec::new(), Vec::new());
    // By turns, so that a slow moment of the machine hits both.
    for number in 0..RANGES {
        for (pairs, viewers, number) in
            [(&mut alone, 1, 2 * number), (&mut together, VIEWERS, 2 * number + 1)]
        {
            // Not compressed: that costs the same each time, and much more than the difference to measure.
            let request = session.request(&path(page, newest, number), "identity");
            let first = look(demo, &request, viewers).await?;
            let again = look(demo, &request, viewers).await?;
            pairs.push(Pair { first, again });
        }
    }
    let took = |value: fn(&Pair) -> f64| median(alone.iter().map(value));
    let (first, again) = (took(|pair| pair.first.took_ms), took(|pair| pair.again.took_ms));
    results.rows.push(Row::new("first render of a range", first, "the same again", again, "ms"));
    let (one, all) = (new_work_ms(&alone), new_work_ms(&together));
    if let (Some(one), Some(all)) = (one, all) {
        let what = format!("CPU of reading and drawing for {VIEWERS} viewers at once");
        results.rows.push(Row::new(what, all, "for one viewer", one, "ms"));
        results.notes.push(format!(
            "pages: charts drawn for each of {VIEWERS} viewers would make that ratio {VIEWERS}; drawn once for all, about 1."
        ));
    }
    results.details["drawn_once"] = json!({
        "ranges": RANGES, "viewers": VIEWERS, "first_ms": first, "again_ms": again,
        "new_work_cpu_ms": { "one_viewer": one, "all_viewers": all },
    });
    Ok(())
}

/// What a new range costs the server's CPU on top of the rest of the page.
fn new_work_ms(pairs: &[Pair]) -> Option<f64> {
    let costs: Option<Vec<f64>> =
        pairs.iter().map(|pair| Some(pair.first.cpu_ms? - pair.again.cpu_ms?)).collect();
    costs.map(median)
}

/// Several viewers open a page at the same moment.
async fn look(demo: &Demo, request: &[u8], viewers: usize) -> Result<Cost> {
    let mut connections = Vec::new();
    for _ in 0..viewers {
        connections.push(Connection::open(demo.dashboard).await?);
    }
    let process = demo.process()?;
    let (before, begun) = (usage::exact_cpu_s(process), Instant::now());
    let mut looking = JoinSet::new();
    for mut connection in connections {
        let request = request.to_vec();
        looking.spawn(async move { connection.status(&request).await });
    }
    while let Some(looked) = looking.join_next().await {
        let status = looked.context("a viewer ended unexpectedly")??;
        ensure!(status == 200, "a page of an earlier range answers {status}");
    }
    let took_ms = begun.elapsed().as_secs_f64() * 1e3;
    let used = before.zip(usage::exact_cpu_s(process)).map(|(before, after)| (after - before) * 1e3);
    Ok(Cost { took_ms, cpu_ms: used })
}

/// The address of the page for a range that no other number has.
fn path(page: &MetricsPage, newest: Timestamp, number: u64) -> String {
    let to = newest - Duration::from_secs(number * 60);
    let time = |time: Timestamp| Timestamp::from_second(time.as_second()).unwrap_or(time);
    format!("{}&from={}&to={}", page.path, time(to - LENGTH), time(to))
}
