//! The settings of alarms: rules, limits, names, business hours.

use serde::{Deserialize, Serialize};
use spillway_alerts::hours::{BusinessHours, HoursConfig, HoursError};
use spillway_alerts::rules::{LimitsError, LoadError};
use spillway_alerts::{Limits, RuleSet};
use spillway_core::settings::PipelineSettings;
use std::path::Path;

/// Settings of the alarms, with the names and defaults of Terraform's variables.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AlarmSettings {
    /// When low alarms notify.
    pub business_hours: HoursConfig,
    /// Requests in five minutes that are expected at any hour. 0 switches off the alarms on too few requests:
    /// an idle system on one machine is not a fault.
    pub expected_requests_per_5_minutes: f64,
}

impl Default for AlarmSettings {
    fn default() -> Self {
        let time = |hour| jiff::civil::time(hour, 0, 0, 0);
        let business_hours = HoursConfig {
            zone: "UTC".to_owned(),
            days: ["monday", "tuesday", "wednesday", "thursday", "friday"].map(str::to_owned).to_vec(),
            open: time(9),
            close: time(17),
            holidays: Vec::new(),
        };
        Self { business_hours, expected_requests_per_5_minutes: 0.0 }
    }
}

/// Settings of the alarms can't be used.
#[derive(Debug, thiserror::Error)]
pub enum AlarmSettingsError {
    /// The file could not be read.
    #[error("{path} could not be read: {source}")]
    Read {
        /// Which file.
        path: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// It is no JSON, or has a field that is not known.
    #[error("{path}: {source}")]
    Malformed {
        /// Which file.
        path: String,
        /// What is wrong, with line and column.
        #[source]
        source: serde_json::Error,
    },
    /// The business hours are invalid.
    #[error("business_hours: {0}")]
    Hours(#[from] HoursError),
    /// A number is out of range.
    #[error("{0}")]
    Number(&'static str),
}

impl AlarmSettings {
    /// Reads a JSON file and checks its settings. Settings that it leaves out have their defaults.
    pub fn load(path: &Path) -> Result<Self, AlarmSettingsError> {
        let shown = path.display().to_string();
        let text = std::fs::read_to_string(path)
            .map_err(|source| AlarmSettingsError::Read { path: shown.clone(), source })?;
        let settings: Self = serde_json::from_str(&text)
            .map_err(|source| AlarmSettingsError::Malformed { path: shown, source })?;
        settings.check()?;
        Ok(settings)
    }

    /// Checks the values; returns the business hours.
    ///
    /// # Errors
    /// [`AlarmSettingsError::Hours`] or [`AlarmSettingsError::Number`].
    pub fn check(&self) -> Result<BusinessHours, AlarmSettingsError> {
        if !(self.expected_requests_per_5_minutes >= 0.0 && self.expected_requests_per_5_minutes.is_finite())
        {
            return Err(AlarmSettingsError::Number("expected_requests_per_5_minutes must be 0 or more"));
        }
        Ok(BusinessHours::new(&self.business_hours)?)
    }

    /// The limits that thresholds are shares of, for a pipeline with these settings.
    ///
    /// # Errors
    /// The built-in list of limits can't be read, which its tests rule out.
    pub fn limits(&self, pipeline: &PipelineSettings) -> Result<Limits, LimitsError> {
        let mut limits = Limits::built_in()?;
        let timeout = f64::from(pipeline.function_timeout_s) * 1000.0;
        limits.set("api.requests_per_minute", pipeline.api_rate_per_s * 60.0);
        limits.set("api.expected_requests_per_5_minutes", self.expected_requests_per_5_minutes);
        limits.set("functions.consumer.timeout_ms", timeout);
        limits.set("functions.archiver.timeout_ms", timeout);
        limits.set("functions.consumer.concurrency", pipeline.consumer_concurrency as f64);
        limits.set("functions.archiver.concurrency", pipeline.archiver_concurrency as f64);
        limits.set("queues.primary.max_receive_count", f64::from(pipeline.max_receive_count));
        limits.set("queues.dlq.retention_s", f64::from(pipeline.retention_s));
        Ok(limits)
    }
}

/// Rule files as they were read, so that other processes see the active rules.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RuleFiles {
    /// Name and text of each file; `None`: the rules that are built in.
    files: Option<Vec<(String, String)>>,
}

impl RuleFiles {
    /// The rules that are built in.
    pub fn built_in() -> Self {
        Self::default()
    }

    /// The rules of a folder, in place of those that are built in. They are checked against these limits.
    ///
    /// # Errors
    /// The folder can't be read, or a rule is malformed: every problem with file, line and what was expected.
    pub fn load(folder: &Path, limits: &Limits) -> Result<Self, LoadError> {
        let files = spillway_alerts::rules::read_folder(folder)?;
        let files = Self { files: Some(files) };
        files.rules(limits)?;
        Ok(files)
    }

    /// The rules with their thresholds for these limits.
    ///
    /// # Errors
    /// A rule is malformed.
    pub fn rules(&self, limits: &Limits) -> Result<RuleSet, LoadError> {
        let Some(files) = &self.files else { return RuleSet::built_in(limits) };
        let files: Vec<_> = files.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
        RuleSet::parse(&files, limits)
    }
}
