//! A deployment's alarms, for operators' programs.

use super::Alarms;
use spillway_alerts::Limits;
use spillway_alerts::hours::{BusinessHours, HoursConfig, HoursError};
use spillway_alerts::rules::LimitsError;

/// The topology's business hours can't be used.
#[derive(Debug, thiserror::Error)]
pub enum DeploymentHoursError {
    /// Their form is wrong.
    #[error(transparent)]
    Form(#[from] serde_json::Error),
    /// Their values are invalid.
    #[error(transparent)]
    Values(#[from] HoursError),
}

impl Alarms {
    /// The limits that thresholds are shares of: the built-in ones, replaced by those of this deployment.
    pub fn limits(&self) -> Result<Limits, LimitsError> {
        let mut limits = Limits::built_in()?;
        for (key, value) in &self.limits {
            limits.set(key.as_str(), *value);
        }
        Ok(limits)
    }

    /// When low alarms notify; `None` if at any hour.
    pub fn hours(&self) -> Result<Option<BusinessHours>, DeploymentHoursError> {
        let Some(hours) = self.business_hours.clone() else { return Ok(None) };
        let config: HoursConfig = serde_json::from_value(hours)?;
        Ok(Some(BusinessHours::new(&config)?))
    }
}
