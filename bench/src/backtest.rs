//! Evaluates rules over a year of datapoints, and compares with Prometheus' `promtool test rules` for the same rules
//! and series.
//!
//! For the same number of datapoints, promtool needs minutes where this program needs a second. So promtool gets fewer
//! days of the same series, and the benchmark compares rates. Its file also says when each rule fires first in this
//! program: promtool fails if a rule fires at another time.

use crate::table::{Results, Row, Target, median};
use crate::{Setting, usage};
use anyhow::{Context, Result, bail, ensure};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;
use tokio::time::Instant;

/// About the number of rules of a deployment.
const RULES: u64 = 60;
/// Length of the history in days.
const DAYS: u64 = 365;
const MINUTES_OF_A_DAY: u64 = 1_440;
/// How often a process's memory is read. The system knows its maximum only while the process runs.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// The report of our program about itself.
#[derive(Deserialize, Serialize)]
struct Report {
    datapoints: f64,
    seconds: f64,
    firings: u64,
    peak_bytes: f64,
}

/// The result of a process that has ended.
#[derive(Clone, Debug, Serialize)]
struct Ended {
    seconds: f64,
    peak_bytes: Option<f64>,
    #[serde(skip)]
    output: String,
}

/// Runs the measurement.
pub fn run(setting: &Setting) -> Result<Results> {
    let scratch = tempfile::tempdir_in(&setting.data)?;
    let ours =
        setting.programs.join("examples").join(format!("backtest_speed{}", std::env::consts::EXE_SUFFIX));
    let days = |days: u64| ["--rules".to_owned(), RULES.to_string(), "--days".to_owned(), days.to_string()];
    setting.say(&format!("backtest: {RULES} rules over {DAYS} days"));
    let mut reports = Vec::new();
    let mut whole = Vec::new();
    for _ in 0..setting.rounds {
        let ended = finish(Command::new(&ours).args(days(DAYS)), scratch.path())?;
        reports
            .push(serde_json::from_str::<Report>(&ended.output).context("backtest_speed printed no report")?);
        whole.push(ended.seconds);
    }
    let datapoints = reports.first().context("no rounds")?.datapoints;
    let whole_s = median(whole.iter().copied());
    let evaluating_s = median(reports.iter().map(|reports| reports.seconds));
    let peak = median(reports.iter().map(|reports| reports.peak_bytes));

    let mut rows = Vec::new();
    let mut notes = vec![format!(
        "backtest: {RULES} rules over {DAYS} days at one minute, {:.1} million datapoints: {whole_s:.2} s as a process, \
         {evaluating_s:.2} s of it evaluating, {:.0} MB at most.",
        datapoints / 1e6,
        peak / 1e6
    )];
    let Some(promtool) = &setting.promtool else {
        notes.push(
            "backtest: not compared with promtool, which is not installed: install Debian's package prometheus, or put promtool \
             into the search path."
                .to_owned(),
        );
        let rate = datapoints / whole_s;
        rows.push(Row::new("whole process", rate, "(nothing to compare with)", rate, "datapoints/s"));
        return Ok(Results { benchmark: "backtest", rows, details: json!({ "ours": reports }), notes });
    };

    let folder = scratch.path().join("promtool");
    finish(
        Command::new(&ours).args(days(setting.promtool_days)).arg("--promtool").arg(&folder),
        scratch.path(),
    )?;
    let theirs = (RULES * MINUTES_OF_A_DAY * setting.promtool_days) as f64;
    setting.say(&format!("backtest: promtool, {} days", setting.promtool_days));
    let test = |file: &str| finish(Command::new(promtool).args(["test", "rules", file]), &folder);
    let (read, full) = (test("read.yml")?, test("test.yml")?);
    let against = "promtool test rules";
    rows.push(
        Row::new("whole process", datapoints / whole_s, against, theirs / full.seconds, "datapoints/s")
            .target(Target::AtLeast(20.0)),
    );
    rows.push(
        Row::new(
            "evaluation alone",
            datapoints / evaluating_s,
            "the same without reading its file",
            theirs / (full.seconds - read.seconds).max(f64::EPSILON),
            "datapoints/s",
        )
        .target(Target::AtLeast(20.0)),
    );
    if let Some(most) = full.peak_bytes {
        let per_million = |bytes: f64, datapoints: f64| bytes / 1e6 / (datapoints / 1e6);
        rows.push(Row::new(
            "peak resident memory, for a million datapoints",
            per_million(peak, datapoints),
            against,
            per_million(most, theirs),
            "MB",
        ));
        notes.push(format!(
            "backtest: promtool took {:.1} s and {:.0} MB at most for {} days, {:.1} million datapoints, of which {:.1} s to read its \
             file. Each of the {RULES} rules fires first in the same minute in both.",
            full.seconds,
            most / 1e6,
            setting.promtool_days,
            theirs / 1e6,
            read.seconds
        ));
    }
    let details =
        json!({ "ours": reports, "ours_whole_s": whole, "promtool": full, "promtool_reading": read });
    Ok(Results { benchmark: "backtest", rows, details, notes })
}

/// Runs a program until it ends.
fn finish(command: &mut Command, folder: &Path) -> Result<Ended> {
    let program = Path::new(command.get_program()).display().to_string();
    let file = tempfile::NamedTempFile::new_in(folder.parent().unwrap_or(folder))?;
    let stdout = file.reopen()?;
    let stderr = stdout.try_clone()?;
    let began = Instant::now();
    let mut child = command
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(stdout)
        .stderr(stderr)
        .spawn()
        .with_context(|| format!("cannot start {program}"))?;
    let mut peak_bytes = None;
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        peak_bytes = usage::memory(child.id()).map(|(_, most)| most).or(peak_bytes);
        std::thread::sleep(LOOK_EVERY);
    };
    let seconds = began.elapsed().as_secs_f64();
    let output = std::fs::read_to_string(file.path())?;
    if !status.success() {
        bail!("{program} ended with {status}: {}", output.lines().take(20).collect::<Vec<_>>().join(" | "));
    }
    ensure!(seconds > 0.0, "{program} took no time");
    Ok(Ended { seconds, peak_bytes, output })
}
