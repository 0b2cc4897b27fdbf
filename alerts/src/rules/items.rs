//! Reads a file with a list of rules or scenarios, so that one unreadable item hides none of the others.

use super::locate::Lines;
use super::unreadable::unreadable;
use super::validate::Problem;
use serde::de::DeserializeOwned;

/// What can be read of a file, and every reason why the rest can't be.
pub(crate) struct Items<T> {
    /// The file without its unreadable items; `None` if what is left can't be read either.
    pub file: Option<T>,
    /// Lines of the items that are left.
    pub lines: Lines,
    /// A problem for each item that was left out, and one for the file itself if it can't be read.
    pub problems: Vec<Problem>,
}

/// Reads `text`. Its items are in the top-level list called `list`, which is `rules` or `scenarios`.
///
/// A YAML parser ends at the first error. So the lines of the item with that error are blanked, and the text is read
/// again, until there is no further error or the error is outside the items.
pub(crate) fn read<T: DeserializeOwned>(file: &str, text: &str, list: &str) -> Items<T> {
    let mut text = text.to_owned();
    let mut lines = Lines::of(&text, list);
    // The numbers of the items that are left, as they are in the whole file.
    let mut numbers: Vec<usize> = (0..lines.count()).collect();
    let mut problems = Vec::new();
    loop {
        let error = match serde_yaml_ng::from_str::<T>(&text) {
            Ok(file) => return Items { file: Some(file), lines, problems },
            Err(error) => error,
        };
        let mut problem = unreadable(file, &text, &error);
        let place = format!("{list}[");
        let item = problem.message.strip_prefix(&place).and_then(|rest| rest.split_once(']'));
        let Some((item, rest)) = item.and_then(|(item, rest)| Some((item.parse::<usize>().ok()?, rest)))
        else {
            // What an item needs may be in one that was left out, such as an anchor. That is no further problem.
            if problems.is_empty() || is_yaml(&text) {
                problems.push(problem);
            }
            return Items { file: None, lines, problems };
        };
        let number = numbers.get(item).copied();
        problem.message = format!("{place}{}]{rest}", number.unwrap_or(item));
        problems.push(problem);
        // With the last item the list itself would be gone, and that is no problem of the file.
        if number.is_none() || numbers.len() == 1 {
            return Items { file: None, lines, problems };
        }
        text = lines.without(&text, item);
        numbers.remove(item);
        lines = Lines::of(&text, list);
        if lines.count() != numbers.len() {
            return Items { file: None, lines, problems };
        }
    }
}

fn is_yaml(text: &str) -> bool {
    serde_yaml_ng::from_str::<serde::de::IgnoredAny>(text).is_ok()
}
