//! Files that are no rule files at all: no YAML, or YAML of another shape.

use super::Problem;

/// Lines of a file that is searched for the place from which on it is no YAML; each try reads all lines before it.
const LONGEST_SEARCHED: usize = 2_000;

pub(crate) fn syntax(file: &str, error: &serde_yaml_ng::Error) -> Problem {
    let message = error.to_string();
    let (line, place) = error.location().map_or((1, String::new()), |location| {
        (location.line(), format!(" at line {} column {}", location.line(), location.column()))
    });
    // The line is told before the message, as everywhere, and the column is what only a parser knows.
    let message = message.strip_suffix(&place).unwrap_or(&message).to_owned();
    Problem { file: file.to_owned(), line, rule: None, message }
}

/// What keeps a rule file from being read. Terraform's reader tells the line and not why, and so the line is found as it
/// finds it: the first from which on nothing can be read any more.
pub(crate) fn unreadable(file: &str, text: &str, error: &serde_yaml_ng::Error) -> Problem {
    let is_yaml = |text: &str| serde_yaml_ng::from_str::<serde::de::IgnoredAny>(text).is_ok();
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    if is_yaml(text) || lines.len() > LONGEST_SEARCHED {
        return syntax(file, error);
    }
    let readable = (1..lines.len()).rev().find(|count| is_yaml(&lines[..*count].concat())).unwrap_or(0);
    let message = format!("not YAML from this line on: {error}");
    Problem { file: file.to_owned(), line: readable + 1, rule: None, message }
}
