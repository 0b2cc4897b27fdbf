//! Text and columns for people: numbers, times, tables.

use anstyle::Style;
use spillway_core::Timestamp;
use spillway_core::failure::controls_display;
use spillway_dashboard_words::{self as words, set_apart};

/// A number with thousands separators.
pub fn number(value: impl TryInto<i128>) -> String {
    let value = value.try_into().unwrap_or(i128::MAX);
    let sign = if value < 0 { "-" } else { "" };
    format!("{sign}{}", set_apart(&value.unsigned_abs().to_string()))
}

/// A number with its noun: `1 event`, `1,200 events`.
pub fn count(value: u64, noun: &str) -> String {
    format!("{} {noun}{}", number(value), if value == 1 { "" } else { "s" })
}

/// A number, and what was true of so many: `1 was not discarded`, `2 were not discarded`.
pub fn were(value: impl TryInto<u64>, what: &str) -> String {
    let value = value.try_into().unwrap_or(u64::MAX);
    format!("{} {} {what}", number(value), if value == 1 { "was" } else { "were" })
}

/// The state of an event in words: `in flight`, `in the DLQ`.
pub fn state(name: &str) -> String {
    match name {
        "in_dlq" => "in the DLQ".to_owned(),
        name => name.replace('_', " "),
    }
}

/// A rate with three significant digits.
pub fn rate(per_second: f64) -> String {
    match per_second {
        r if r >= 99.5 => format!("{}/s", number(r.round() as i64)),
        r if r >= 9.95 => format!("{r:.1}/s"),
        r => format!("{r:.2}/s"),
    }
}

/// A time relative to now: `4 min ago`, `in 38 min`.
pub fn relative(now: Timestamp, at: Timestamp) -> String {
    words::relative(now.duration_since(at).as_secs())
}

/// An absolute time: `2026-03-02 14:02:11 UTC`.
pub fn absolute(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}

/// A time, absolute and relative.
pub fn time(now: Timestamp, at: Timestamp) -> String {
    format!("{} ({})", absolute(at), relative(now, at))
}

/// Untrusted text, without characters that control a terminal.
pub fn clean(text: &str) -> String {
    text.chars()
        .map(|c| if controls_display(c) && c != '\n' && c != '\t' { char::REPLACEMENT_CHARACTER } else { c })
        .collect()
}

/// The same JSON, with escapes for characters that control a terminal. They occur in strings only.
pub fn escaped_in_json(json: &str) -> String {
    let mut text = String::with_capacity(json.len());
    for c in json.chars() {
        if controls_display(c) && !matches!(c, '\n' | '\t' | '\r') {
            text.push_str(&format!("\\u{:04x}", u32::from(c)));
        } else {
            text.push(c);
        }
    }
    text
}

/// Text on one line, `columns` wide at most. A mark shows where it was cut.
pub fn fit(text: &str, columns: usize) -> String {
    let line = clean(text).replace(['\n', '\t'], " ");
    if line.chars().count() <= columns {
        return line;
    }
    let mut cut: String = line.chars().take(columns.saturating_sub(1)).collect();
    cut.truncate(cut.trim_end().len());
    cut.push('…');
    cut
}

/// Breaks text into lines that are `columns` wide at most, at spaces where possible.
pub fn wrap(text: &str, columns: usize) -> Vec<String> {
    let mut lines = Vec::new();
    for paragraph in clean(text).lines() {
        let mut line = String::new();
        for word in paragraph.split(' ') {
            let mut word: &str = word;
            let used = line.chars().count();
            if used > 0 && used + 1 + word.chars().count() > columns {
                lines.push(std::mem::take(&mut line));
            }
            if !line.is_empty() {
                line.push(' ');
            }
            while word.chars().count() > columns {
                let end = word.char_indices().nth(columns).map_or(word.len(), |(index, _)| index);
                lines.push(word[..end].to_owned());
                word = &word[end..];
            }
            line.push_str(word);
        }
        lines.push(line);
    }
    lines
}

/// Labelled values, one per line. Long values wrap within their column.
pub fn fields(fields: &[(&str, String)], width: usize) -> String {
    let label_width = fields.iter().map(|(label, _)| label.len()).max().unwrap_or(0);
    let mut text = String::new();
    for (label, value) in fields {
        let lines = wrap(value, width.saturating_sub(label_width + 4).max(20));
        for (number, line) in lines.iter().enumerate() {
            let label = if number == 0 { *label } else { "" };
            text.push_str(&format!("  {label:label_width$}  {line}\n"));
        }
    }
    text
}

/// One cell of a table.
#[derive(Clone, Debug)]
pub struct Cell {
    text: String,
    style: Style,
    right: bool,
}

impl Cell {
    pub fn text(text: impl std::fmt::Display) -> Self {
        Self { text: fit(&text.to_string(), usize::MAX), style: Style::new(), right: false }
    }

    /// A number, aligned to the right.
    pub fn number(value: impl TryInto<i128>) -> Self {
        Self { right: true, ..Self::text(number(value)) }
    }

    /// The same cell, in a style.
    pub fn styled(self, style: Style) -> Self {
        Self { style, ..self }
    }
}

/// Rows in aligned columns. The last column takes the remaining width.
#[derive(Clone, Debug, Default)]
pub struct Table {
    rows: Vec<Row>,
    wrapping: bool,
}

#[derive(Clone, Debug)]
struct Row {
    cells: Vec<Cell>,
    note: Option<String>,
}

/// The indentation of a note.
const NOTE_INDENT: usize = 6;

