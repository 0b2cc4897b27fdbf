//! Files that are no rule files at all: no YAML, or YAML of another shape.

use super::Problem;

/// Lines of a file that is searched for the place from which on it is no YAML; each try reads all lines before it.
const LONGEST_SEARCHED: usize = 2_000;

/// What keeps a rule file from being read. A parser notices a quotation mark that is never closed lines later, so the line is
/// the first from which on nothing can be read any more; the message has the parser's own.
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
