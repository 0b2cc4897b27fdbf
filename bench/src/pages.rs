//! The dashboard's pages on a demo with a day of history: the size of the browser's downloads, and the server's cost
//! of rendering.

mod drawn_once;
mod html;

use crate::Setting;
use crate::demo::{Demo, Session};
use crate::load::{self, Measured, Number, Same};
use crate::table::{Results, Row, Target, median};
use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::time::Instant;

/// Kilobytes, of a thousand bytes.
const KILOBYTE: f64 = 1e3;
const OVERVIEW_LIMIT: f64 = 60.0;
const WASM_LIMIT: f64 = 150.0;
/// Maximum seconds from the start to a demo with history.
const READY_LIMIT_S: f64 = 30.0;
/// Number of simultaneous viewers.
const VIEWERS: usize = 8;
/// A page that has only the frame common to all pages.
const NOT_FOUND: &str = "/there-is-no-such-page";
/// Three hours of minutes: 180 points.
const RANGE: &str = "range=3h";

/// Runs the measurement.
pub fn run(setting: &Setting) -> Result<Results> {
    setting.say("pages: making a demo with a day of history");
    load::runtime()?.block_on(measure(setting))
}

async fn measure(setting: &Setting) -> Result<Results> {
    let folder = tempfile::tempdir_in(&setting.data)?;
    let demo = Demo::start(setting, &folder.path().join("demo"), &[]).await?;
    let session = demo.sign_in().await?;
    let ready = Row::new("demo with a day of history", demo.ready_s, "limit", READY_LIMIT_S, "s");
    let mut results =
        Results { benchmark: "pages", rows: vec![ready], details: json!({}), notes: Vec::new() };
    overview(&session, &mut results).await?;
    wasm(setting, &session, &mut results).await?;
    let page = busiest_metrics_page(&session).await?;
    rendering(setting, &demo, &session, &page, &mut results).await?;
    setting.say("pages: whether charts are drawn once for all viewers");
    drawn_once::measure(&demo, &session, &page, &mut results).await?;
    Ok(results)
}

/// The first page that a user downloads.
async fn overview(session: &Session, results: &mut Results) -> Result<()> {
    let begun = Instant::now();
    let plain = session.get("/", "identity").await?;
    let first_ms = begun.elapsed().as_secs_f64() * 1e3;
    ensure!(plain.status == 200, "the Overview answers {}", plain.status);
    let charts = html::charts(&plain.body);
    ensure!(charts > 0, "the Overview's HTML has no chart in it");
    let mut sizes = vec![("identity", plain.body.len())];
    for encoding in ["br", "gzip"] {
        let answer = session.get("/", encoding).await?;
        let sent = answer.header("content-encoding").unwrap_or("identity");
        ensure!(sent == encoding, "asked for {encoding}, the server sent {sent}");
        sizes.push((encoding, answer.body.len()));
        let what = format!("Overview's first HTML with {charts} charts, {encoding}");
        let row = Row::new(what, answer.body.len() as f64 / KILOBYTE, "limit", OVERVIEW_LIMIT, "kB");
        results.rows.push(row.target(Target::AtMost(1.0)));
    }
    results.details["overview"] = json!({
        "charts": charts,
        "first_answer_ms": first_ms,
        "bytes": sizes.into_iter().collect::<std::collections::BTreeMap<_, _>>(),
    });
    results.notes.push(format!(
        "pages: the very first Overview after the start took {first_ms:.0} ms and is {:.0} kB before compression.",
        plain.body.len() as f64 / KILOBYTE
    ));
    Ok(())
}

