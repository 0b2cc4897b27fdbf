//! Rings of tests and checks, and their results. A ring runs, or is listed as skipped with the reason and a remedy. No
//! ring is left out silently.

use std::{
    fmt,
    process::ExitCode,
    time::{Duration, Instant},
};

/// The result of a ring.
pub enum Outcome {
    Ran(Counts),
    /// The ring needs something that is missing on this machine.
    Skipped {
        /// The missing thing.
        reason: String,
        /// How to get it.
        remedy: String,
    },
}

/// The number of tests by result.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Tests that passed.
    pub passed: usize,
    /// Tests that failed.
    pub failed: usize,
    /// Tests that were not run.
    pub skipped: usize,
}

impl Counts {
    /// The counts for one check, which passed or failed.
    pub fn one(passed: bool) -> Self {
        Self { passed: usize::from(passed), failed: usize::from(!passed), skipped: 0 }
    }

    /// The sum of two counts.
    pub fn and(self, other: Self) -> Self {
        Self {
            passed: self.passed + other.passed,
            failed: self.failed + other.failed,
            skipped: self.skipped + other.skipped,
        }
    }

    /// The counts from a runner's output, combined with the exit status of the runner.
    ///
    /// A runner that fails without counting a failed test could not even start. That counts as one failure.
    pub fn ended(self, success: bool) -> Self {
        if success || self.failed > 0 { self } else { Self { failed: 1, ..self } }
    }
}

/// The results of all rings.
pub struct Report {
    lines: Vec<String>,
    total: Counts,
    /// When the ring that runs now began: the end of the one before it.
    began: Instant,
}

impl Default for Report {
    fn default() -> Self {
        Self { lines: Vec::new(), total: Counts::default(), began: now() }
    }
}

impl Report {
    /// Adds a ring that has just ended, with the time since the ring before it. An error while running it counts as a
    /// failure and does not stop the others.
    pub fn add(&mut self, name: &str, outcome: anyhow::Result<Outcome>) {
        let ended = now();
        let took = minutes(ended.duration_since(self.began));
        self.began = ended;
        let (line, counts) = match outcome {
            Ok(Outcome::Ran(counts)) => {
                let sign = if counts.failed == 0 { "passed" } else { "FAILED" };
                (format!("{name:<14} {sign:<8} {took:>6}  {counts}"), counts)
            }
            Ok(Outcome::Skipped { reason, remedy }) => (
                format!("{name:<14} {:<8} {took:>6}  {reason}. {remedy}", "skipped"),
                Counts { skipped: 1, ..Counts::default() },
            ),
            Err(error) => (format!("{name:<14} {:<8} {took:>6}  {error:#}", "FAILED"), Counts::one(false)),
        };
        eprintln!("  {line}");
        self.lines.push(line);
        self.total = self.total.and(counts);
    }

    /// Prints the result of each ring, and the sum as the last line.
    pub fn close(self) -> ExitCode {
        println!();
        for line in &self.lines {
            println!("{line}");
        }
        println!();
        println!("{}", self.total);
        if self.total.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed, {} failed, {} skipped", self.passed, self.failed, self.skipped)
    }
}

#[expect(clippy::disallowed_methods, reason = "shows people how long a ring took; nothing depends on it")]
fn now() -> Instant {
    Instant::now()
}

/// A time as minutes and seconds: `3:07`.
fn minutes(time: Duration) -> String {
    format!("{}:{:02}", time.as_secs() / 60, time.as_secs() % 60)
}

/// Adds up the summaries that cargo's own runner, nextest and Terraform print at the end of each part.
pub fn count(output: &str) -> Counts {
    output.lines().filter_map(summary).fold(Counts::default(), Counts::and)
}

fn summary(line: &str) -> Option<Counts> {
    // `test result: ok. 12 passed; 0 failed; 1 ignored; …`, once for each test binary. An indented line is part of a
    // failed test's output in nextest, and nextest's own summary counts that test.
    if line.starts_with("test result:") {
        return Some(Counts {
            passed: number_before(line, " passed")?,
            failed: number_before(line, " failed")?,
            skipped: number_before(line, " ignored").unwrap_or(0),
        });
    }
    let line = line.trim();
    // `Summary [ 1.2s] 30 tests run: 28 passed (1 slow), 1 failed, 1 timed out, 2 skipped`, once.
    if line.starts_with("Summary [") {
        let bad = [" failed", " timed out", " exec failed"];
        return Some(Counts {
            passed: number_before(line, " passed").unwrap_or(0),
            failed: bad.iter().filter_map(|word| number_before(line, word)).sum(),
            skipped: number_before(line, " skipped").unwrap_or(0),
        });
    }
    // `Success! 66 passed, 0 failed.` or `Failure! …`, sometimes with `, 1 skipped`.
    if line.starts_with("Success! ") || line.starts_with("Failure! ") {
        return Some(Counts {
            passed: number_before(line, " passed")?,
            failed: number_before(line, " failed")?,
            skipped: number_before(line, " skipped").unwrap_or(0),
        });
    }
    None
}

fn number_before(line: &str, word: &str) -> Option<usize> {
    let before = &line[..line.find(word)?];
    before.rsplit(|letter: char| !letter.is_ascii_digit()).next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(passed: usize, failed: usize, skipped: usize) -> Counts {
        Counts { passed, failed, skipped }
    }

    #[test]
    fn the_summary_of_every_runner_is_parsed() {
        let cargo = "running 2 tests\ntest result: ok. 12 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out\n\
                     test result: FAILED. 3 passed; 2 failed; 0 ignored; 0 measured\n";
        assert_eq!(count(cargo), counts(15, 2, 1));
        let nextest = "     Summary [   1.204s] 30 tests run: 28 passed (1 slow), 2 failed, 4 skipped";
        assert_eq!(count(nextest), counts(28, 2, 4));
        assert_eq!(count("Success! 66 passed, 0 failed."), counts(66, 0, 0));
        assert_eq!(count("Failure! 60 passed, 6 failed, 2 skipped."), counts(60, 6, 2));
        assert_eq!(count("nothing of the kind"), Counts::default());
        let shown = "    test result: FAILED. 0 passed; 1 failed; 0 ignored\n     Summary [ 1.0s] 1 test run: 0 passed, 1 failed";
        assert_eq!(count(shown), counts(0, 1, 0), "a failure is counted once");
    }

    #[test]
    fn a_runner_that_cannot_start_has_failed() {
        assert_eq!(Counts::default().ended(false), counts(0, 1, 0));
        assert_eq!(counts(5, 2, 0).ended(false), counts(5, 2, 0));
        assert_eq!(counts(5, 0, 0).ended(true), counts(5, 0, 0));
    }

    #[test]
    fn a_time_has_minutes_and_seconds() {
        assert_eq!(minutes(Duration::from_millis(187_900)), "3:07");
        assert_eq!(minutes(Duration::from_secs(3_600)), "60:00");
    }

    #[test]
    fn the_closing_line_is_plain() {
        assert_eq!(counts(3, 0, 1).to_string(), "3 passed, 0 failed, 1 skipped");
    }
}
