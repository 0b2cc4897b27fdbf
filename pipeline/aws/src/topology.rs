//! The names and addresses of a deployment, as `terraform output -json topology` prints them.

#[cfg(feature = "operator")]
mod alarms;

#[cfg(feature = "operator")]
pub use alarms::DeploymentHoursError;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use spillway_core::names::Names;
use spillway_core::retry::RetrySchedule;
use spillway_core::settings::PipelineSettings;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The version of the document's format that this code reads. It changes when a member is renamed or removed.
const VERSION: u64 = 1;

/// Every name, ARN, URL and limit of a deployment. Members that a later release adds are ignored.
#[derive(Clone, Debug, PartialEq)]
pub struct Topology {
    /// The prefix of every name of the deployment, and the value of its tag.
    pub name: String,
    /// The deployed version, as failures name it.
    pub release: Option<String>,
    /// The AWS account.
    pub account: String,
    /// Such as `aws`.
    pub partition: String,
    /// Such as `eu-central-1`.
    pub region: String,
    /// The REST API.
    pub api: Api,
    /// The functions.
    pub functions: Functions,
    /// The queues.
    pub queues: Queues,
    /// The table of events.
    pub table: Table,
    /// Where the event store is; none in the document of an earlier release, whose store is the table.
    pub event_store: Option<String>,
    /// The index of dead letters.
    pub dead_letter_index: Index,
    /// The table of replays and audit entries.
    pub ops_log: Named,
    /// The bucket of dead letters.
    pub archive: Archive,
    /// ARNs of the topics by tier, `high` and `low`.
    pub topics: BTreeMap<String, String>,
    /// The budget.
    pub budget: Budget,
    /// What ingest takes.
    pub events: Events,
    /// When a failed event is tried again.
    pub retries: Retries,
    /// Its alarms; none if they were created by other means.
    pub alarms: Option<Alarms>,
}

/// The REST API.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Api {
    /// Dimension `ApiName`.
    pub name: String,
    /// Dimension `Stage`.
    pub stage: String,
    /// Where events are posted to, `/events` included.
    pub url: String,
    /// `NONE`, `AWS_IAM` and the like.
    pub authorization: String,
    /// Requests a second, and at once.
    pub throttle: Throttle,
    /// Largest request in bytes.
    pub max_request_bytes: usize,
}

/// What API Gateway takes.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
pub struct Throttle {
    /// Requests a second in the long run.
    pub rate_per_s: f64,
    /// Requests at once on top.
    pub burst: f64,
}

/// The three functions.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Functions {
    /// Takes events in.
    pub ingest: Function,
    /// Stores events.
    pub consumer: Function,
    /// Archives dead letters.
    pub archiver: Function,
}

/// A function.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Function {
    /// Dimension `FunctionName`.
    pub name: String,
    /// Its log group.
    pub log_group: String,
    /// Seconds that an invocation may take.
    pub timeout_s: u32,
    /// Messages in a batch; none without a queue.
    pub batch_size: Option<usize>,
    /// Batches at once; none without a queue.
    pub maximum_concurrency: Option<usize>,
}

/// Both queues.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Queues {
    /// Where accepted events wait.
    pub primary: Queue,
    /// Where messages go whose event could not be stored.
    pub dlq: Queue,
}

/// A queue.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Queue {
    /// Dimension `QueueName`.
    pub name: String,
    /// The URL at which it is called.
    pub url: String,
    /// Its ARN.
    pub arn: String,
    /// Seconds that a received message stays hidden.
    pub visibility_timeout_s: u32,
    /// Seconds that a message is kept, from when it was first sent.
    pub retention_s: u32,
    /// Receives before a message is moved on; none for the dead letter queue.
    pub max_receive_count: Option<u32>,
}

/// The table of events.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Table {
    /// Dimension `TableName`.
    pub name: String,
    /// Its ARN.
    pub arn: String,
    /// `on_demand` or `provisioned`.
    pub billing_mode: String,
    /// Limits of the capacity where it is provisioned.
    pub capacity: Option<Capacity>,
}

