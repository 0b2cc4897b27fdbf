//! How the system evaluates alarms, and where it sends notifications.

use crate::answer::CommandError;
use anyhow::Result;
use spillway_core::one_line;
use spillway_core::settings::PipelineSettings;
use spillway_embedded::alarms::{AlarmSettings, RuleFiles, WatchOptions, Webhook, WebhookUrl};
use std::path::PathBuf;

/// How alarms are evaluated, and where notifications are sent.
#[derive(Clone, Debug, clap::Args)]
pub struct AlarmOptions {
    /// Address to which alarm notifications are posted as JSON: https, or http on a loopback address. It may contain a
    /// secret: set it in the environment to keep it out of the process list
    #[arg(long, value_name = "URL", env = "SPILLWAY_ALARM_WEBHOOK", hide_env_values = true)]
    alarm_webhook: Option<WebhookUrl>,

    /// Folder with alarm rules, instead of the built-in ones
    #[arg(long, value_name = "DIR")]
    alarm_rules: Option<PathBuf>,

    /// JSON file with business_hours and expected_requests_per_5_minutes
    #[arg(long, value_name = "FILE")]
    alarm_settings: Option<PathBuf>,

    /// Maximum monthly cost of the pipeline's usage at AWS's prices, in US dollars
    #[arg(long, value_name = "USD", default_value_t = 50.0, value_parser = above_zero)]
    pub(super) monthly_budget_usd: f64,
}

fn above_zero(text: &str) -> Result<f64, String> {
    let number = text.parse().ok().filter(|number: &f64| number.is_finite() && *number > 0.0);
    number.ok_or_else(|| "expected a number above 0".to_owned())
}

/// The alarms that the options describe.
pub struct Alarms {
    /// The options with which the alarms are evaluated.
    pub options: WatchOptions,
    /// Where notifications are sent.
    pub webhook: Option<Webhook>,
}

impl Alarms {
    /// Reads the files that the options name.
    pub fn from_options(options: &AlarmOptions) -> Result<Self> {
        let own = options.alarm_settings.as_deref().map(AlarmSettings::load).transpose();
        let own = own.map_err(|error| wrong("--alarm-settings", &error))?.unwrap_or_default();
        let limits = own.limits(&PipelineSettings::default())?;
        let rules = options.alarm_rules.as_deref().map(|folder| RuleFiles::load(folder, &limits)).transpose();
        let rules = rules.map_err(|error| wrong("--alarm-rules", &error))?.unwrap_or_default();
        let webhook = options.alarm_webhook.clone().map(Webhook::new).transpose()?;
        let has_webhook = webhook.is_some();
        Ok(Self { options: WatchOptions { rules, settings: own, has_webhook, silent: false }, webhook })
    }
}

fn wrong(option: &str, error: &dyn std::error::Error) -> CommandError {
    CommandError::Usage(format!("{option}: {}", one_line(error)))
}
