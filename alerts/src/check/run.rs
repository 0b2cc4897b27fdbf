//! Runs scenario files against rules.

use super::lint;
use super::report::{Difference, Outcome, Report};
use super::scenario::{Scenario, ScenarioError, parse_scenarios};
use crate::evaluate::Timeline;
use crate::rules::{Condition, Limits, LoadError, Problem, RuleSet};
use std::path::{Path, PathBuf};

/// The project's own scenarios, listed by `build.rs`.
const SCENARIOS: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/scenarios.in"));

/// Checks the rule and scenario files among `paths` (folders are searched) with the default limits.
pub fn run(paths: &[PathBuf]) -> Report {
    Check::default().run(paths)
}

/// Checks the project's own rules, scenarios and runbooks, as they were when this was built.
pub fn built_in() -> Report {
    let mut report = Report::default();
    let check = Check::default();
    let Some(limits) = check.usable_limits(&mut report) else { return report };
    let rules = RuleSet::built_in(&limits);
    let exists = |name: &str| crate::runbooks::page(name).is_some();
    check_rules(rules, SCENARIOS, &limits, true, Some(&exists), report)
}

/// What to check with.
#[derive(Clone, Debug, Default)]
pub struct Check {
    limits: Option<Limits>,
    runbooks: Option<PathBuf>,
}

impl Check {
    /// Uses the limits of a deployment instead of the defaults.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = Some(limits);
        self
    }

    /// Also checks that each rule's runbook is in this folder.
    pub fn runbooks(mut self, folder: impl Into<PathBuf>) -> Self {
        self.runbooks = Some(folder.into());
        self
    }

    /// Checks the rule and scenario files among `paths`; folders are searched for `*.yaml`.
    ///
    /// Without a rule file among them the scenarios run against the built-in rules, and those are not linted.
    pub fn run(&self, paths: &[PathBuf]) -> Report {
        let mut report = Report::default();
        let Some(limits) = self.usable_limits(&mut report) else { return report };
        let (rule_files, scenario_files) = sort(paths, &mut report);
        if rule_files.is_empty() && scenario_files.is_empty() {
            if report.problems.is_empty() {
                let named: Vec<String> = paths.iter().map(|path| path.display().to_string()).collect();
                let message =
                    "no rule and no scenario was found, so nothing was checked; expected *.yaml files";
                report.problems.push(unplaced(&named.join(", "), message.to_owned()));
            }
            return report;
        }
        let own_rules = !rule_files.is_empty();
        let rules = if own_rules {
            let files: Vec<(&str, &str)> = rule_files.iter().map(|(f, t)| (f.as_str(), t.as_str())).collect();
            RuleSet::parse(&files, &limits)
        } else {
            RuleSet::built_in(&limits)
        };
        let scenarios: Vec<(&str, &str)> =
            scenario_files.iter().map(|(f, t)| (f.as_str(), t.as_str())).collect();
        let folder = self.runbooks.as_deref();
        let in_folder = |name: &str| folder.is_some_and(|folder| folder.join(format!("{name}.md")).is_file());
        let exists: Option<&dyn Fn(&str) -> bool> = if folder.is_some() { Some(&in_folder) } else { None };
        check_rules(rules, &scenarios, &limits, own_rules, exists, report)
    }

    fn usable_limits(&self, report: &mut Report) -> Option<Limits> {
        match self.limits.clone().map_or_else(Limits::built_in, Ok) {
            Ok(limits) => Some(limits),
            Err(error) => {
                report.problems.push(unplaced("limits.yaml", error.to_string()));
                None
            }
        }
    }
}

/// Runs the scenarios and, if the rules are what is being checked, lints them.
fn check_rules(
    rules: Result<RuleSet, LoadError>,
    scenario_files: &[(&str, &str)],
    limits: &Limits,
    linted: bool,
    runbooks: Option<&dyn Fn(&str) -> bool>,
    mut report: Report,
) -> Report {
    let rules = match rules {
        Ok(rules) => rules,
        Err(LoadError::Invalid { problems }) => {
            report.problems.extend(problems);
            return report;
        }
        Err(other) => {
            report.problems.push(unplaced("rules", other.to_string()));
            return report;
        }
    };
    let mut scenarios = Vec::new();
    for (file, text) in scenario_files {
        match parse_scenarios(file, text, limits) {
            Ok(read) => scenarios.extend(read),
            Err(problems) => report.problems.extend(problems),
        }
    }
    report.rules = rules.len();
    for scenario in &scenarios {
        match outcome(scenario, &rules) {
            Ok(outcome) => report.outcomes.push(outcome),
            Err(ScenarioError(problem)) => report.problems.push(problem),
        }
    }
    if linted {
        report.lints = lint::lint(&rules, &scenarios, runbooks);
    }
    report
}

