//! Results: a row for each ratio, as a table for people and as JSON for programs.

use serde::Serialize;
use serde_json::Value;
use std::fmt::Write as _;

#[derive(Clone, Copy, Debug, Serialize)]
pub struct Figure {
    /// The number.
    pub value: f64,
    /// Its unit, such as `req/s`.
    pub unit: &'static str,
}

impl Figure {
    pub fn new(value: f64, unit: &'static str) -> Self {
        Self { value, unit }
    }

    fn text(self) -> String {
        let digits = match self.value.abs() {
            value if value >= 100.0 || value == 0.0 => 0,
            value if value >= 10.0 => 1,
            value if value >= 0.1 => 2,
            _ => 4,
        };
        format!("{:.digits$} {}", self.value, self.unit)
    }
}

/// The target of a ratio.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    /// This value or more.
    AtLeast(f64),
    /// This value or less.
    AtMost(f64),
}

impl Target {
    fn is_met(self, ratio: f64) -> bool {
        match self {
            Self::AtLeast(limit) => ratio >= limit,
            Self::AtMost(limit) => ratio <= limit,
        }
    }

    fn text(self) -> String {
        match self {
            Self::AtLeast(limit) => format!("≥ {limit}"),
            Self::AtMost(limit) => format!("≤ {limit}"),
        }
    }
}

/// One comparison: our number against that of a peer, or against a limit.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    /// The measured quantity.
    pub what: String,
    /// Our number.
    pub ours: Figure,
    /// The name of the peer or limit.
    pub against: String,
    /// The peer's number, or the limit.
    pub theirs: Figure,
    /// Our number divided by theirs.
    pub ratio: f64,
    /// The target; `None` if the ratio is only reported, because it depends more on the machine's load at that moment
    /// than on the code.
    pub target: Option<Target>,
}

impl Row {
    /// A comparison that is reported and has no target.
    pub fn new(
        what: impl Into<String>,
        ours: f64,
        against: impl Into<String>,
        theirs: f64,
        unit: &'static str,
    ) -> Self {
        let (ours, theirs) = (Figure::new(ours, unit), Figure::new(theirs, unit));
        let ratio = ours.value / theirs.value;
        Self { what: what.into(), ours, against: against.into(), theirs, ratio, target: None }
    }

    /// Adds a target.
    pub fn target(mut self, target: Target) -> Self {
        self.target = Some(target);
        self
    }

    /// Whether the ratio misses its target. A ratio that is not a number misses every target.
    pub fn misses(&self) -> bool {
        self.target.is_some_and(|target| !target.is_met(self.ratio))
    }

    fn verdict(&self) -> &'static str {
        match self.target {
            None => "reported",
            Some(_) if self.misses() => "MISSED",
            Some(_) => "met",
        }
    }
}

/// The results of a benchmark.
#[derive(Debug, Serialize)]
pub struct Results {
    /// Its name, also the name of its file.
    pub benchmark: &'static str,
    /// The comparisons.
    pub rows: Vec<Row>,
    /// Numbers that explain the comparisons.
    pub details: Value,
    /// Notes for the reader, one sentence each.
    pub notes: Vec<String>,
}

/// The rows of all benchmarks as text.
pub fn table(results: &[Results]) -> String {
    let head = ["", "measured", "against", "", "ratio", "target", ""].map(str::to_owned);
    let mut lines = vec![head];
    for result in results {
        lines.extend(result.rows.iter().map(|row| {
            [
                format!("{}: {}", result.benchmark, row.what),
                row.ours.text(),
                row.against.clone(),
                row.theirs.text(),
                ratio(row.ratio),
                row.target.map(Target::text).unwrap_or_default(),
                row.verdict().to_owned(),
            ]
        }));
    }
    let width = |column: usize| lines.iter().map(|line| line[column].chars().count()).max().unwrap_or(0);
    let widths: [usize; 7] = std::array::from_fn(width);
    let mut text = String::new();
    for line in &lines {
        let mut shown = String::new();
        for (column, cell) in line.iter().enumerate() {
            let padding = " ".repeat(widths[column].saturating_sub(cell.chars().count()));
            // Numbers are right-aligned, text is left-aligned.
            let is_number = matches!(column, 1 | 3 | 4);
            let _ = if is_number {
                write!(shown, "{padding}{cell}  ")
            } else {
                write!(shown, "{cell}{padding}  ")
            };
        }
        text.push_str(shown.trim_end());
        text.push('\n');
    }
    for note in results.iter().flat_map(|result| &result.notes) {
        let _ = writeln!(text, "* {note}");
    }
    text
}

fn ratio(ratio: f64) -> String {
    if ratio >= 100.0 { format!("{ratio:.0}") } else { format!("{ratio:.2}") }
}

/// The percentile for a share of the sorted values, by the nearest rank; 0 if there are no values.
pub fn percentile(sorted: &[f64], share: f64) -> f64 {
    let last = sorted.len().saturating_sub(1);
    sorted.get((last as f64 * share).round() as usize).copied().unwrap_or(0.0)
}

/// The median of some values; 0 if there are none.
pub fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut sorted: Vec<f64> = values.into_iter().collect();
    sorted.sort_by(f64::total_cmp);
    percentile(&sorted, 0.5)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_for_the_ratio() {
        let row = Row::new("accept", 40.0, "bare", 100.0, "req/s");
        assert!(!row.misses(), "only reported");
        assert!(row.clone().target(Target::AtLeast(0.5)).misses());
        assert!(!row.clone().target(Target::AtLeast(0.4)).misses());
        assert!(!row.clone().target(Target::AtMost(0.4)).misses());
        assert!(row.target(Target::AtMost(0.3)).misses());
    }

    #[test]
    fn a_ratio_that_is_no_number_misses_its_target() {
        let row = Row::new("nothing", 0.0, "nothing", 0.0, "s");
        assert!(row.clone().target(Target::AtLeast(0.5)).misses());
        assert!(row.target(Target::AtMost(0.5)).misses());
    }

    #[test]
    fn columns_are_aligned_and_the_verdict_is_last() {
        let rows = vec![
            Row::new("throughput", 25_000.0, "bare handler", 5_000.0, "req/s").target(Target::AtLeast(0.5)),
            Row::new("p99", 0.5, "p99 of the bare handler", 1.0, "ms"),
        ];
        let notes = vec!["Three rounds.".to_owned()];
        let text = table(&[Results { benchmark: "accept", rows, details: Value::Null, notes }]);
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines[1].contains("25000 req/s") && lines[1].contains("5.00  ≥ 0.5   met"), "{text}");
        assert!(lines[2].ends_with("reported"), "{text}");
        assert_eq!(lines[1].find("bare"), lines[2].find("p99 of"), "{text}");
        assert_eq!(lines[3], "* Three rounds.");
    }

    #[test]
    fn percentiles_are_values_that_were_measured() {
        let sorted: Vec<f64> = (1..=101).map(f64::from).collect();
        assert_eq!((percentile(&sorted, 0.5), percentile(&sorted, 0.99)), (51.0, 100.0));
        assert_eq!((percentile(&[], 0.5), median([3.0, 1.0, 2.0])), (0.0, 2.0));
    }
}
