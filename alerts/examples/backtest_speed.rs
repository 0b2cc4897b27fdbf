//! How fast rules are evaluated over history: datapoints a second, as JSON. `cargo xtask bench backtest` runs it.
//!
//! `backtest_speed [--rules 60] [--days 365]`
//!
//! With `--promtool DIR` it writes the same rules and series for Prometheus' `promtool test rules` instead, as two
//! files. `test.yml` also has when each rule fires first here. `read.yml` has nothing to evaluate after the first
//! minute.

#![expect(clippy::print_stdout, reason = "the result is printed")]

use jiff::Timestamp;
use jiff::tz::TimeZone;
use spillway_alerts::backtest::{Backtest, Range, run};
use spillway_alerts::{Limits, MemoryHistory, RuleSet};
use std::error::Error;
use std::fmt::Write as _;
use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};

/// Monday 2026-01-05, 00:00 UTC.
const START: i64 = 1_767_571_200;
const THRESHOLD: u32 = 950;

fn main() -> Result<(), Box<dyn Error>> {
    let mut rules = 60_usize;
    let mut days = 365_usize;
    let mut promtool: Option<PathBuf> = None;
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let value = arguments.next().ok_or_else(|| format!("expected a value after {argument}"))?;
        match argument.as_str() {
            "--rules" => rules = value.parse()?,
            "--days" => days = value.parse()?,
            "--promtool" => promtool = Some(value.into()),
            other => return Err(format!("expected --rules, --days or --promtool, found {other}").into()),
        }
    }
    let minutes = days * 1_440;
    let set = rule_set(rules)?;
    let start = Timestamp::from_second(START)?;
    let mut history = MemoryHistory::new(start, 60);
    for (number, rule) in set.iter().enumerate() {
        let Some(condition) = rule.metric() else { continue };
        let values = (0..minutes).map(|minute| f64::from(value(number, minute))).collect();
        history.insert(condition.queries[0].stat.clone(), values);
    }
    let until = Timestamp::from_second(START + minutes as i64 * 60)?;
    #[expect(clippy::disallowed_methods, reason = "a benchmark measures real time")]
    let began = std::time::Instant::now();
    let backtest = run(&set, &history, &Range { from: start, until, zone: TimeZone::UTC })?;
    let seconds = began.elapsed().as_secs_f64();
    if let Some(folder) = promtool {
        return write_promtool(&folder, rules, minutes, &backtest);
    }
    let datapoints = rules * minutes;
    let firings: usize = backtest.rules.iter().map(|outcome| outcome.firings.len()).sum();
    println!(
        "{{\"rules\":{rules},\"days\":{days},\"datapoints\":{datapoints},\"seconds\":{seconds:.6},\"firings\":{firings},\
         \"peak_bytes\":{}}}",
        peak_bytes(),
    );
    Ok(())
}

/// Values that breach for a few minutes now and then, the same for both programs.
fn value(rule: usize, minute: usize) -> u32 {
    let mut x = (minute / 7) as u64 ^ ((rule as u64) << 32);
    x = x.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    ((x >> 40) % 1_000) as u32
}

fn rule_set(rules: usize) -> Result<RuleSet, Box<dyn Error>> {
    let mut text = String::from("subsystem: bench\nrules:\n");
    for rule in 0..rules {
        writeln!(
            text,
            "  - {{name: rule-{rule}, kind: metric, tier: low, summary: A., impact: B., runbook: c, metrics: [{{id: m, \
             namespace: Bench, metric: M{rule}, statistic: Maximum}}], period: 60, comparison: GreaterThanThreshold, \
             threshold: {THRESHOLD}, datapoints_to_alarm: 3, evaluation_periods: 3, missing_data: notBreaching}}"
        )?;
    }
    Ok(RuleSet::parse(&[("bench.yaml", &text)], &Limits::default())?)
}

/// The same rules, series and minutes. Each rule is expected to fire when it does here, and not a minute before.
fn write_promtool(
    folder: &Path,
    rules: usize,
    minutes: usize,
    backtest: &Backtest,
) -> Result<(), Box<dyn Error>> {
    std::fs::create_dir_all(folder)?;
    let mut groups = String::from("groups:\n  - name: bench\n    interval: 1m\n    rules:\n");
    for rule in 0..rules {
        writeln!(groups, "      - {{alert: rule-{rule}, expr: 'm{rule} > {THRESHOLD}', for: 2m}}")?;
    }
    std::fs::write(folder.join("rules.yml"), groups)?;

    let mut expected = String::new();
    for outcome in &backtest.rules {
        let Some(first) = outcome.firings.first() else { continue };
        // A minute's datapoint is complete at its end, where we evaluate it; promtool has it at its beginning.
        let at = (first.from.as_second() - START) / 60 - 1;
        for (at, alerts) in [(at - 1, "[]"), (at, "[{exp_labels: {}}]")] {
            let name = &outcome.rule;
            writeln!(expected, "      - {{eval_time: {at}m, alertname: {name}, exp_alerts: {alerts}}}")?;
        }
    }
    let nothing = |at: usize| format!("      - {{eval_time: {at}m, alertname: nothing, exp_alerts: []}}\n");
    write_test(&folder.join("test.yml"), rules, minutes, &(expected + &nothing(minutes - 1)))?;
    write_test(&folder.join("read.yml"), rules, minutes, &nothing(0))
}

fn write_test(file: &Path, rules: usize, minutes: usize, expected: &str) -> Result<(), Box<dyn Error>> {
    let mut test = BufWriter::new(File::create(file)?);
    write!(
        test,
        "rule_files: [rules.yml]\nevaluation_interval: 1m\ntests:\n  - interval: 1m\n    alert_rule_test:\n{expected}    \
         input_series:\n"
    )?;
    for rule in 0..rules {
        write!(test, "      - series: m{rule}\n        values: '")?;
        for minute in 0..minutes {
            write!(test, "{} ", value(rule, minute))?;
        }
        writeln!(test, "'")?;
    }
    Ok(test.flush()?)
}

/// Peak resident memory so far; 0 if the system does not report it.
fn peak_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok()).map_or(0, |kib| kib * 1_024)
}
