//! Limits of a deployment that thresholds are shares of.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

const BUILT_IN: &str = include_str!("../../limits.yaml");

/// Limits by key, such as `functions.consumer.timeout_ms`. A rule with `limit:` has its threshold as a share of one, so
/// that one rule file is right for every deployment.
#[derive(Clone, Debug, Default, PartialEq)]
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
        serde_yaml_ng::from_str(text)
            .map(Self)
            .map_err(|error| LimitsError::Malformed { file: file.to_owned(), problem: error.to_string() })
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

    /// The limit called `key`.
    pub fn get(&self, key: &str) -> Option<f64> {
        self.0.get(key).copied()
    }

    /// All keys, sorted.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}