/// The limits of a table's autoscaling.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
pub struct Capacity {
    /// Fewest write units a second.
    pub write_min: f64,
    /// Most write units a second.
    pub write_max: f64,
}

/// The index of dead letters.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Index {
    /// The table.
    pub name: String,
    /// Its ARN.
    pub arn: String,
    /// Partitions over which each index is spread.
    pub shards: u32,
}

/// Something with a name and an ARN.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Named {
    /// Its name.
    pub name: String,
    /// Its ARN.
    pub arn: String,
}

/// The bucket of dead letters.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Archive {
    /// The bucket.
    pub bucket: String,
    /// Where dead letters' keys begin.
    pub prefix: String,
    /// Where notes of dead letters that the index lacks begin.
    pub unindexed_prefix: String,
    /// Where schemas begin; none if none are checked.
    pub schemas_prefix: Option<String>,
    /// The document that has all schemas; none if there are none, and in the topology of an earlier release.
    #[serde(default)]
    pub schema_set_key: Option<String>,
}

/// The budget.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Budget {
    /// Its name.
    pub name: String,
    /// US dollars a month.
    pub monthly_usd: f64,
}

/// What ingest takes.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Events {
    /// `source` of plain JSON.
    pub default_source: String,
    /// `type` of plain JSON.
    pub default_type: String,
    /// Most events in a batch.
    pub max_batch_events: usize,
    /// Largest event in bytes.
    pub max_event_bytes: usize,
}

/// When a failed event is tried again.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
pub struct Retries {
    /// Receives in all.
    pub max_receive_count: u32,
    /// Seconds before the second.
    pub base_s: u32,
    /// Most seconds between two.
    pub cap_s: u32,
}

/// The alarms.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub struct Alarms {
    /// The name in CloudWatch of each rule's alarm.
    pub names: BTreeMap<String, String>,
    /// The limits that thresholds of the rules are shares of.
    pub limits: BTreeMap<String, f64>,
    /// When low alarms notify, as the rules' crate reads it; none if at any hour.
    pub business_hours: Option<Value>,
    /// Names of resources that have no other place in this document, by topology key.
    #[serde(default)]
    pub resources: BTreeMap<String, String>,
}

/// Why a file is no topology. Each text is one sentence, with how to make the file.
#[derive(Debug, thiserror::Error)]
pub enum TopologyError {
    /// The file can't be read.
    #[error("can't read {}: {source}; make it with {HOW}", path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Its content does not fit.
    #[error("{} is not the topology of a deployment: {problem}; make it with {HOW}", path.display())]
    Unfit {
        /// Which.
        path: PathBuf,
        /// What does not fit.
        problem: String,
    },
}

/// How the file is made.
const HOW: &str = "\"terraform output -json topology > topology.json\" in the folder that was applied";

