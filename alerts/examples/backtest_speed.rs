//! How fast rules are evaluated over history: datapoints a second, as JSON, and the same work as a file for
//! `promtool test rules`.
//!
//! `backtest_speed [--rules 60] [--days 365] [--promtool DIR]`

#![expect(clippy::print_stdout, reason = "the result is printed")]

use jiff::Timestamp;
use jiff::tz::TimeZone;
use spillway_alerts::backtest::{Range, run};
use spillway_alerts::{Limits, MemoryHistory, RuleSet};
use std::error::Error;
use std::fmt::Write as _;
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
    if let Some(folder) = promtool {
        write_promtool(&folder, rules, minutes)?;
    }
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
    let datapoints = rules * minutes;
    let firings: usize = backtest.rules.iter().map(|outcome| outcome.firings.len()).sum();
    println!(
        "{{\"rules\":{rules},\"days\":{days},\"datapoints\":{datapoints},\"seconds\":{seconds:.3},\
         \"datapoints_per_s\":{:.0},\"firings\":{firings},\"peak_memory_mib\":{}}}",
        datapoints as f64 / seconds,
        peak_memory_mib(),
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

/// The same rules, series and minutes, for `promtool test rules DIR/test.yml`.
fn write_promtool(folder: &Path, rules: usize, minutes: usize) -> Result<(), Box<dyn Error>> {
    std::fs::create_dir_all(folder)?;
    let mut groups = String::from("groups:\n  - name: bench\n    interval: 1m\n    rules:\n");
    let mut test = format!(
        "rule_files: [rules.yml]\nevaluation_interval: 1m\ntests:\n  - interval: 1m\n    alert_rule_test:\n      \
         - {{eval_time: {}m, alertname: nothing, exp_alerts: []}}\n    input_series:\n",
        minutes - 1
    );
    for rule in 0..rules {
        writeln!(groups, "      - {{alert: rule-{rule}, expr: 'm{rule} > {THRESHOLD}', for: 2m}}")?;
        write!(test, "      - series: m{rule}\n        values: '")?;
        for minute in 0..minutes {
            write!(test, "{} ", value(rule, minute))?;
        }
        test.push_str("'\n");
    }
    std::fs::write(folder.join("rules.yml"), groups)?;
    std::fs::write(folder.join("test.yml"), test)?;
    Ok(())
}

/// Largest resident memory so far, where the system tells it; 0 elsewhere.
fn peak_memory_mib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok()).map_or(0, |kib| kib / 1_024)
}
