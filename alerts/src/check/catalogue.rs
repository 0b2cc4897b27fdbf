//! Whether a rule's metrics are in the register.
//!
//! A misspelled metric or an extra dimension makes an alarm that never fires and always looks healthy.

use crate::metric::{DimensionValue, Metric};
use spillway_metrics::{Definition, DimensionNames};

/// The register's entry for `metric`, or the reason why it has none.
pub(crate) fn find(metric: &Metric) -> Result<&'static Definition, String> {
    let named: Vec<&Definition> = spillway_metrics::named(&metric.namespace, &metric.name).collect();
    if named.is_empty() {
        return Err(format!("no metric `{}` is known in `{}`", metric.name, metric.namespace));
    }
    let mut given: Vec<&str> = metric.dimensions.iter().map(|dimension| dimension.name.as_str()).collect();
    given.sort_unstable();
    let fits = named.iter().find(|known| {
        let mut wanted = dimension_names(known);
        wanted.sort_unstable();
        wanted == given
    });
    fits.copied().ok_or_else(|| {
        let wanted: Vec<String> =
            named.iter().map(|known| format!("[{}]", dimension_names(known).join(", "))).collect();
        format!(
            "`{}` has the dimensions {}, and not [{}]; CloudWatch would see a metric without data",
            metric.name,
            wanted.join(" or "),
            given.join(", ")
        )
    })
}

fn dimension_names(known: &Definition) -> Vec<&'static str> {
    known.dimensions.iter().map(|dimension| dimension.name).collect()
}

/// What is wrong with the values of the dimensions of `metric`, if anything.
pub(crate) fn unknown_value(metric: &Metric, known: &Definition) -> Option<String> {
    metric.dimensions.iter().find_map(|dimension| {
        let registered = known.dimensions.iter().find(|registered| registered.name == dimension.name)?;
        let name = &dimension.name;
        match (&dimension.value, registered.names) {
            (DimensionValue::Resource(key), DimensionNames::Resources(keys)) => (!keys
                .contains(&key.as_str()))
            .then(|| format!("`{key}` is not a topology key for {name}; expected {}", keys.join(", "))),
            (DimensionValue::Resource(key), DimensionNames::Fixed(value)) => {
                Some(format!("{name} is no resource, so `{key}` has no value; expected `value: {value}`"))
            }
            (DimensionValue::Value(value), DimensionNames::Fixed(expected)) => (value != expected)
                .then(|| format!("nothing is published for the {name} `{value}`; expected `{expected}`")),
            (DimensionValue::Value(value), DimensionNames::Resources(_)) => (!is_name(value))
                .then(|| format!("`{value}` is not a name, as {name} is: no address, no ARN, and not empty")),
        }
    })
}

/// Names of queues, functions, tables, stages and APIs. An address or an ARN has `:` or `/`.
fn is_name(text: &str) -> bool {
    !text.trim().is_empty() && !text.contains([':', '/'])
}

#[cfg(test)]
mod tests {
    use crate::{Limits, RuleSet};
    use spillway_metrics::{ALL, Alarm};
    use std::collections::BTreeSet;

    #[test]
    fn every_metric_has_a_rule_or_a_reason_for_none() {
        let rules = RuleSet::built_in(&Limits::built_in().unwrap()).unwrap();
        let queries = rules.iter().filter_map(|rule| rule.metric()).flat_map(|metric| &metric.queries);
        let watched: BTreeSet<(&str, &str)> = queries
            .map(|query| (query.stat.metric.namespace.as_str(), query.stat.metric.name.as_str()))
            .collect();
        let with_a_rule = ALL.iter().filter(|metric| metric.alarm == Alarm::Rule);
        assert_eq!(watched, with_a_rule.map(|metric| (metric.namespace, metric.name)).collect());
    }
}
