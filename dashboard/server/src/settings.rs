//! The command line.

use spillway_embedded::alarms::WebhookUrl;
use std::path::{Path, PathBuf};

/// Run the whole pipeline on this machine, with its HTTP API and its dashboard, until Ctrl-C; or, with --topology, only the
/// dashboard of a deployment in AWS.
#[derive(Clone, Debug, clap::Parser)]
#[command(name = "spillway-dashboard", version)]
pub struct Settings {
    /// Folder with the data; it is made if it isn't there
    #[arg(long, value_name = "DIR", required_unless_present = "topology")]
    pub embedded: Option<PathBuf>,

    /// Only the dashboard, for a deployment in AWS: the file that "terraform output -json topology" makes. Credentials come
    /// from where AWS's own tools look for them
    #[arg(
        long,
        value_name = "FILE",
        conflicts_with_all =
            ["embedded", "attach", "api_port", "fresh", "demo_history", "demo_traffic", "schemas", "speed", "AlarmOptions"]
    )]
    pub topology: Option<PathBuf>,

    /// Only the dashboard, for a pipeline that another process runs on the folder
    #[arg(long, conflicts_with_all = ["fresh", "demo_history", "demo_traffic", "schemas", "speed", "AlarmOptions"])]
    pub attach: bool,

    /// Loopback port of the HTTP API
    #[arg(long, value_name = "PORT", default_value_t = 8080)]
    pub api_port: u16,

    /// Loopback port of the dashboard
    #[arg(long, value_name = "PORT", default_value_t = 3000)]
    pub dashboard_port: u16,

    /// Folder with a JSON Schema for each event type that has one, as TYPE.json [default: DIR/schemas]
    #[arg(long, value_name = "DIR")]
    pub schemas: Option<PathBuf>,

    /// Folder with the browser's part of the dashboard, as `cargo xtask wasm` makes it. Without it pages do not refresh
    /// themselves.
    #[arg(long, value_name = "DIR")]
    pub site: Option<PathBuf>,

    /// Delete the folder's data first
    #[arg(long)]
    pub fresh: bool,

    /// Fill an empty folder with a made-up day of history
    #[arg(long)]
    pub demo_history: bool,

    /// Send made-up events all the time
    #[arg(long)]
    pub demo_traffic: bool,

    /// For tests and demonstrations: time passes so many times as fast. The folder must be empty, or be emptied with
    /// --fresh, as its times run ahead of everybody else's
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=600), hide = true)]
    pub speed: u32,

    /// How alarms are evaluated, and who is told
    #[command(flatten)]
    pub alarms: AlarmOptions,
}

impl Settings {
    /// The data folder. Who named none has named a topology, and is not asked for it.
    pub fn folder(&self) -> &Path {
        self.embedded.as_deref().unwrap_or(Path::new("."))
    }
}

/// How alarms are evaluated, and who is told.
#[derive(Clone, Debug, clap::Args)]
pub struct AlarmOptions {
    /// Where what alarms tell is posted as JSON: https, or http on a loopback address. It may hold a secret; in the
    /// environment it does not show in the list of processes
    #[arg(long, value_name = "URL", env = "SPILLWAY_ALARM_WEBHOOK", hide_env_values = true)]
    pub alarm_webhook: Option<WebhookUrl>,

    /// Folder with alarm rules, in place of those that are built in
    #[arg(long, value_name = "DIR")]
    pub alarm_rules: Option<PathBuf>,

    /// JSON file with business_hours and expected_requests_per_5_minutes
    #[arg(long, value_name = "FILE")]
    pub alarm_settings: Option<PathBuf>,

    /// What the pipeline's usage may cost a month at AWS's prices, in US dollars
    #[arg(long, value_name = "USD", default_value_t = 50.0, value_parser = above_zero)]
    pub monthly_budget_usd: f64,
}

fn above_zero(text: &str) -> Result<f64, String> {
    let number = text.parse().ok().filter(|number: &f64| number.is_finite() && *number > 0.0);
    number.ok_or_else(|| "expected a number above 0".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser as _;

    fn parse(line: &str) -> Result<Settings, clap::Error> {
        Settings::try_parse_from(["spillway-dashboard"].into_iter().chain(line.split_whitespace()))
    }

    #[test]
    fn there_is_one_pipeline_and_it_is_named() {
        assert_eq!(parse("--embedded d").unwrap().folder(), Path::new("d"));
        assert_eq!(parse("--topology t.json").unwrap().topology.as_deref(), Some(Path::new("t.json")));
        for wrong in ["", "--embedded d --topology t.json", "--topology t.json --demo-traffic"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}
