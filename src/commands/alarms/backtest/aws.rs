//! A backtest over what CloudWatch has recorded of a deployment.

use super::{Options, Tried, minute, source};
use crate::answer::CommandError;
use crate::backend;
use jiff::SignedDuration;
use jiff::tz::TimeZone;
use spillway_alerts::RuleSet;
use spillway_alerts::backtest::Range;
use spillway_aws::history::CloudWatchHistory;
use spillway_aws::operator::Deployment;
use spillway_aws::topology::Alarms;
use std::path::Path;

/// Tries the rules on the deployment that the topology file names.
pub async fn run(options: &Options, topology: &Path) -> anyhow::Result<Tried> {
    let topology = backend::topology(topology)?;
    let alarms = topology.alarms.clone().unwrap_or_default();
    let limits = alarms.limits()?;
    let rules = match options.rules.is_empty() {
        true => RuleSet::built_in(&limits)?,
        false => source::rules(&options.rules, &limits)?,
    };
    let other = options.other(&limits)?;
    let zone = match &options.zone {
        Some(zone) => zone.clone(),
        None => zone(&alarms)?,
    };
    let deployment = Deployment::attach(topology).await.map_err(unreachable)?;
    let now = deployment.ports.clock.now();
    let from = now - SignedDuration::from_hours(24 * i64::from(options.days));
    let both: Vec<&RuleSet> = std::iter::once(&rules).chain(&other).collect();
    let (client, resources) = (deployment.clients.cloudwatch(), deployment.topology.resources());
    let history = CloudWatchHistory::load(&client, &both, &resources, (minute(from), minute(now)), now);
    let history = history.await.map_err(unreachable)?;
    let Some(first) = history.first_recorded() else {
        let what = "CloudWatch has no datapoints of this deployment in that time: name more --days, or send it events first";
        return Err(unreachable(what).into());
    };
    let range = Range { from: minute(first.max(from)), until: minute(now), zone };
    options.tried(&rules, other.as_ref(), &history, &range)
}

/// The zone of the deployment's business hours.
fn zone(alarms: &Alarms) -> Result<TimeZone, CommandError> {
    let hours = alarms.hours().map_err(|why| {
        CommandError::Unreachable(format!(
            "the topology's business hours are invalid ({why}): name a zone with --zone"
        ))
    })?;
    Ok(hours.map_or(TimeZone::UTC, |hours| hours.zone().clone()))
}

fn unreachable(error: impl std::fmt::Display) -> CommandError {
    CommandError::Unreachable(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_by_the_hour_of_the_deployments_own_zone() {
        let hours = serde_json::json!({"zone": "Europe/Berlin", "days": ["monday"], "open": "09:00", "close": "17:00"});
        let alarms = |hours| Alarms { business_hours: hours, ..Alarms::default() };
        let name = |alarms: Alarms| zone(&alarms).map(|zone| zone.iana_name().map(str::to_owned));
        assert_eq!(name(alarms(Some(hours))).unwrap().as_deref(), Some("Europe/Berlin"));
        assert_eq!(name(alarms(None)).unwrap().as_deref(), Some("UTC"));
        let wrong = zone(&alarms(Some(serde_json::json!({"zone": "Europe"})))).unwrap_err().to_string();
        assert!(wrong.contains("name a zone with --zone"), "{wrong}");
    }
}
