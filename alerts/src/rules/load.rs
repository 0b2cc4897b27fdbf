//! From files to a checked set of rules.

use super::items::{self, Items};
use super::raw::RawFile;
use super::validate::{self, Problem};
use super::{Condition, Limits, Rule, RuleName};
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// Every file of `alerts/rules`, listed by `build.rs`, in the order of their names.
const BUILT_IN: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/rules.in"));

/// The rules cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// A file or folder could not be read.
    #[error("{} could not be read", path.display())]
    Read {
        /// Which one.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The folder has no `*.yaml` file.
    #[error("{} has no rule files; expected at least one *.yaml", path.display())]
    Empty {
        /// Which folder.
        path: PathBuf,
    },
    /// Rules are malformed: every problem, one a line, each with file, line and what was expected.
    #[error("{}", list(problems))]
    Invalid {
        /// All that was found.
        problems: Vec<Problem>,
    },
}

fn list(problems: &[Problem]) -> String {
    problems.iter().map(Problem::to_string).collect::<Vec<_>>().join("\n")
}

/// Name and text of every `*.yaml` of a folder, in the order of their names.
///
/// # Errors
/// The folder or a file can't be read, or there is no such file.
pub fn read_folder(folder: &Path) -> Result<Vec<(String, String)>, LoadError> {
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source| LoadError::Read { path, source }
    };
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(failed(folder))? {
        let path = entry.map_err(failed(folder))?.path();
        if path.extension().is_some_and(|extension| extension == "yaml") {
            paths.push(path);
        }
    }
    paths.sort();
    if paths.is_empty() {
        return Err(LoadError::Empty { path: folder.to_owned() });
    }
    let mut files = Vec::new();
    for path in &paths {
        let text = std::fs::read_to_string(path).map_err(failed(path))?;
        files.push((path.display().to_string(), text));
    }
    Ok(files)
}

/// Rules that fit together: names are unique, twins and the parts of composites exist.
#[derive(Clone, Debug, PartialEq)]
pub struct RuleSet {
    rules: Vec<Rule>,
    by_name: HashMap<RuleName, usize>,
}

impl RuleSet {
    /// The project's own rules, as they were when this was built.
    pub fn built_in(limits: &Limits) -> Result<Self, LoadError> {
        Self::parse(BUILT_IN, limits)
    }

    /// Reads every `*.yaml` of a folder, in the order of their names.
    pub fn load(folder: &Path, limits: &Limits) -> Result<Self, LoadError> {
        let files = read_folder(folder)?;
        let files: Vec<(&str, &str)> =
            files.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
        Self::parse(&files, limits)
    }

    /// Reads rule files given as name and text. Every problem of every file is reported, not only the first.
    pub fn parse(files: &[(&str, &str)], limits: &Limits) -> Result<Self, LoadError> {
        let mut rules = Vec::new();
        let mut problems = Vec::new();
        for (file, text) in files {
            let Items { file: readable, lines, problems: unreadable } =
                items::read::<RawFile>(file, text, "rules");
            problems.extend(unreadable);
            if let Some(raw) = readable {
                validate::file(file, &lines, raw, limits, &mut rules, &mut problems);
            }
        }
        validate::check_between(&rules, problems.is_empty(), &mut problems);
        if problems.is_empty() {
            return Ok(Self::assemble(rules));
        }
        problems.sort_by(|a, b| (&a.file, a.line).cmp(&(&b.file, b.line)));
        Err(LoadError::Invalid { problems })
    }

    pub(super) fn assemble(rules: Vec<Rule>) -> Self {
        let by_name = rules.iter().enumerate().map(|(index, rule)| (rule.name.clone(), index)).collect();
        Self { rules, by_name }
    }

    /// All rules, in the order of the files.
    pub fn iter(&self) -> std::slice::Iter<'_, Rule> {
        self.rules.iter()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.rules.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// The rule called `name`.
    pub fn get(&self, name: &str) -> Option<&Rule> {
        self.index(&RuleName::new(name)).map(|index| &self.rules[index])
    }

    pub(crate) fn index(&self, name: &RuleName) -> Option<usize> {
        self.by_name.get(name).copied()
    }

    /// Indices such that the parts of every composite come before it.
    pub(crate) fn in_order(&self) -> Vec<usize> {
        let mut order = Vec::with_capacity(self.rules.len());
        let mut placed = vec![false; self.rules.len()];
        // Cycles were refused, so each round places at least one of those that are left.
        while order.len() < self.rules.len() {
            let before = order.len();
            for (index, rule) in self.rules.iter().enumerate() {
                let ready = match &rule.condition {
                    Condition::Metric(_) => true,
                    Condition::Composite(composite) => composite
                        .rule
                        .names()
                        .iter()
                        .all(|name| self.index(&RuleName::new(*name)).is_none_or(|part| placed[part])),
                };
                if ready && !placed[index] {
                    placed[index] = true;
                    order.push(index);
                }
            }
            if order.len() == before {
                break;
            }
        }
        order
    }

    /// The same set with one rule replaced or added, for trying out a variant.
    pub(crate) fn with(&self, rule: Rule) -> Self {
        let mut rules = self.rules.clone();
        match self.index(&rule.name) {
            Some(index) => rules[index] = rule,
            None => rules.push(rule),
        }
        Self::assemble(rules)
    }

    /// A set without any rules, for scenarios that bring their own.
    pub fn empty() -> Self {
        Self::assemble(Vec::new())
    }
}

impl<'a> IntoIterator for &'a RuleSet {
    type Item = &'a Rule;
    type IntoIter = std::slice::Iter<'a, Rule>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}
