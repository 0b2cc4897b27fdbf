//! `spillway load`: traffic at a fixed rate, and the proof that no event was lost.

mod verify;

use crate::answer::{CommandError, ExitStatus};
use crate::backend::{self, Backend};
use crate::console::{BOLD, Console, GREEN, RED, YELLOW, paint};
use crate::http_client::{self, HttpClient};
use crate::load::{self, Plan, Promises, Report};
use crate::target::Target;
use crate::text::{self, number};
use crate::values;
use clap::Args;
use http::Uri;
use spillway_dashboard_words::duration;
use std::path::PathBuf;
use std::time::Duration;

const LONG_HELP: &str = "\
Events are due at the rate, whether or not the API keeps up (an open loop). Each is sent with the same id \
until the API promises it (202), which is safe. After 429, 503 and broken connections the command waits and \
retries; it follows Retry-After. Each promised id is appended to FILE, one per line, as soon as the answer \
arrives. Ctrl-C ends the load; FILE has all ids promised until then.

  spillway load --url http://127.0.0.1:8080 --rate 200 --seconds 60 --out ids
  spillway load --verify ids --embedded DIR

Exit code 0: every planned event was promised, or with --verify every promised one is in the ledger. 1: some were refused, or \
Ctrl-C ended the load, or with --verify some are not in the ledger. 5: the API did not answer, or took not all at the moment.";

/// Options of `load`.
#[derive(Clone, Debug, Args)]
#[command(after_help = LONG_HELP)]
pub struct Options {
    /// The API, such as http://127.0.0.1:8080/events; without a path, /events is used [default: that of --topology]
    #[arg(long, value_parser = http_client::events_url, env = "SPILLWAY_URL")]
    url: Option<Uri>,
    /// Events per second
    #[arg(long, default_value = "50", value_parser = values::rate)]
    rate: f64,
    /// Duration in seconds
    #[arg(long, default_value = "10", value_parser = values::within::<u32>(1..=604_800))]
    seconds: u32,
    /// File for the promised ids
    #[arg(long, value_name = "FILE", required_unless_present = "verify")]
    out: Option<PathBuf>,
    /// Maximum number of requests at once
    #[arg(long, default_value = "64", value_name = "C", value_parser = values::within::<u16>(1..=4096))]
    connections: u16,
    /// Seed; the same seed generates the same events [default: the time]
    #[arg(long)]
    seed: Option<u64>,
    /// After that, how long to continue with events that are not promised yet
    #[arg(long, default_value = "30s", value_name = "SPAN", value_parser = values::span)]
    grace: Duration,
    /// Check that each id in FILE is somewhere in the ledger
    #[arg(long, value_name = "FILE", conflicts_with_all = ["out", "seed", "rate", "seconds", "connections", "grace"])]
    verify: Option<PathBuf>,
}

pub async fn run(
    options: &Options,
    target: &Target,
    open: impl AsyncFnOnce() -> anyhow::Result<Backend>,
    console: &mut Console,
) -> anyhow::Result<ExitStatus> {
    if let Some(file) = &options.verify {
        return verify::run(file, &open().await?, console).await;
    }
    let Some(out) = &options.out else {
        return Err(CommandError::Usage("a load needs --out FILE for the promised ids".to_owned()).into());
    };
    let url = &backend::api_url(target, options.url.as_ref())?;
    let clock = backend::clock();
    let plan = Plan {
        rate: options.rate,
        duration: Duration::from_secs(options.seconds.into()),
        connections: options.connections.into(),
        seed: options.seed.unwrap_or_else(|| clock.now().as_nanosecond() as u64),
        grace: options.grace,
    };
    let promises = Promises::append_to(out)?;
    let http = HttpClient::new(url.clone(), plan.connections)?;
    let bar = console.progress(plan.events());
    let show = |now: load::Progress| {
        bar.set_position(now.promised + now.refused);
        bar.set_message(match (now.undecided, now.refused) {
            (undecided, 0) => format!("promised, {} in progress", number(undecided)),
            (undecided, refused) => {
                format!("promised or refused ({}), {} in progress", number(refused), number(undecided))
            }
        });
    };
    let report = load::run(&plan, http, promises, clock, interrupted(), show).await;
    bar.finish_and_clear();
    let report = report?;
    if console.json() {
        console.document(&report)?;
    } else {
        print(&report, out, console)?;
    }
    if report.counts.requests > 0 && report.counts.no_answer == report.counts.requests {
        let why = report.counts.last_error.unwrap_or_default();
        let what = format!("no answer from {url} ({why}): check that the pipeline is running there");
        return Err(CommandError::TryAgain(what).into());
    }
    Ok(match &report {
        report if report.all_promised() => ExitStatus::Ok,
        // What the API refuses, it refuses again. The rest may be promised the next time.
        report if report.refused > 0 || report.interrupted => ExitStatus::No,
        _ => ExitStatus::TryAgain,
    })
}

/// Completes at the first Ctrl-C. At the second one the process ends without waiting for answers.
async fn interrupted() {
    if tokio::signal::ctrl_c().await.is_err() {
        // This system has no signals, so the load runs to its end.
        return std::future::pending().await;
    }
    tokio::spawn(async {
        if tokio::signal::ctrl_c().await.is_ok() {
            std::process::exit(130);
        }
    });
}

fn print(report: &Report, out: &std::path::Path, console: &mut Console) -> anyhow::Result<()> {
    let style = if report.all_promised() { GREEN } else { YELLOW };
    let headline =
        format!("{} of {} promised", number(report.counts.promised), text::count(report.planned, "event"));
    let ended = if report.interrupted { ", ended by Ctrl-C" } else { "" };
    console.line(&format!("{}{ended}", paint(style, &headline)))?;
    let mut fields = vec![
        ("throughput", format!("{} over {:.1} s", text::rate(report.promised_per_s), report.elapsed_s)),
        ("requests", number(report.counts.requests)),
    ];
    for (label, quantiles) in [("request", report.request_ms), ("promise", report.promise_ms)] {
        if let Some(q) = quantiles {
            let [p50, p99, max] = [q.p50, q.p99, q.max].map(|ms| duration(ms / 1000.0));
            fields.push((label, format!("p50 {p50}   p99 {p99}   max {max}")));
        }
    }
    let by_status = |counts: &std::collections::BTreeMap<u16, u64>| {
        counts
            .iter()
            .map(|(status, count)| format!("{} × {status}", number(*count)))
            .collect::<Vec<_>>()
            .join(", ")
    };
    if report.counts.no_answer > 0 {
        let why = report.counts.last_error.as_deref().unwrap_or_default();
        fields.push(("no answer", format!("{}, the last: {why}", number(report.counts.no_answer))));
    }
    if !report.counts.again_by_status.is_empty() {
        fields.push(("sent again", by_status(&report.counts.again_by_status)));
    }
    if report.refused > 0 {
        let why = report.counts.first_refusal.as_deref().unwrap_or_default();
        fields
            .push(("refused", format!("{}; the first: {why}", by_status(&report.counts.refused_by_status))));
    }
    if report.undecided > 0 {
        fields.push(("undecided", format!("{} (they may have arrived)", number(report.undecided))));
    }
    if report.not_accepted > 0 {
        fields.push(("not accepted", number(report.not_accepted)));
    }
    if report.not_sent > 0 {
        fields.push(("not sent", number(report.not_sent)));
    }
    fields.push(("ids", format!("{}", out.display())));
    console.fields(&fields)
}
