//! Rules from files, and the rules that a pipeline evaluates.

use crate::answer::CommandError;
use crate::target::{Place, Target};
use spillway_alerts::rules::{LoadError, read_folder};
use spillway_alerts::{Limits, RuleSet};
use spillway_core::Pipeline;
use spillway_core::ports::Clock;
use spillway_embedded::alarms::{ActiveRules, AlarmLog};
use spillway_embedded::telemetry::TelemetryReader;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A pipeline on this machine.
pub struct Source {
    /// Its ports.
    pub pipeline: Pipeline,
    /// Its alarm log, with the alarms' states.
    pub log: Arc<AlarmLog>,
    /// The rules and settings with which its alarms are evaluated.
    pub active: ActiveRules,
    /// Its recorded datapoints.
    pub reader: TelemetryReader,
}

impl Source {
    /// The pipeline on this machine that the command line names, if it names one.
    pub async fn of(target: &Target) -> anyhow::Result<Option<Self>> {
        if target.is_empty() {
            return Ok(None);
        }
        // The rules of a deployment are evaluated by CloudWatch, which also has their states.
        let Place::Embedded(folder) = target.place()? else { return Ok(None) };
        let unreachable = |error: &dyn std::fmt::Display| CommandError::Unreachable(error.to_string());
        let attached = spillway_embedded::Pipeline::attach(folder).await;
        let (pipeline, local) = attached.map_err(|error| unreachable(&error))?;
        let active = ActiveRules::of(&pipeline, &local.alarms).await.map_err(|error| unreachable(&error))?;
        Ok(Some(Self { pipeline, log: local.alarms, active, reader: TelemetryReader::new(folder) }))
    }

    /// The time.
    pub fn clock(&self) -> Arc<dyn Clock> {
        Arc::clone(&self.pipeline.clock)
    }

    /// The limits of this pipeline that thresholds are shares of.
    pub fn limits(&self) -> anyhow::Result<Limits> {
        Ok(self.active.settings.limits(&self.pipeline.settings)?)
    }
}

/// Limits from a file, or the built-in ones.
pub fn limits(file: Option<&Path>) -> anyhow::Result<Limits> {
    let limits = file.map_or_else(Limits::built_in, Limits::load);
    Ok(limits.map_err(|error| CommandError::Usage(error.to_string()))?)
}

/// The rules in files and folders. The error of a malformed rule names the file, the line and what was expected.
pub fn rules(paths: &[PathBuf], limits: &Limits) -> anyhow::Result<RuleSet> {
    let mut files = Vec::new();
    for path in paths {
        if path.is_dir() {
            files.extend(read_folder(path).map_err(usage)?);
            continue;
        }
        let text = std::fs::read_to_string(path)
            .map_err(|source| usage(LoadError::Read { path: path.clone(), source }))?;
        files.push((path.display().to_string(), text));
    }
    let files: Vec<_> = files.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    RuleSet::parse(&files, limits).map_err(usage)
}

/// Refuses a file or a folder that the command line names and nobody can read.
pub fn readable(path: &Path) -> Result<(), CommandError> {
    let read = match path.metadata() {
        Ok(found) if found.is_dir() => path.read_dir().map(drop),
        Ok(_) => std::fs::File::open(path).map(drop),
        Err(error) => Err(error),
    };
    read.map_err(|error| CommandError::Usage(format!("{} could not be read: {error}", path.display())))
}

fn usage(error: LoadError) -> anyhow::Error {
    let text = match &error {
        LoadError::Invalid { problems } if problems.len() > 1 => {
            format!("{} problems in the rules:\n{error}", problems.len())
        }
        LoadError::Read { source, .. } => format!("{error}: {source}"),
        _ => error.to_string(),
    };
    CommandError::Usage(text).into()
}