/// The browser's part of the dashboard, as the server sends it.
async fn wasm(setting: &Setting, session: &Session, results: &mut Results) -> Result<()> {
    let Some(site) = &setting.site else {
        results
            .notes
            .push("pages: the wasm was not measured: there is none. `cargo xtask wasm` makes it.".to_owned());
        return Ok(());
    };
    let path = site.join("pkg/manifest.json");
    let manifest = std::fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let manifest: Value = serde_json::from_slice(&manifest)?;
    let name = manifest["wasm"].as_str().context("the manifest names no wasm")?;
    let answer = session.get(&format!("/assets/{name}"), "br").await?;
    ensure!(answer.status == 200, "the wasm answers {}", answer.status);
    ensure!(answer.header("content-encoding") == Some("br"), "the wasm does not come with brotli");
    let row = Row::new("wasm, brotli", answer.body.len() as f64 / KILOBYTE, "limit", WASM_LIMIT, "kB");
    results.rows.push(row.target(Target::AtMost(1.0)));
    results.details["wasm_bytes"] = json!(answer.body.len());
    Ok(())
}

struct MetricsPage {
    /// Its address, without a range.
    path: String,
    charts: usize,
    points: usize,
}

/// The Metrics page with the most charts.
async fn busiest_metrics_page(session: &Session) -> Result<MetricsPage> {
    let first = session.get("/metrics", "identity").await?;
    let mut pages = Vec::new();
    for stage in html::stages(&first.body) {
        let path = format!("/metrics?stage={stage}");
        let answer = session.get(&format!("{path}&{RANGE}"), "identity").await?;
        ensure!(answer.status == 200, "{path} answers {}", answer.status);
        let (charts, points) = (html::charts(&answer.body), html::most_points(&answer.body));
        pages.push(MetricsPage { path, charts, points });
    }
    let page = pages.into_iter().max_by_key(|page| page.charts).context("the Metrics page has no stages")?;
    ensure!(page.charts > 0, "the Metrics pages have no charts");
    Ok(page)
}

/// The cost of a page that several viewers load all the time.
async fn rendering(
    setting: &Setting,
    demo: &Demo,
    session: &Session,
    page: &MetricsPage,
    results: &mut Results,
) -> Result<()> {
    let (mut metrics, mut not_found) = (Vec::new(), Vec::new());
    for number in 1..=setting.rounds {
        setting.say(&format!("pages: rendering, round {number} of {}", setting.rounds));
        let path = format!("{}&{RANGE}", page.path);
        metrics.push(view(demo, session, &path, 200, setting.length).await?);
        not_found.push(view(demo, session, NOT_FOUND, 404, setting.length).await?);
    }
    let of = |rounds: &[Measured], value: Number| median(rounds.iter().map(value));
    let shown = format!("Metrics page, {} charts × {} points", page.charts, page.points);
    let values: [(&str, &str, Number); 3] = [
        ("p50", "ms", |load| load.p50_ms),
        ("p99", "ms", |load| load.p99_ms),
        ("throughput", "req/s", |load| load.per_s),
    ];
    for (name, unit, value) in values {
        let (ours, theirs) = (of(&metrics, value), of(&not_found, value));
        results.rows.push(Row::new(format!("{shown}: {name}"), ours, "plain 404 page", theirs, unit));
    }
    results.notes.push(format!(
        "pages: rendering with {VIEWERS} viewers at once, medians of {} rounds of {} s each, compression included.",
        setting.rounds,
        setting.length.as_secs_f64()
    ));
    results.details["rendering"] = json!({
        "path": page.path, "charts": page.charts, "points": page.points,
        "metrics": metrics, "not_found": not_found,
    });
    Ok(())
}

async fn view(
    demo: &Demo,
    session: &Session,
    path: &str,
    expected: u16,
    length: Duration,
) -> Result<Measured> {
    let request = session.request(path, "br, gzip");
    let viewers = (0..VIEWERS).map(|_| Same(request.clone())).collect();
    let load = load::run(demo.dashboard, viewers, length).await?;
    let all = load.statuses.values().sum::<u64>();
    ensure!(load.with_status(expected) == all, "{path} answered {:?}", load.statuses);
    Ok(load)
}
