//! The document that Terraform wrote. The function reads the compiled rules that became alarms from it.

use serde::Deserialize;
use spillway_alerts::hours::{BusinessHours, HoursConfig, HoursError};
use spillway_alerts::rules::{CompiledError, Condition};
use spillway_alerts::{Limits, Resources, Rule, RuleName, RuleSet, Tier};
use std::collections::BTreeMap;

/// The document as Terraform writes it.
#[derive(Debug, Deserialize)]
struct Document {
    deployment: String,
    /// What `spillway alarms compile` wrote, as text: its hash is over the text.
    rules: String,
    limits: Limits,
    resources: Resources,
    /// Alarm by rule; budget rules have none.
    alarms: BTreeMap<RuleName, String>,
    business_hours: Option<HoursConfig>,
    dashboard_url: Option<String>,
}

/// The document cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum WatchError {
    /// It is not such a document.
    #[error("the description of the alarms could not be read; apply Terraform again")]
    Json(#[from] serde_json::Error),
    /// The rules are not those of this version's compiler.
    #[error(transparent)]
    Rules(#[from] CompiledError),
    /// The business hours are invalid.
    #[error("the business hours could not be read: {0}")]
    Hours(#[from] HoursError),
}

/// The rules of this deployment, and when low ones notify.
#[derive(Clone, Debug)]
pub struct Watch {
    /// Name of the deployment.
    pub deployment: String,
    /// The rules, with this deployment's thresholds.
    pub rules: RuleSet,
    /// Names of the resources that they watch.
    pub resources: Resources,
    /// When low alarms notify; `None` if at any hour.
    pub hours: Option<BusinessHours>,
    /// Address of the dashboard, without a slash at its end.
    pub dashboard_url: Option<String>,
    by_alarm: BTreeMap<String, RuleName>,
}

impl Watch {
    /// Reads the document.
    ///
    /// # Errors
    /// [`WatchError`] if it is not one, or its rules or hours are wrong.
    pub fn parse(json: &[u8]) -> Result<Self, WatchError> {
        let document: Document = serde_json::from_slice(json)?;
        let rules = RuleSet::compiled(&document.rules, &document.limits)?;
        let hours = document.business_hours.as_ref().map(BusinessHours::new).transpose()?;
        let by_alarm = document.alarms.into_iter().map(|(rule, alarm)| (alarm, rule)).collect();
        Ok(Self {
            deployment: document.deployment,
            rules,
            resources: document.resources,
            hours,
            dashboard_url: document.dashboard_url,
            by_alarm,
        })
    }

    /// The rule behind an alarm, if it is a low one that notifies.
    pub fn notifying_low(&self, alarm: &str) -> Option<&Rule> {
        let rule = self.rules.get(self.by_alarm.get(alarm)?.as_str())?;
        (rule.tier == Tier::Low && rule.notify).then_some(rule)
    }

    /// The alarms of all such rules.
    pub fn notifying_low_alarms(&self) -> Vec<String> {
        self.by_alarm.keys().filter(|alarm| self.notifying_low(alarm).is_some()).cloned().collect()
    }

    /// Whether a rule has numbers that can be drawn.
    pub(crate) fn has_numbers(rule: &Rule) -> bool {
        matches!(rule.condition, Condition::Metric(_))
    }
}
