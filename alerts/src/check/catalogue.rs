//! The metrics that exist: what the AWS services publish about this system, and what its own functions emit.
//!
//! A misspelled metric or a dimension too many makes an alarm that never fires and looks healthy all the while.

use crate::metric::{DimensionValue, Metric};

/// One metric under one set of dimensions.
pub(crate) struct Known {
    pub namespace: &'static str,
    pub metric: &'static str,
    pub dimensions: &'static [&'static str],
    /// Least and greatest value.
    pub bounds: (f64, f64),
}

const COUNT: (f64, f64) = (0.0, f64::INFINITY);
const PERCENT: (f64, f64) = (0.0, 100.0);

macro_rules! known {
    ($($namespace:literal, $dimensions:expr, $bounds:ident: $($metric:literal)*;)*) => {
        &[$($(Known { namespace: $namespace, metric: $metric, dimensions: $dimensions, bounds: $bounds },)*)*]
    };
}

pub(crate) const CATALOGUE: &[Known] = known! {
    "AWS/ApiGateway", &["ApiName", "Stage"], COUNT: "Count" "4XXError" "5XXError" "Latency" "IntegrationLatency";
    "AWS/Lambda", &["FunctionName"], COUNT: "Invocations" "Errors" "Throttles" "Duration" "ConcurrentExecutions";
    "AWS/SQS", &["QueueName"], COUNT: "NumberOfMessagesSent" "NumberOfMessagesReceived" "NumberOfMessagesDeleted"
        "ApproximateNumberOfMessagesVisible" "ApproximateNumberOfMessagesNotVisible"
        "ApproximateNumberOfMessagesDelayed" "ApproximateAgeOfOldestMessage";
    "AWS/DynamoDB", &["TableName"], COUNT: "ConsumedWriteCapacityUnits" "ProvisionedWriteCapacityUnits"
        "WriteThrottleEvents";
    "AWS/DynamoDB", &["TableName", "Operation"], COUNT: "ThrottledRequests" "SystemErrors" "SuccessfulRequestLatency";
    "AWS/DynamoDB", &[], COUNT: "UserErrors" "AccountMaxTableLevelWrites";
    "AWS/DynamoDB", &[], PERCENT: "AccountProvisionedWriteCapacityUtilization"
        "MaxProvisionedTableWriteCapacityUtilization";
    "Spillway", &["FunctionName"], COUNT: "ReceiveCount" "RecordsStored" "RecordsAlreadyStored" "RecordsRetried"
        "RecordsRejected" "AcceptToStoredLatency" "BatchSize" "OldestDeadLetterAge" "DeadLettersUnindexed" "TimeToLoss"
        "EventsAccepted";
    "Spillway", &["BudgetName"], COUNT: "BudgetActualPercent" "BudgetForecastPercent";
};

/// The entry for `metric`, or what is wrong with it.
pub(crate) fn find(metric: &Metric) -> Result<&'static Known, String> {
    let named: Vec<&Known> = CATALOGUE
        .iter()
        .filter(|known| known.namespace == metric.namespace && known.metric == metric.name)
        .collect();
    if named.is_empty() {
        return Err(format!("no metric `{}` is known in `{}`", metric.name, metric.namespace));
    }
    let mut given: Vec<&str> = metric.dimensions.iter().map(|dimension| dimension.name.as_str()).collect();
    given.sort_unstable();
    let fits = named.iter().find(|known| {
        let mut wanted = known.dimensions.to_vec();
        wanted.sort_unstable();
        wanted == given
    });
    fits.copied().ok_or_else(|| {
        let wanted: Vec<String> =
            named.iter().map(|known| format!("[{}]", known.dimensions.join(", "))).collect();
        format!(
            "`{}` has the dimensions {}, and not [{}]; CloudWatch would see a metric without data",
            metric.name,
            wanted.join(" or "),
            given.join(", ")
        )
    })
}

/// Topology keys that a dimension may name.
pub(crate) const RESOURCES: &[(&str, &[&str])] = &[
    ("ApiName", &["api"]),
    ("Stage", &["api.stage"]),
    ("FunctionName", &["functions.ingest", "functions.consumer", "functions.archiver"]),
    ("QueueName", &["queues.primary", "queues.dlq"]),
    ("TableName", &["table"]),
    ("BudgetName", &["budget"]),
];

/// What is wrong with the topology keys of `metric`, if anything.
pub(crate) fn unknown_resource(metric: &Metric) -> Option<String> {
    metric.dimensions.iter().find_map(|dimension| {
        let DimensionValue::Resource(key) = &dimension.value else { return None };
        let (_, keys) = RESOURCES.iter().find(|(name, _)| *name == dimension.name)?;
        (!keys.contains(&key.as_str())).then(|| {
            format!("`{}` is not a topology key for {}; expected {}", key, dimension.name, keys.join(", "))
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Limits, RuleSet};
    use std::collections::BTreeSet;

    /// Metrics that no rule watches, with the reason.
    const UNWATCHED: &[(&str, &str)] = &[
        (
            "AWS/ApiGateway IntegrationLatency",
            "the greater part of Latency, which clients feel and a rule watches",
        ),
        ("AWS/SQS ApproximateNumberOfMessagesDelayed", "nothing is sent with a delay"),
        ("Spillway BatchSize", "explains costs; no size of a batch is a fault"),
        ("Spillway EventsAccepted", "the ledger's; that promises are kept is watched by accepted-not-queued"),
    ];

    #[test]
    fn every_metric_has_a_rule_or_a_reason_for_none() {
        let rules = RuleSet::built_in(&Limits::built_in().unwrap()).unwrap();
        let queries = rules.iter().filter_map(|rule| rule.metric()).flat_map(|metric| &metric.queries);
        let watched: BTreeSet<String> = queries
            .map(|query| format!("{} {}", query.stat.metric.namespace, query.stat.metric.name))
            .collect();
        let known = CATALOGUE.iter().map(|known| format!("{} {}", known.namespace, known.metric));
        let unwatched: BTreeSet<String> = known.filter(|name| !watched.contains(name)).collect();
        let excused: BTreeSet<String> = UNWATCHED.iter().map(|(name, _)| (*name).to_owned()).collect();
        assert_eq!(unwatched, excused);
    }

    #[test]
    fn every_metric_that_the_system_emits_is_in_it() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../pipeline/core/src/metric.rs");
        let text = std::fs::read_to_string(path).unwrap();
        let (_, names) = text.split_once("pub const NAMESPACE").unwrap();
        let names = names.split("pub const ").skip(1).filter_map(|rest| rest.split('"').nth(1));
        let emitted: BTreeSet<&str> = names.collect();
        assert!(emitted.len() > 10, "{emitted:?}");
        let own = CATALOGUE.iter().filter(|known| known.namespace == "Spillway").map(|known| known.metric);
        assert_eq!(emitted, own.collect());
    }
}
