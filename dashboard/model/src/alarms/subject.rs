//! The meaning of a rule's number: a metric or a share, and its unit.

use super::MetricCondition;
use spillway_alerts::rules::Query;
use spillway_metrics::{Statistic, Unit};

/// The number that a rule compares with its threshold.
#[derive(Clone, Debug, PartialEq)]
pub enum Subject<'a> {
    /// A metric, perhaps only with enough traffic, or with 0 for missing values.
    Metric(&'a Query),
    /// A share in percent; the metrics in the numerator.
    Share(Vec<&'a Query>),
    /// Seconds until nothing of this level is left, at the present rate.
    TimeLeft(&'a Query),
    /// Anything else.
    Other,
}

impl<'a> Subject<'a> {
    /// The meaning of a rule's number, if its expression has a usual form: `m`, `FILL(m, 0)`, `IF(…, m, 0)`,
    /// `MAX([m, …])`, `100 * m / …` or `PERIOD(…) * m / …`.
    pub fn of(condition: &'a MetricCondition) -> Self {
        let Some(expression) = condition.expression.as_deref() else {
            return condition.queries.first().map_or(Self::Other, Self::Metric);
        };
        if let Some((_, share)) = expression.split_once("100 *") {
            let counted = top_level(share, '/').next().unwrap_or_default();
            return Self::Share(named(counted, &condition.queries));
        }
        let value = match arguments(expression, "IF") {
            Some(parts) if parts.len() == 3 => parts[1],
            _ => expression,
        };
        // The others count the same in another way.
        let value = arguments(value, "MAX").and_then(|all| first_of_array(all.first()?)).unwrap_or(value);
        if let Some(rest) = value.strip_prefix("PERIOD(").and_then(|rest| rest.split_once(") *")) {
            let level = top_level(rest.1, '/').next().unwrap_or_default();
            return named(level, &condition.queries)
                .first()
                .map_or(Self::Other, |query| Self::TimeLeft(query));
        }
        if value.contains(['<', '>', '=', '+', '-', '*', '/']) {
            return Self::Other;
        }
        named(value, &condition.queries).first().map_or(Self::Other, |query| Self::Metric(query))
    }
}

impl Subject<'_> {
    /// Whether the number grows with the period, so that a threshold is valid for one period only.
    pub fn adds_up(&self) -> bool {
        match self {
            Self::Metric(query) => matches!(query.stat.statistic, Statistic::Sum | Statistic::SampleCount),
            Self::Share(_) | Self::TimeLeft(_) => false,
            Self::Other => true,
        }
    }
}

/// The unit of a rule's number and of its threshold.
pub fn unit(condition: &MetricCondition) -> Unit {
    let query = match Subject::of(condition) {
        Subject::Metric(query) => query,
        Subject::Share(_) => return Unit::Percent,
        Subject::TimeLeft(_) => return Unit::Seconds,
        Subject::Other => return Unit::None,
    };
    if query.stat.statistic == Statistic::SampleCount {
        return Unit::Count;
    }
    let metric = &query.stat.metric;
    let registered = spillway_metrics::named(&metric.namespace, &metric.name).next();
    match registered.map_or(Unit::Count, |metric| metric.unit) {
        // A mean of counts may be a fraction.
        Unit::Count if query.stat.statistic == Statistic::Average => Unit::None,
        unit => unit,
    }
}

/// The metrics in a part of an expression, in order.
fn named<'a>(text: &str, queries: &'a [Query]) -> Vec<&'a Query> {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    words.filter_map(|word| queries.iter().find(|query| query.id == word)).collect()
}

/// The arguments of a function call, if the expression consists of this call.
fn arguments<'a>(expression: &'a str, function: &str) -> Option<Vec<&'a str>> {
    let inside =
        expression.trim().strip_prefix(function)?.trim_start().strip_prefix('(')?.strip_suffix(')')?;
    Some(top_level(inside, ',').map(str::trim).collect())
}

/// The first member of an array such as `[a, b + c]`.
fn first_of_array(text: &str) -> Option<&str> {
    top_level(text.strip_prefix('[')?.strip_suffix(']')?, ',').next().map(str::trim)
}

/// Splits outside brackets.
fn top_level(text: &str, separator: char) -> impl Iterator<Item = &str> {
    let mut depth = 0_i32;
    text.split(move |c: char| {
        match c {
            '(' | '[' => depth += 1,
            ')' | ']' => depth -= 1,
            _ => {}
        }
        c == separator && depth <= 0
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use spillway_alerts::{Limits, RuleSet};

    fn rules() -> RuleSet {
        RuleSet::built_in(&Limits::built_in().unwrap()).unwrap()
    }

    #[track_caller]
    fn check(rule: &str, subject: &str, expected: Unit) {
        let rules = rules();
        let condition = rules.get(rule).unwrap().metric().unwrap();
        let name = |query: &Query| format!("{} {}", query.stat.statistic, query.stat.metric.name);
        let said = match Subject::of(condition) {
            Subject::Metric(query) => name(query),
            Subject::Share(queries) => {
                format!("% {}", queries.into_iter().map(name).collect::<Vec<_>>().join(", "))
            }
            Subject::TimeLeft(query) => format!("time left, {}", name(query)),
            Subject::Other => "other".to_owned(),
        };
        assert_eq!((said.as_str(), unit(condition)), (subject, expected), "{rule}");
    }

    #[test]
    fn the_number_of_a_rule_is_read_from_its_expression() {
        check("queue-age-high", "Maximum ApproximateAgeOfOldestMessage", Unit::Seconds);
        check("api-5xx-high", "% Sum 5XXError", Unit::Percent);
        check("api-latency-low", "p90 Latency", Unit::Milliseconds);
        check("api-requests-few-high", "Sum Count", Unit::Count);
        check("table-system-errors-low", "% Sum SystemErrors", Unit::Percent);
        check("queue-depth-low", "time left, Average ApproximateNumberOfMessagesVisible", Unit::Seconds);
        check("table-capacity-low", "% Sum ConsumedWriteCapacityUnits", Unit::Percent);
        check(
            "account-write-capacity-low",
            "Maximum AccountProvisionedWriteCapacityUtilization",
            Unit::Percent,
        );
        check("time-to-loss-high", "Minimum TimeToLoss", Unit::Seconds);
        check("dead-letters-arriving-low", "Sum NumberOfMessagesSent", Unit::Count);
        check("dead-letters-arriving-high", "Sum NumberOfMessagesSent", Unit::Count);
        check("queue-stalled-high", "other", Unit::None);
        check("budget-actual-low", "Maximum BudgetActualPercent", Unit::Percent);
    }

    #[test]
    fn every_number_of_a_rule_has_a_unit_or_is_a_yes_or_no() {
        for rule in &rules() {
            let Some(condition) = rule.metric() else { continue };
            let is_yes_or_no = condition.threshold == 0.0;
            assert!(
                unit(condition) != Unit::None || is_yes_or_no,
                "{}: {:?}",
                rule.name,
                condition.expression
            );
        }
    }
}
