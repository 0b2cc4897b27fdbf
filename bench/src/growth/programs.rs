//! Pages and commands as users ask for them, on a data folder whose pipeline does not run.

use super::{FLAT, FLOW_LIMIT_S, SEARCH_LIMIT_S};
use crate::Setting;
use crate::demo::Demo;
use crate::table::{Row, Target, median};
use anyhow::{Context as _, Result, ensure};
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;
use tokio::process::Command;
use tokio::time::{Instant, sleep};

/// Number of times that each is asked for; the median counts.
const TIMES: usize = 5;
/// Between two requests for a page: longer than the dashboard keeps what it has read.
const PAUSE: Duration = Duration::from_millis(1_100);
/// Shorter times count as this one: starting a process and drawing a page take as long, with any data.
const SHORTEST_S: f64 = 0.02;

/// What a page or a command took.
pub struct Asked {
    what: String,
    took_s: f64,
    /// Seconds that it may take longer with many rows than with few. A page shows the ledger, which may take as long.
    more_s: f64,
}

/// Asks for each page and each command.
pub async fn measure(setting: &Setting, data: &Path, ids: [String; 3]) -> Result<Vec<Asked>> {
    let mut asked = pages(setting, data, &ids).await?;
    asked.extend(commands(setting, data, &ids).await?);
    Ok(asked)
}

async fn pages(setting: &Setting, data: &Path, [_, queued, dead]: &[String; 3]) -> Result<Vec<Asked>> {
    let demo = Demo::start_as(setting, "dashboard", data, &[]).await?;
    let session = demo.sign_in().await?;
    let mut asked = Vec::new();
    for (path, more_s) in [
        ("/".to_owned(), FLOW_LIMIT_S),
        ("/dead-letters".to_owned(), FLOW_LIMIT_S),
        ("/dead-letters?state=all".to_owned(), FLOW_LIMIT_S),
        ("/dead-letters?contains=nothing".to_owned(), SEARCH_LIMIT_S),
        (format!("/events/{queued}"), FLOW_LIMIT_S),
        (format!("/events/{dead}"), FLOW_LIMIT_S),
        ("/replays".to_owned(), FLOW_LIMIT_S),
        ("/alarms".to_owned(), FLOW_LIMIT_S),
    ] {
        let mut took = Vec::with_capacity(TIMES);
        // The first one reads what no cache has yet.
        for number in 0..=TIMES {
            let begun = Instant::now();
            let answer = session.get(&path, "identity").await?;
            ensure!(answer.status == 200, "{path} answers {}", answer.status);
            if number > 0 {
                took.push(begun.elapsed().as_secs_f64());
            }
            sleep(PAUSE).await;
        }
        let name = path.replace(queued.as_str(), "QUEUED").replace(dead.as_str(), "DEAD");
        asked.push(Asked { what: format!("page {name}"), took_s: median(took), more_s });
    }
    Ok(asked)
}

async fn commands(setting: &Setting, data: &Path, ids: &[String; 3]) -> Result<Vec<Asked>> {
    let [stored, queued, dead] = ids.each_ref().map(String::as_str);
    let mut asked = Vec::new();
    for (words, more_s) in [
        (&["flow"][..], FLOW_LIMIT_S),
        (&["get", stored][..], 0.0),
        (&["get", queued][..], 0.0),
        (&["get", dead][..], 0.0),
        (&["dlq", "list"][..], 0.0),
        (&["dlq", "list", "--type", "no.such.type"][..], 0.0),
        (&["dlq", "list", "--contains", "no such words"][..], SEARCH_LIMIT_S),
        (&["replays"][..], 0.0),
        (&["events", "list"][..], 0.0),
    ] {
        let mut took = Vec::with_capacity(TIMES);
        for _ in 0..TIMES {
            let begun = Instant::now();
            let mut command = Command::new(setting.program());
            command.args(words).arg("--embedded").arg(data).kill_on_drop(true);
            let output = command.stdin(Stdio::null()).output().await.context("spillway")?;
            took.push(begun.elapsed().as_secs_f64());
            // 1: nothing was found.
            let text = String::from_utf8_lossy(&output.stderr);
            ensure!(
                matches!(output.status.code(), Some(0 | 1)),
                "{words:?} ended with {}: {text}",
                output.status
            );
        }
        let what = words.join(" ").replace(stored, "STORED").replace(queued, "QUEUED").replace(dead, "DEAD");
        asked.push(Asked { what: format!("spillway {what}"), took_s: median(took), more_s });
    }
    Ok(asked)
}

/// The comparison of both sizes.
pub fn rows(few: &[Asked], many: &[Asked], against: &str) -> Vec<Row> {
    let row = |(few, many): (&Asked, &Asked)| {
        let few_s = few.took_s.max(SHORTEST_S);
        let target = Target::AtMost(((FLAT + many.more_s / few_s) * 10.0).round() / 10.0);
        Row::new(many.what.as_str(), many.took_s.max(SHORTEST_S) * 1e3, against, few_s * 1e3, "ms")
            .target(target)
    };
    few.iter().zip(many).map(row).collect()
}