impl Topology {
    /// Reads a file with it.
    ///
    /// # Errors
    /// [`TopologyError`] if there is no such file, or it does not fit.
    pub fn load(path: &Path) -> Result<Self, TopologyError> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| TopologyError::Read { path: path.to_owned(), source })?;
        Self::parse(&text).map_err(|problem| TopologyError::Unfit { path: path.to_owned(), problem })
    }

    /// Reads the document: what `terraform output -json topology` prints, or `terraform output -json` with it inside.
    ///
    /// # Errors
    /// What does not fit, as a part of a sentence.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.trim().is_empty() {
            return Err("it is empty".to_owned());
        }
        let document: Value =
            serde_json::from_str(text).map_err(|error| format!("it is not JSON ({error})"))?;
        let Value::Object(mut parts) = document else { return Err("it is not a JSON object".to_owned()) };
        if let Some(Value::Object(mut output)) = parts.remove("topology") {
            match output.remove("value") {
                Some(Value::Object(inner)) => parts = inner,
                _ => return Err("its output \"topology\" has no value".to_owned()),
            }
        }
        match parts.get("version") {
            Some(version) if version.as_u64() == Some(VERSION) => {}
            Some(version) => {
                return Err(format!(
                    "its form has version {version}, and this program reads version {VERSION} (use the release that \
                     the deployment has)"
                ));
            }
            None => return Err("it has no \"version\"".to_owned()),
        }
        Ok(Self {
            name: part(&mut parts, "name")?,
            release: part(&mut parts, "release")?,
            account: part(&mut parts, "account")?,
            partition: part(&mut parts, "partition")?,
            region: part(&mut parts, "region")?,
            api: part(&mut parts, "api")?,
            functions: part(&mut parts, "functions")?,
            queues: part(&mut parts, "queues")?,
            table: part(&mut parts, "table")?,
            event_store: part(&mut parts, "event_store")?,
            dead_letter_index: part(&mut parts, "dead_letter_index")?,
            ops_log: part(&mut parts, "ops_log")?,
            archive: part(&mut parts, "archive")?,
            topics: part(&mut parts, "topics")?,
            budget: part(&mut parts, "budget")?,
            events: part(&mut parts, "events")?,
            retries: part(&mut parts, "retries")?,
            alarms: part(&mut parts, "alarms")?,
        })
    }

    /// Where the event store is, for [`crate::event_store::open`].
    pub fn event_store_location(&self) -> &str {
        self.event_store.as_deref().unwrap_or(&self.table.name)
    }

    /// The names in metrics and traces.
    pub fn names(&self) -> Names {
        let name = |name: &str| name.to_owned().into();
        Names {
            api: name(&self.api.name),
            stage: name(&self.api.stage),
            ingest_function: name(&self.functions.ingest.name),
            consumer_function: name(&self.functions.consumer.name),
            archiver_function: name(&self.functions.archiver.name),
            queue: name(&self.queues.primary.name),
            dead_letter_queue: name(&self.queues.dlq.name),
            table: name(&self.table.name),
            budget: name(&self.budget.name),
        }
    }

    /// The deployment's rules. Values that a topology does not have (traces' sampling, a replay's rate) have
    /// their defaults. A table that is billed on demand has no capacity limit.
    pub fn settings(&self) -> PipelineSettings {
        let consumer = &self.functions.consumer;
        let defaults = PipelineSettings::default();
        PipelineSettings {
            default_source: self.events.default_source.clone(),
            default_type: self.events.default_type.clone(),
            max_event_bytes: self.events.max_event_bytes,
            max_request_bytes: self.api.max_request_bytes,
            max_batch_events: self.events.max_batch_events,
            api_rate_per_s: self.api.throttle.rate_per_s,
            api_burst: self.api.throttle.burst,
            max_receive_count: self.retries.max_receive_count,
            function_timeout_s: consumer.timeout_s,
            visibility_timeout_s: self.queues.primary.visibility_timeout_s,
            retention_s: self.queues.primary.retention_s,
            consumer_batch_size: consumer.batch_size.unwrap_or(defaults.consumer_batch_size),
            consumer_concurrency: consumer.maximum_concurrency.unwrap_or(defaults.consumer_concurrency),
            archiver_batch_size: self.functions.archiver.batch_size.unwrap_or(defaults.archiver_batch_size),
            archiver_concurrency: self
                .functions
                .archiver
                .maximum_concurrency
                .unwrap_or(defaults.archiver_concurrency),
            retry: RetrySchedule { base_s: self.retries.base_s, cap_s: self.retries.cap_s },
            write_capacity_units: self.table.capacity.map_or(f64::INFINITY, |capacity| capacity.write_max),
            ..defaults
        }
    }

    /// The names of the resources, by the topology keys that alarm rules use.
    pub fn resources(&self) -> BTreeMap<String, String> {
        let mut resources = self.names().by_topology_key();
        resources.insert("budget".to_owned(), self.budget.name.clone());
        resources.extend(self.alarms.iter().flat_map(|alarms| alarms.resources.clone()));
        resources
    }
}

/// A part of the document. A missing part counts as null, so that an optional part may be left out.
fn part<T: DeserializeOwned>(parts: &mut Map<String, Value>, name: &str) -> Result<T, String> {
    let Some(value) = parts.remove(name) else {
        return serde_json::from_value(Value::Null).map_err(|_| format!("it has no \"{name}\""));
    };
    serde_json::from_value(value).map_err(|error| format!("its \"{name}\" does not fit ({error})"))
}

#[cfg(test)]
mod tests;
