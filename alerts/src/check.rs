//! Tests of rules: scenarios (series in, states out), lints, and mutations that prove that the scenarios are
//! useful.
//!
//! `docs/alarms.md` describes the format of a scenario file.

pub(crate) mod catalogue;
mod lint;
mod misread;
mod mutate;
mod notation;
mod pages;
mod report;
mod run;
mod scenario;
mod unique;

pub use lint::{Lint, LintKind};
pub use mutate::{Mutant, Mutation, mutants, survivors};
pub use notation::{NotationError, parse_series};
pub use pages::unknown_page;
pub use report::{Difference, Outcome, Report};
pub use run::{Check, built_in, run};
pub use scenario::{Scenario, ScenarioError, parse_scenarios};
