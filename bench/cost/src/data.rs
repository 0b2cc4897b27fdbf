//! The figures that the model starts from, each kind in its own file below `bench/cost/data`.

use anyhow::{Context, Result};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use spillway_alerts::metric::DimensionValue;
use spillway_alerts::{Limits, Rule, RuleSet};
use spillway_metrics::{Prices, prices};
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
    pub prices: &'static Prices,
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
        Ok(Self {
            prices: prices(),
            assumptions: read(&folder.join("assumptions.json"))?,
            measured: read(&folder.join(MEASURED))?,
            loads: read(&folder.join("loads.json"))?,
            quotas: read(&folder.join("quotas.json"))?,
            alarms: Alarms::of_rules()?,
        })
    }
}

fn read<T: DeserializeOwned>(file: &Path) -> Result<T> {
    let text = fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    serde_json::from_str(&text).with_context(|| format!("{} does not fit", file.display()))
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
    /// The most calls of all services a minute while any page is open, for any number of viewers. A test of the dashboard
    /// proves it.
    pub dashboard_calls_per_minute: f64,
    /// Alarms that suppress notifications outside business hours.
    pub suppressors: f64,
    /// Metrics that S3 publishes of the requests to the archive, once it is asked to.
    pub request_metrics: f64,
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

/// Topology keys of resources that a deployment has only if its operator wants them. Rules about others have no alarm.
const OPTIONS: [&str; 4] = ["api.certificate", "api.distribution", "backup.vault", "table.replica"];

fn is_of_an_option(rule: &Rule) -> bool {
    let queries = rule.metric().into_iter().flat_map(|condition| &condition.queries);
    let mut dimensions = queries.flat_map(|query| &query.stat.metric.dimensions);
    dimensions.any(|dimension| {
        matches!(&dimension.value, DimensionValue::Resource(key) if OPTIONS.contains(&key.as_str()))
    })
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
    /// Counts the alarms that Terraform makes of the rules in `alerts/rules` (`terraform/modules/alarms`), with all options at
    /// their defaults.
    pub fn of_rules() -> Result<Self> {
        let rules = RuleSet::built_in(&Limits::built_in()?)?;
        let mut alarms = Self::default();
        let mut notified = BTreeSet::new();
        for rule in rules.iter().filter(|rule| rule.subsystem != BUDGET && !is_of_an_option(rule)) {
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
