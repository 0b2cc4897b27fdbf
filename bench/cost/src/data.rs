//! The figures that the model starts from, each kind in its own file below `bench/cost/data`.

use anyhow::{Context, Result, ensure};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use spillway_alerts::{Limits, RuleSet};
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// Where the files are, from the root of the workspace.
pub const FOLDER: &str = "bench/cost/data";
/// The subsystem whose rules AWS Budgets evaluates.
const BUDGET: &str = "budget";
/// The file that `take` writes.
pub const MEASURED: &str = "measured.json";

/// Everything that the tables follow from.
#[derive(Clone, Debug)]
pub struct Data {
    /// List prices.
    pub prices: Prices,
    /// Settings and assumptions.
    pub assumptions: Assumptions,
    /// What the benchmarks measured.
    pub measured: Measured,
    /// The loads that are compared.
    pub loads: Vec<Load>,
    /// AWS' quotas.
    pub quotas: Vec<Quota>,
    /// What the alarm rules ask of CloudWatch.
    pub alarms: Alarms,
}

impl Data {
    /// Reads all files below the workspace's root.
    ///
    /// # Errors
    /// A file is missing or invalid.
    pub fn read(root: &Path) -> Result<Self> {
        let folder = root.join(FOLDER);
        let data = Self {
            prices: read(&folder.join("prices.json"))?,
            assumptions: read(&folder.join("assumptions.json"))?,
            measured: read(&folder.join(MEASURED))?,
            loads: read(&folder.join("loads.json"))?,
            quotas: read(&folder.join("quotas.json"))?,
            alarms: Alarms::of_rules()?,
        };
        for price in &data.prices.prices {
            ensure!(price.is_whole(), "the tiers of price {} don't rise to one without an end", price.key);
        }
        Ok(data)
    }
}

fn read<T: DeserializeOwned>(file: &Path) -> Result<T> {
    let text = fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    serde_json::from_str(&text).with_context(|| format!("{} does not fit", file.display()))
}

/// A price list.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Prices {
    /// The region it holds for.
    pub region: String,
    /// Its currency.
    pub currency: String,
    /// The prices.
    pub prices: Vec<Price>,
}

impl Prices {
    /// Average price of one unit at this use per month.
    ///
    /// # Errors
    /// There is no such price.
    pub fn average(&self, key: &str, per_month: f64) -> Result<f64> {
        let price = self.prices.iter().find(|price| price.key == key);
        let price = price.with_context(|| format!("prices.json has no price {key}"))?;
        Ok(price.average(per_month))
    }
}

/// What a unit of something costs.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Price {
    /// Its name in the model.
    pub key: String,
    /// What is paid for.
    pub what: String,
    /// The unit that the tiers count.
    pub unit: String,
    /// Prices by use in a month, the first units first.
    pub tiers: Vec<Tier>,
    /// AWS' own page.
    pub source: String,
    /// Where the figure was read, if AWS' page draws it by script only.
    #[serde(default)]
    pub read_in: Option<String>,
    /// The date on which it was read.
    pub as_of: String,
}

/// A price for some of the units of a month.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tier {
    /// Up to this number of units, counted from the first; `None`: all that follow.
    #[serde(default)]
    pub up_to: Option<f64>,
    /// Dollars a unit.
    pub usd: f64,
}

impl Price {
    fn is_whole(&self) -> bool {
        let limits: Vec<Option<f64>> = self.tiers.iter().map(|tier| tier.up_to).collect();
        let rising = limits.windows(2).all(|pair| match pair {
            [Some(before), Some(after)] => before < after,
            [Some(_), None] => true,
            _ => false,
        });
        rising && limits.last() == Some(&None)
    }

    /// Dollars a unit on average, at this use per month.
    pub fn average(&self, per_month: f64) -> f64 {
        let (mut cost, mut from) = (0.0, 0.0);
        for tier in &self.tiers {
            let to = tier.up_to.unwrap_or(f64::INFINITY).min(per_month);
            if to > from {
                cost += (to - from) * tier.usd;
                from = to;
            }
        }
        if per_month > 0.0 { cost / per_month } else { self.tiers[0].usd }
    }
}

/// Assumptions: figures that are not measured.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Assumptions {
    /// What the file is.
    pub about: String,
    /// Hours of a month by AWS's rule.
    pub hours_per_month: f64,
    /// Memory of each function (Terraform's default).
    pub memory_mb: f64,
    /// Memory at which a function has one whole CPU; with less it has that share of one.
    pub mb_of_a_vcpu: f64,
    /// How long a call takes in the region.
    pub latency_ms: Latencies,
    /// What Lambda itself logs of an invocation (start and report, as JSON).
    pub platform_log_bytes: f64,
    /// What the API logs of a request (`terraform/modules/api/logs.tf`).
    pub access_log_bytes: f64,
    /// Share of provisioned capacity that is used (Terraform's autoscaling target).
    pub provisioned_utilisation: f64,
    /// Requests a second that are traced in any case (X-Ray's default rule).
    pub traces_per_s: f64,
    /// Share of the others (X-Ray's default rule).
    pub traced_share: f64,
    /// Long polls that an event source mapping has open while nothing comes.
    pub pollers: f64,
    /// How long one waits.
    pub poll_s: f64,
    /// Queues with a mapping.
    pub mapped_queues: f64,
    /// Customer managed keys.
    pub keys: f64,
    /// Hours a day in which the dashboard has a viewer.
    pub dashboard_hours_per_day: f64,
    /// Series that a page asks for.
    pub dashboard_series: f64,
    /// How often they are read again, for any number of viewers.
    pub dashboard_reads_per_hour: f64,
    /// Alarms that suppress notifications outside business hours.
    pub suppressors: f64,
    /// What schedules invoke.
    pub scheduled: Vec<Scheduled>,
    /// Receives of a message before it is a dead letter.
    pub receives_before_dead: f64,
}

