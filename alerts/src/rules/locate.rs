//! Finds the line of a field, which a YAML parser knows only while it parses.
//!
//! The rule files are written in block style. In another style only precision is lost: the line is then that of the
//! nearest enclosing item that was found.

use std::collections::HashMap;

/// Lines of all rules of one file.
pub(crate) struct Lines {
    rules: Vec<RuleLines>,
}

struct RuleLines {
    start: usize,
    fields: HashMap<String, usize>,
    metrics: Vec<usize>,
}

impl Lines {
    /// Lines of the items of the top-level list called `list`, which is `rules` or `scenarios`.
    pub(crate) fn of(text: &str, list: &str) -> Self {
        let mut rules: Vec<RuleLines> = Vec::new();
        let mut inside = false;
        let mut item_indent = None;
        let mut field = String::new();
        for (index, line) in text.lines().enumerate() {
            let number = index + 1;
            let content = line.trim_start();
            if content.is_empty() || content.starts_with('#') {
                continue;
            }
            let indent = line.len() - content.len();
            if !inside {
                inside = indent == 0 && content.strip_prefix(list).is_some_and(|rest| rest.starts_with(':'));
                continue;
            }
            let item = *item_indent.get_or_insert(indent);
            if indent == item && content.starts_with('-') {
                rules.push(RuleLines { start: number, fields: HashMap::new(), metrics: Vec::new() });
            }
            let Some(rule) = rules.last_mut() else { continue };
            let (indent, content) = match content.strip_prefix("- ") {
                Some(rest) if indent == item => (item + 2, rest.trim_start()),
                _ => (indent, content),
            };
            if indent == item + 2 && !content.starts_with('-') {
                field = content.split(':').next().unwrap_or_default().to_owned();
                rule.fields.entry(field.clone()).or_insert(number);
            } else if field == "metrics" && content.starts_with("- id:") {
                rule.metrics.push(number);
            }
        }
        Self { rules }
    }

    /// How many items were found.
    pub(crate) fn count(&self) -> usize {
        self.rules.len()
    }

    /// `text`, of which these are the lines, with those of item number `item` empty. All others keep their numbers.
    pub(crate) fn without(&self, text: &str, item: usize) -> String {
        let first = self.rule(item);
        let next = self.rules.get(item + 1).map(|next| next.start);
        let mut ended = false;
        let mut kept = String::with_capacity(text.len());
        for (index, line) in text.split_inclusive('\n').enumerate() {
            let number = index + 1;
            // Behind the last item, a field of the file may follow.
            let of_the_file = number > first && !line.starts_with([' ', '#', '-', '\n', '\r']);
            ended = ended || next.is_some_and(|next| number >= next) || of_the_file;
            if number < first || ended {
                kept.push_str(line);
            } else {
                kept.push('\n');
            }
        }
        kept
    }

    /// Line where rule number `rule` begins.
    pub(crate) fn rule(&self, rule: usize) -> usize {
        self.rules.get(rule).map_or(1, |lines| lines.start)
    }

    /// Line of one of its fields; where the field is left out, of the rule.
    pub(crate) fn field(&self, rule: usize, field: &str) -> usize {
        let found = self.rules.get(rule).and_then(|lines| lines.fields.get(field).copied());
        found.unwrap_or_else(|| self.rule(rule))
    }

    /// Line of one of its metrics.
    pub(crate) fn metric(&self, rule: usize, metric: usize) -> usize {
        let found = self.rules.get(rule).and_then(|lines| lines.metrics.get(metric).copied());
        found.unwrap_or_else(|| self.field(rule, "metrics"))
    }
}