impl Table {
    /// A table with a dimmed header.
    pub fn with_header(names: &[&str]) -> Self {
        let mut table = Self::default();
        table.row(names.iter().map(|name| Cell::text(name).styled(Style::new().dimmed())).collect());
        table
    }

    /// Wraps text that does not fit into the last column, instead of cutting it.
    pub fn wrapping(self) -> Self {
        Self { wrapping: true, ..self }
    }

    /// Adds a row.
    pub fn row(&mut self, cells: Vec<Cell>) {
        self.rows.push(Row { cells, note: None });
    }

    /// Adds a row with a note below it.
    pub fn row_with_note(&mut self, cells: Vec<Cell>, note: &str) {
        self.rows.push(Row { cells, note: Some(note.to_owned()) });
    }

    /// The text, each line indented by two.
    pub fn render(&self, width: usize) -> String {
        let (widths, right) = self.columns(width);
        let mut text = String::new();
        for row in &self.rows {
            let last = row.cells.len().saturating_sub(1);
            let mut line = String::from(" ");
            let mut more = Vec::new();
            for (index, cell) in row.cells.iter().enumerate() {
                let mut shown = fit(&cell.text, widths[index]);
                if self.wrapping && index == last {
                    more = wrap(&cell.text, widths[index]);
                    shown = if more.is_empty() { String::new() } else { more.remove(0) };
                }
                let padding = " ".repeat(widths[index].saturating_sub(shown.chars().count()));
                let painted =
                    if cell.style.is_plain() { shown } else { format!("{0}{shown}{0:#}", cell.style) };
                let (left, behind) =
                    if right[index] { (padding.as_str(), "") } else { ("", padding.as_str()) };
                line.push_str(&format!(" {left}{painted}{behind} "));
            }
            text.push_str(&format!("{}\n", line.trim_end()));
            let indent: usize = widths.iter().take(last).map(|width| width + 2).sum::<usize>() + 2;
            more.iter().for_each(|line| text.push_str(&format!("{:indent$}{line}\n", "")));
            for line in row.note.iter().flat_map(|note| wrap(note, width.saturating_sub(NOTE_INDENT).max(20)))
            {
                text.push_str(&format!("{:NOTE_INDENT$}{line}\n", ""));
            }
        }
        text
    }

    /// The width of each column, and whether it is aligned to the right.
    fn columns(&self, width: usize) -> (Vec<usize>, Vec<bool>) {
        let columns = self.rows.iter().map(|row| row.cells.len()).max().unwrap_or(0);
        let mut widths = vec![0; columns];
        let mut right = vec![false; columns];
        for row in &self.rows {
            for (index, cell) in row.cells.iter().enumerate() {
                widths[index] = widths[index].max(cell.text.chars().count());
                right[index] |= cell.right;
            }
        }
        let before_last: usize = widths.iter().take(columns.saturating_sub(1)).map(|width| width + 2).sum();
        if let Some(last) = widths.last_mut() {
            *last = (*last).min(width.saturating_sub(before_last + 2).max(10));
        }
        (widths, right)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_separators() {
        let numbers = [0, 999, 1000, 172_431, -1_234_567].map(number);
        assert_eq!(numbers, ["0", "999", "1,000", "172,431", "-1,234,567"]);
        assert_eq!((count(1, "event"), count(2000, "event")), ("1 event".into(), "2,000 events".into()));
        assert_eq!([0.5, 12.34, 1234.5].map(rate), ["0.50/s", "12.3/s", "1,235/s"]);
    }

    #[test]
    fn times_are_formatted() {
        let now: Timestamp = "2026-03-02T14:06:11Z".parse().unwrap();
        let at = now - std::time::Duration::from_secs(240);
        assert_eq!(time(now, at), "2026-03-02 14:02:11 UTC (4 min ago)");
        assert_eq!(relative(at, now), "in 4 min");
        assert_eq!(relative(now, now), "now");
    }

    #[test]
    fn untrusted_text_cannot_control_the_terminal() {
        assert_eq!(clean("a\u{1b}[31mb\u{9b}2J"), "a\u{fffd}[31mb\u{fffd}2J");
        assert_eq!(clean("a\u{202e}b\u{2066}c"), "a\u{fffd}b\u{fffd}c");
        assert_eq!(Cell::text("one\ntwo").text, "one two");
        let json = "{\n  \"a\": \"\u{7f}\u{9b}2J\u{202e}é\"\n}";
        let escaped = escaped_in_json(json);
        assert_eq!(escaped, "{\n  \"a\": \"\\u007f\\u009b2J\\u202eé\"\n}");
        let [before, after] =
            [json, &escaped].map(|json| serde_json::from_str::<serde_json::Value>(json).unwrap());
        assert_eq!(before, after);
    }

    #[test]
    fn long_values_wrap_and_last_columns_are_cut() {
        assert_eq!(wrap("aa bb cc", 5), ["aa bb", "cc"]);
        assert_eq!(wrap("abcdefgh", 3), ["abc", "def", "gh"]);
        assert_eq!(wrap("a b\n\nc", 10), ["a b", "", "c"]);
        let mut table = Table::with_header(&["count", "reason"]);
        table.row(vec![Cell::number(1200), Cell::text("x".repeat(200))]);
        let text = anstream::adapter::strip_str(&table.render(40)).to_string();
        assert!(text.lines().all(|line| line.chars().count() <= 40), "{text}");
        assert!(text.ends_with("xxx…\n"), "{text}");
        let mut table = Table::default().wrapping();
        table.row_with_note(vec![Cell::text("a"), Cell::text("one two three four")], "note");
        assert_eq!(table.render(15), "  a  one two\n     three four\n      note\n");
    }
}