/// What a schedule invokes.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scheduled {
    /// The function.
    pub function: String,
    /// What it does.
    pub what: String,
    /// How often in an hour, on average over a month.
    pub per_hour: f64,
    /// How long an invocation takes.
    pub ms: f64,
    /// The function's memory (Terraform's default).
    pub memory_mb: f64,
    /// Metrics that it asks CloudWatch for.
    pub metrics_read: f64,
    /// What it logs.
    pub log_bytes: f64,
}

/// Milliseconds of a call.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Latencies {
    /// To SQS.
    pub sqs: f64,
    /// A write to DynamoDB.
    pub dynamodb: f64,
    /// A write to S3.
    pub s3: f64,
}

/// What the benchmarks measured.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Measured {
    /// When and on what.
    pub measured: String,
    /// A typical event, as CloudEvents JSON.
    pub event_bytes: f64,
    /// The same as an item of the table.
    pub item_bytes: f64,
    /// Write units of such an item on average; one takes 1 KB.
    pub write_units_per_event: f64,
    /// The ingest function, by events in a request.
    pub ingest: Vec<Use>,
    /// The consumer, by records in a batch.
    pub consumer: Vec<Use>,
    /// The archiver, by records in a batch.
    pub archiver: Vec<Use>,
    /// Objects put for a dead letter.
    pub dead_letter_puts: f64,
    /// Bytes of them.
    pub dead_letter_bytes: f64,
    /// Write units of a dead letter's index and counts, its indexes included.
    pub dead_letter_write_units: f64,
}

/// What one invocation uses.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Use {
    /// Events in it.
    pub size: u32,
    /// CPU time on a whole CPU.
    pub cpu_ms: f64,
    /// Calls that wait for each other: how much longer it takes if each call takes a millisecond longer.
    pub round_trips: f64,
    /// Calls to AWS.
    pub calls: f64,
    /// What the function logs.
    pub log_bytes: f64,
    /// Bytes of its answer.
    pub answer_bytes: f64,
}

/// A load.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Load {
    /// Its name.
    pub name: String,
    /// Events a second, all day.
    pub events_per_s: f64,
    /// Events in a request.
    pub events_per_request: u32,
    /// Records in a batch to the consumer.
    pub records_per_batch: u32,
    /// How writes are paid.
    pub billing: Billing,
    /// What to set for it.
    pub settings: String,
}

/// How a table's writes are paid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Billing {
    /// For each.
    OnDemand,
    /// For capacity by the hour.
    Provisioned,
}

/// A quota of AWS.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Quota {
    /// Its name in the model.
    pub key: String,
    /// What is limited.
    pub what: String,
    /// To how much by default.
    pub limit: f64,
    /// Whether AWS raises it on request.
    pub raisable: bool,
    /// Where it is documented.
    pub source: String,
}

/// What the alarm rules ask of CloudWatch. AWS Budgets watches the budget; its rules are no alarms of CloudWatch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Alarms {
    /// Alarms on one metric as it is.
    pub plain: usize,
    /// Alarms on metric math.
    pub math: usize,
    /// Metrics that those read together: an alarm over three metrics is billed as three.
    pub math_metrics: usize,
    /// Composite alarms that rules describe.
    pub composites: usize,
    /// Composite alarms that Terraform adds: one for each tier and subsystem that notifies, and one for the reporter.
    pub subsystems: usize,
}

impl Alarms {
    /// Counts what Terraform makes of the rules in `alerts/rules` (`terraform/modules/alarms`).
    ///
    /// # Errors
    /// The rules don't fit.
    pub fn of_rules() -> Result<Self> {
        let rules = RuleSet::built_in(&Limits::built_in()?)?;
        let mut alarms = Self::default();
        let mut notified = BTreeSet::new();
        for rule in rules.iter().filter(|rule| rule.subsystem != BUDGET) {
            match rule.metric() {
                Some(condition) if condition.queries.len() == 1 => alarms.plain += 1,
                Some(condition) => {
                    alarms.math += 1;
                    alarms.math_metrics += condition.queries.len();
                }
                None => alarms.composites += 1,
            }
            if rule.notify {
                notified.insert((rule.tier == spillway_alerts::Tier::High, rule.subsystem.as_str()));
            }
        }
        alarms.subsystems = notified.len();
        // The reporter is watched by an alarm that no rule describes (`terraform/modules/alarms/reporter.tf`).
        alarms.math += 1;
        alarms.math_metrics += 2;
        alarms.subsystems += 1;
        Ok(alarms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tiers_are_paid_one_after_the_other() {
        let tier = |up_to, usd| Tier { up_to, usd };
        let price = Price {
            key: "k".into(),
            what: "w".into(),
            unit: "million".into(),
            tiers: vec![tier(Some(10.0), 3.0), tier(Some(20.0), 2.0), tier(None, 1.0)],
            source: "s".into(),
            read_in: None,
            as_of: "2026".into(),
        };
        assert!(price.is_whole());
        assert_eq!((price.average(0.0), price.average(10.0), price.average(20.0)), (3.0, 3.0, 2.5));
        assert_eq!(price.average(40.0), (30.0 + 20.0 + 20.0) / 40.0);
        assert!(!Price { tiers: vec![tier(None, 1.0), tier(Some(1.0), 1.0)], ..price.clone() }.is_whole());
        assert!(!Price { tiers: vec![tier(Some(2.0), 1.0)], ..price }.is_whole());
    }
}
