//! Limits of a deployment that thresholds are shares of.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

const BUILT_IN: &str = include_str!("../../limits.yaml");

/// Limits by key, such as `functions.consumer.timeout_ms`. A rule with `limit:` has its threshold as a share of one, so
/// that one rule file is right for every deployment.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Limits(BTreeMap<String, f64>);

/// The limits cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum LimitsError {
    /// The file could not be read.
    #[error("{} could not be read", path.display())]
    Read {
        /// Which file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The text is not a list of numbers by key.
    #[error("{file}: expected one `key: number` a line, {problem}")]
    Malformed {
        /// Which file.
        file: String,
        /// What the parser found, with line and column.
        problem: String,
    },
}

impl Limits {
    /// The defaults of a deployment, the same as those of the settings and of Terraform's variables.
    pub fn built_in() -> Result<Self, LimitsError> {
        Self::parse("limits.yaml", BUILT_IN)
    }

    /// Reads one `key: number` a line.
    pub fn parse(file: &str, text: &str) -> Result<Self, LimitsError> {
        let malformed = |problem: String| LimitsError::Malformed { file: file.to_owned(), problem };
        let limits: Self = serde_yaml_ng::from_str(text).map_err(|error| malformed(error.to_string()))?;
        match limits.0.iter().find(|(_, value)| !value.is_finite()) {
            Some((key, value)) => Err(malformed(format!("found {value} for `{key}`"))),
            None => Ok(limits),
        }
    }

    /// Reads a file like `alerts/limits.yaml`.
    pub fn load(path: &Path) -> Result<Self, LimitsError> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| LimitsError::Read { path: path.to_owned(), source })?;
        Self::parse(&path.display().to_string(), &text)
    }

    /// Sets one limit to what a deployment has.
    pub fn set(&mut self, key: impl Into<String>, value: f64) {
        self.0.insert(key.into(), value);
    }

    /// These limits, with `others` in place of those of the same keys.
    pub fn with(mut self, others: &Self) -> Self {
        self.0.extend(others.0.iter().map(|(key, value)| (key.clone(), *value)));
        self
    }

    /// The limit called `key`.
    pub fn get(&self, key: &str) -> Option<f64> {
        self.0.get(key).copied()
    }

    /// All keys, sorted.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}
