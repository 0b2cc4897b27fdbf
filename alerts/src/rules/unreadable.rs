//! Files that are no rule files at all: no YAML, or YAML of another shape.

use super::Problem;

/// Lines of a file that is searched for the place from which on it is no YAML; each try reads all lines before it.
const LONGEST_SEARCHED: usize = 2_000;

/// Why a rule file can't be read. A parser notices an unclosed quotation mark only some lines later. So the
/// reported line is the first one from which the rest can't be read; the message also has the parser's own
/// line.
pub(super) fn unreadable(file: &str, text: &str, error: &serde_yaml_ng::Error) -> Problem {
    let is_yaml = |text: &str| serde_yaml_ng::from_str::<serde::de::IgnoredAny>(text).is_ok();
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    if is_yaml(text) || lines.len() > LONGEST_SEARCHED {
        return Problem::of_yaml(file, error);
    }
    let readable = (1..lines.len()).rev().find(|count| is_yaml(&lines[..*count].concat())).unwrap_or(0);
    let message = format!("not YAML from this line on: {error}");
    Problem { file: file.to_owned(), line: readable + 1, rule: None, message }
}
