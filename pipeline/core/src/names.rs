//! The names of a deployment's parts: the values of CloudWatch's dimensions and of X-Ray's segments.

use serde::{Deserialize, Serialize};
use spillway_metrics::Api;
use std::borrow::Cow;
use std::collections::BTreeMap;

/// The topology keys of resources that only a deployment in AWS can have. It tells their names in its topology.
pub const ONLY_IN_AWS: &[&str] = &[
    "api.certificate",
    "api.distribution",
    "archive",
    "backup.vault",
    "table.replica",
    "topics.high",
    "topics.low",
];

/// The name of a resource that does not exist. No metric has it, so a rule about it never fires.
pub const NOT_HERE: &str = "none";

/// The names of all resources that have one. The defaults are Terraform's, with its `name` left at
/// `spillway`.
///
/// Each is a `Cow`, so that the default names cost nothing to copy where each request is measured.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Names {
    /// Dimension `ApiName` of the REST API.
    pub api: Cow<'static, str>,
    /// Dimension `Stage` of the REST API.
    pub stage: Cow<'static, str>,
    /// `FunctionName` of the function that takes events in.
    pub ingest_function: Cow<'static, str>,
    /// `FunctionName` of the function that stores events.
    pub consumer_function: Cow<'static, str>,
    /// `FunctionName` of the function that archives dead letters.
    pub archiver_function: Cow<'static, str>,
    /// `QueueName` of the primary queue.
    pub queue: Cow<'static, str>,
    /// `QueueName` of the dead letter queue.
    pub dead_letter_queue: Cow<'static, str>,
    /// `TableName` of the event store.
    pub table: Cow<'static, str>,
    /// `BudgetName` of the budget.
    pub budget: Cow<'static, str>,
}

impl Default for Names {
    fn default() -> Self {
        Self {
            api: "spillway".into(),
            stage: "live".into(),
            ingest_function: "spillway-ingest".into(),
            consumer_function: "spillway-consumer".into(),
            archiver_function: "spillway-archiver".into(),
            queue: "spillway-events".into(),
            dead_letter_queue: "spillway-events-dlq".into(),
            table: "spillway-events".into(),
            budget: "spillway".into(),
        }
    }
}

impl From<&Names> for Api {
    fn from(names: &Names) -> Self {
        Self { name: names.api.clone(), stage: names.stage.clone() }
    }
}

impl Names {
    /// The same names by topology key, which alarm rules use: `queues.primary` → `spillway-events`. The budget has
    /// the API's name, which is Terraform's name for the deployment. What only a deployment in AWS can have is called
    /// [`NOT_HERE`].
    pub fn by_topology_key(&self) -> BTreeMap<String, String> {
        let all = [
            ("api", &self.api),
            ("api.stage", &self.stage),
            ("budget", &self.budget),
            ("functions.archiver", &self.archiver_function),
            ("functions.consumer", &self.consumer_function),
            ("functions.ingest", &self.ingest_function),
            ("queues.dlq", &self.dead_letter_queue),
            ("queues.primary", &self.queue),
            ("table", &self.table),
        ];
        let here = all.into_iter().map(|(key, name)| (key.to_owned(), name.to_string()));
        let others = ONLY_IN_AWS.iter().map(|key| ((*key).to_owned(), NOT_HERE.to_owned()));
        here.chain(others).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use spillway_metrics::{ALL, DimensionNames};

    #[test]
    fn every_resource_that_has_a_metric_has_a_name() {
        let names = Names::default().by_topology_key();
        for dimension in ALL.iter().flat_map(|metric| metric.dimensions) {
            let DimensionNames::Resources(keys) = dimension.names else { continue };
            assert!(keys.iter().all(|key| names.contains_key(*key)), "{dimension:?}");
        }
    }
}
