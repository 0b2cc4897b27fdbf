//! The memory of the running demo under the load of [`accept`](crate::accept), while a user has the Overview open.

use crate::accept::CONNECTIONS;
use crate::demo::{Demo, Session};
use crate::load::{self, Events};
use crate::table::{Results, Row, Target};
use crate::{Setting, usage};
use anyhow::{Context, Result, ensure};
use serde_json::json;
use spillway_embedded::Pipeline;
use std::time::Duration;

/// Megabytes, of a million bytes.
const LIMIT: f64 = 150.0;
const MEGABYTE: f64 = 1e6;
/// How often the Overview is loaded.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// Runs the measurement.
pub fn run(setting: &Setting) -> Result<Results> {
    if usage::memory(std::process::id()).is_none() {
        let notes =
            vec!["memory: not measured, because this system does not report a process's memory.".to_owned()];
        return Ok(Results { benchmark: "memory", rows: Vec::new(), details: json!({}), notes });
    }
    setting.say("memory: the demo under load");
    let client = load::runtime()?;
    client.block_on(measure(setting))
}

async fn measure(setting: &Setting) -> Result<Results> {
    let folder = tempfile::tempdir_in(&setting.data)?;
    let data = folder.path().join("demo");
    let demo = Demo::start(setting, &data, &["--no-history"]).await?;
    let memory = |demo: &Demo| usage::memory(demo.process()?).context("the demo has ended unexpectedly");
    let session = demo.sign_in().await?;
    let (at_start, _) = memory(&demo)?;
    let viewer = tokio::spawn(look(session));
    let length = setting.length * u32::try_from(setting.rounds).unwrap_or(1);
    let load = load::run(demo.api, Events::of(CONNECTIONS, "memory"), length).await?;
    viewer.abort();
    let (at_end, most) = memory(&demo)?;
    let ledger = Pipeline::attach(&data).await?.0.ledger.ledger().await?;
    ensure!(ledger.unaccounted() == 0, "events are unaccounted for: {ledger:?}");
    ensure!(ledger.accepted >= load.with_status(202), "accepted events are missing: {ledger:?}");

    let row = Row::new("peak resident memory", most / MEGABYTE, "limit", LIMIT, "MB");
    let notes = vec![format!(
        "memory: {:.0} MB resident before the load and {:.0} MB after {} s of it, {:.0} requests a second ({}), and the \
         Overview loaded twice a second.",
        at_start / MEGABYTE,
        at_end / MEGABYTE,
        length.as_secs_f64(),
        load.per_s,
        load.statuses
            .iter()
            .map(|(status, count)| format!("{status}: {count}"))
            .collect::<Vec<_>>()
            .join(", "),
    )];
    Ok(Results {
        benchmark: "memory",
        rows: vec![row.target(Target::AtMost(1.0))],
        details: json!({
            "resident_at_start_bytes": at_start,
            "resident_at_end_bytes": at_end,
            "resident_most_bytes": most,
            "ready_s": demo.ready_s,
            "load": load,
            "ledger": ledger,
        }),
        notes,
    })
}

async fn look(session: Session) {
    loop {
        // The content of the page does not matter here. A failed server shows in the load.
        let _ = session.get("/", "br").await;
        tokio::time::sleep(LOOK_EVERY).await;
    }
}
