//! Whether a chart is drawn once for all who look at it: from outside, by what the server's CPU has to do.
//!
//! Ranges that nobody has looked at yet are new work; the same range again is not. If each of eight people who open a
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
use tokio::time::Instant;

/// New ranges to look at in each part. The server's CPU is told in hundredths of a second, so it takes some.
const RANGES: u64 = 200;
const LENGTH: Duration = Duration::from_secs(3 * 3600);
/// The newest range ends that long ago: it does not change any more.
const AGE: Duration = Duration::from_secs(2 * 3600);

struct Looks<'a> {
    demo: &'a Demo,
    session: &'a Session,
    page: &'a MetricsPage,
    now: Timestamp,
}

/// What the same number of pages took.
struct Cost {
    /// Each page's time, in milliseconds.
    took_ms: Vec<f64>,
    /// The server's CPU for all of them.
    cpu_s: Option<f64>,
}

pub(super) async fn measure(
    demo: &Demo,
    session: &Session,
    page: &MetricsPage,
    results: &mut Results,
) -> Result<()> {
    let looks = Looks { demo, session, page, now: RealClock.now() };
    let alone_first = looks.at_ranges(0, 1).await?;
    let alone_again = looks.at_ranges(0, 1).await?;
    let together_first = looks.at_ranges(RANGES, VIEWERS).await?;
    let together_again = looks.at_ranges(RANGES, VIEWERS).await?;
    let (first, again) =
        (median(alone_first.took_ms.iter().copied()), median(alone_again.took_ms.iter().copied()));
    results.rows.push(Row::new("first render of a range", first, "the same again", again, "ms"));
    let costs = [&alone_first, &alone_again, &together_first, &together_again].map(|cost| cost.cpu_s);
    if let [Some(first), Some(again), Some(together), Some(together_again)] = costs {
        // What reading and drawing cost on top of the rest of the page, for one viewer and for several at once.
        let (alone, together) = (first - again, together - together_again);
        let what = format!("CPU of reading and drawing for {VIEWERS} viewers at once");
        let ms = 1e3 / RANGES as f64;
        results.rows.push(Row::new(what, together * ms, "for one viewer", alone * ms, "ms"));
        results.notes.push(format!(
            "pages: charts drawn for each of {VIEWERS} viewers would make that ratio {VIEWERS}; drawn once for all, about 1."
        ));
    }
    results.details["drawn_once"] = json!({
        "ranges": RANGES,
        "viewers": VIEWERS,
        "first_ms": first,
        "again_ms": again,
        "server_cpu_s": {
            "alone_first": costs[0], "alone_again": costs[1],
            "together_first": costs[2], "together_again": costs[3],
        },
    });
    Ok(())
}

impl Looks<'_> {
    /// Each of some viewers looks at each of the ranges from number `from` on, all at the same moment.
    async fn at_ranges(&self, from: u64, viewers: usize) -> Result<Cost> {
        let mut connections = Vec::new();
        for _ in 0..viewers {
            connections.push(Connection::open(self.demo.dashboard).await?);
        }
        let process = self.demo.process()?;
        let before = usage::cpu_s(process);
        let mut took_ms = Vec::new();
        for number in from..from + RANGES {
            let request = self.session.request(&self.path(number), "gzip");
            let mut looking = tokio::task::JoinSet::new();
            for mut connection in connections.drain(..) {
                let request = request.clone();
                looking.spawn(async move {
                    let begun = Instant::now();
                    let status = connection.status(&request).await?;
                    anyhow::Ok((connection, status, begun.elapsed().as_secs_f64() * 1e3))
                });
            }
            while let Some(looked) = looking.join_next().await {
                let (connection, status, ms) = looked.context("a viewer ended unexpectedly")??;
                ensure!(status == 200, "{} answers {status}", self.path(number));
                connections.push(connection);
                took_ms.push(ms);
            }
        }
        let cpu_s = before.zip(usage::cpu_s(process)).map(|(before, after)| after - before);
        Ok(Cost { took_ms, cpu_s })
    }

    fn path(&self, number: u64) -> String {
        let to = self.now - AGE - Duration::from_secs(number * 60);
        let time = |time: Timestamp| Timestamp::from_second(time.as_second()).unwrap_or(time);
        format!("{}&from={}&to={}", self.page.path, time(to - LENGTH), time(to))
    }
}
