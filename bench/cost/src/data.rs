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

/// All the input of the tables.
#[derive(Clone, Debug)]
pub struct Data {
    /// List prices.
    pub prices: Prices,
    /// Settings and assumptions.
    pub assumptions: Assumptions,
    /// What the benchmarks measured.
    pub measured: Measured,
    /// The compared loads.
    pub loads: Vec<Load>,
    /// AWS' quotas.
    pub quotas: Vec<Quota>,
    /// The CloudWatch alarms that the alarm rules need.
    pub alarms: Alarms,
}

impl Data {
    /// Reads all files below the workspace's root.
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
    /// The region in which it is valid.
    pub region: String,
    /// Its currency.
    pub currency: String,
    /// The prices.
    pub prices: Vec<Price>,
}

impl Prices {
    /// Average price of a unit when this number of units is used in a month.
    ///
    /// # Errors
    /// The list has no such price.
    pub fn average(&self, key: &str, per_month: f64) -> Result<f64> {
        let price = self.prices.iter().find(|price| price.key == key);
        let price = price.with_context(|| format!("prices.json has no price {key}"))?;
        Ok(price.average(per_month))
    }
}

/// The price of a unit.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Price {
    /// Its name in the model.
    pub key: String,
    /// The thing that is paid for.
    pub what: String,
    /// The unit that the tiers count in.
    pub unit: String,
    /// Prices by use in a month, the first units first.
    pub tiers: Vec<Tier>,
    /// AWS's own page.
    pub source: String,
    /// The page where the figure was read, if AWS's own page shows it only with JavaScript.
    #[serde(default)]
    pub read_in: Option<String>,
    /// The date on which the figure was read.
    pub as_of: String,
}

/// The price of some of a month's units.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tier {
    /// Up to this number of units, counted from the first; `None`: all remaining units.
    #[serde(default)]
    pub up_to: Option<f64>,
    /// Dollars per unit.
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

    /// Average dollars per unit when this number of units is used in a month.
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
    /// What the file contains.
    pub about: String,
    /// Hours in a month, as AWS counts them.
    pub hours_per_month: f64,
    /// Memory of each function (Terraform's default).
    pub memory_mb: f64,
    /// Memory at which a function has one whole CPU. With less memory it has a proportional share of a CPU.
    pub mb_of_a_vcpu: f64,
    /// How long a call within the region takes.
    pub latency_ms: Latencies,
    /// Size of Lambda's own log lines for an invocation (start and report, as JSON).
    pub platform_log_bytes: f64,
    /// Size of the API's log line for a request (`terraform/modules/api/logs.tf`).
    pub access_log_bytes: f64,
    /// Share of the provisioned capacity that is used (Terraform's autoscaling target).
    pub provisioned_utilisation: f64,
    /// Requests a second that are always traced (X-Ray's default rule).
    pub traces_per_s: f64,
    /// Share of the other requests that is traced (X-Ray's default rule).
    pub traced_share: f64,
    /// Long polls that an event source mapping keeps open while the queue is empty.
    pub pollers: f64,
    /// How long one long poll waits.
    pub poll_s: f64,
    /// Queues with an event source mapping.
    pub mapped_queues: f64,
    /// Customer managed keys.
    pub keys: f64,
    /// Hours a day in which the dashboard has a viewer.
    pub dashboard_hours_per_day: f64,
    /// Series that a page reads.
    pub dashboard_series: f64,
    /// How often the series are read again, for any number of viewers.
    pub dashboard_reads_per_hour: f64,
    /// Alarms that suppress notifications outside business hours.
    pub suppressors: f64,
    /// The scheduled invocations.
    pub scheduled: Vec<Scheduled>,
    /// Receives of a message before it is a dead letter.
    pub receives_before_dead: f64,
}

/// A scheduled invocation.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scheduled {
    /// The invoked function.
    pub function: String,
    /// The function's task.
    pub what: String,
    /// How often it runs in an hour, on average over a month.
    pub per_hour: f64,
    /// How long an invocation takes.
    pub ms: f64,
    /// The function's memory (Terraform's default).
    pub memory_mb: f64,
    /// Metrics that it reads from CloudWatch.
    pub metrics_read: f64,
    /// Bytes that it logs.
    pub log_bytes: f64,
}

/// Latency of a call, in milliseconds.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Latencies {
    /// A call to SQS.
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
    /// The date and the machine of the measurement.
    pub measured: String,
    /// A typical event, as CloudEvents JSON.
    pub event_bytes: f64,
    /// Size of the same event as an item of the table.
    pub item_bytes: f64,
    /// Average write units of such an item; one write unit covers 1 KB.
    pub write_units_per_event: f64,
    /// The ingest function, by events in a request.
    pub ingest: Vec<Use>,
    /// The consumer, by records in a batch.
    pub consumer: Vec<Use>,
    /// The archiver, by records in a batch.
    pub archiver: Vec<Use>,
    /// Objects written for a dead letter.
    pub dead_letter_puts: f64,
    /// Size of these objects in bytes.
    pub dead_letter_bytes: f64,
    /// Write units of a dead letter's index entry and counts, including the table's indexes.
    pub dead_letter_write_units: f64,
}

/// Resources that one invocation uses.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Use {
    /// Events in it.
    pub size: u32,
    /// CPU time on one whole CPU.
    pub cpu_ms: f64,
    /// Calls that wait for each other: the extra time of the invocation if each call takes a millisecond longer.
    pub round_trips: f64,
    /// Calls to AWS.
    pub calls: f64,
    /// Bytes that the function logs.
    pub log_bytes: f64,
    /// Size of its answer in bytes.
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
    /// How the table's writes are paid for.
    pub billing: Billing,
    /// Settings for this load.
    pub settings: String,
}

/// How a table's writes are paid for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Billing {
    /// Each write is paid for.
    OnDemand,
    /// Capacity is paid for by the hour.
    Provisioned,
}

/// A quota of AWS.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Quota {
    /// Its name in the model.
    pub key: String,
    /// The limited resource.
    pub what: String,
    /// The default limit.
    pub limit: f64,
    /// Whether AWS raises the limit on request.
    pub raisable: bool,
    /// The page that documents it.
    pub source: String,
}

/// The CloudWatch alarms that the alarm rules need. AWS Budgets watches the budget, so its rules need no alarms in
/// CloudWatch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Alarms {
    /// Alarms on a single metric.
    pub plain: usize,
    /// Alarms on metric math.
    pub math: usize,
    /// Total number of metrics that those alarms read: an alarm over three metrics is billed as three.
    pub math_metrics: usize,
    /// Composite alarms that rules describe.
    pub composites: usize,
    /// Composite alarms that Terraform adds: one for each tier and subsystem that notifies, and one for the reporter.
    pub subsystems: usize,
}

impl Alarms {
    /// Counts the alarms that Terraform makes of the rules in `alerts/rules` (`terraform/modules/alarms`).
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
        // An alarm that no rule describes watches the reporter (`terraform/modules/alarms/reporter.tf`).
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