fn unplaced(file: &str, message: String) -> Problem {
    Problem { file: file.to_owned(), line: 1, rule: None, message }
}

/// Names and texts of rule files and of scenario files.
type Files = Vec<(String, String)>;

fn sort(paths: &[PathBuf], report: &mut Report) -> (Files, Files) {
    let mut rules = Files::new();
    let mut scenarios = Files::new();
    for path in paths {
        for path in files_of(path, report) {
            let file = path.display().to_string();
            let text = match std::fs::read_to_string(&path) {
                Ok(text) => text,
                Err(error) => {
                    report.problems.push(unplaced(&file, format!("could not be read: {error}")));
                    continue;
                }
            };
            let has = |key: &str| text.lines().any(|line| line.starts_with(key));
            if has("rules:") {
                rules.push((file, text));
            } else if has("scenarios:") {
                scenarios.push((file, text));
            } else {
                let message = "expected a list `rules:` or a list `scenarios:` at the top level";
                report.problems.push(unplaced(&file, message.to_owned()));
            }
        }
    }
    (rules, scenarios)
}

fn files_of(path: &Path, report: &mut Report) -> Vec<PathBuf> {
    if !path.is_dir() {
        return vec![path.to_owned()];
    }
    let mut found = Vec::new();
    match std::fs::read_dir(path) {
        Ok(entries) => {
            for entry in entries.flatten().map(|entry| entry.path()) {
                if entry.is_dir() {
                    found.extend(files_of(&entry, report));
                } else if entry.extension().is_some_and(|extension| extension == "yaml") {
                    found.push(entry);
                } else if entry.extension().is_some_and(|extension| extension == "yml") {
                    let message = "only *.yaml is read; rename it to .yaml".to_owned();
                    report.problems.push(unplaced(&entry.display().to_string(), message));
                }
            }
        }
        Err(error) => {
            let file = path.display().to_string();
            report.problems.push(unplaced(&file, format!("could not be read: {error}")));
        }
    }
    found.sort();
    found
}

/// The set in which the scenario's rule is found: with its own rule added, if it brings one.
pub(crate) fn rules_for<'a>(scenario: &Scenario, rules: &'a RuleSet) -> std::borrow::Cow<'a, RuleSet> {
    match &scenario.inline {
        Some(rule) => std::borrow::Cow::Owned(rules.with(rule.clone())),
        None => std::borrow::Cow::Borrowed(rules),
    }
}

pub(crate) fn outcome(scenario: &Scenario, rules: &RuleSet) -> Result<Outcome, ScenarioError> {
    let rules = rules_for(scenario, rules);
    let history = scenario.history(&rules)?;
    let timeline = scenario.play(&scenario.rule, &rules, &history)?;
    let condition = match rules.get(scenario.rule.as_str()).map(|rule| &rule.condition) {
        Some(Condition::Metric(condition)) => condition.describe(),
        Some(Condition::Composite(composite)) => composite.text.clone(),
        None => String::new(),
    };
    Ok(Outcome {
        scenario: scenario.name.clone(),
        place: scenario.place(),
        rule: scenario.rule.to_string(),
        condition,
        differences: differences(scenario, &timeline),
        found: found(scenario, &timeline),
    })
}

fn differences(scenario: &Scenario, timeline: &Timeline) -> Vec<Difference> {
    let mut differences: Vec<Difference> = Vec::new();
    for index in 0..scenario.len() {
        let Some(expected) = scenario.expected(index) else { continue };
        let found = timeline.state_at(scenario.moment(index));
        if found == expected {
            continue;
        }
        match differences.last_mut() {
            Some(open) if open.last + 1 == index && open.expected == expected && open.found == found => {
                open.last = index;
            }
            _ => differences.push(Difference { first: index, last: index, expected, found }),
        }
    }
    differences
}

fn found(scenario: &Scenario, timeline: &Timeline) -> String {
    let mut parts: Vec<String> = Vec::new();
    let mut last = None;
    for index in 0..scenario.len() {
        let state = timeline.state_at(scenario.moment(index));
        if last != Some(state) {
            parts.push(format!("{index}: {state}"));
            last = Some(state);
        }
    }
    parts.join(", ")
}
