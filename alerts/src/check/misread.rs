//! Rules that read a metric in a way for which it has no answer.

use super::catalogue;
use super::lint::LintKind;
use crate::math::Frame;
use crate::metric::DimensionValue;
use crate::rules::{Comparison, MetricCondition, MissingData, Query, Service};
use spillway_metrics::{Definition, Measures, Unit, function, queue};

/// Functions that a schedule invokes, and how often in seconds, as `terraform/functions.tf` has it. Their metric
/// Invocations counts these too, so it is never 0 for longer.
const SCHEDULED: &[(&str, u32)] = &[("functions.archiver", 300)];

/// Everything of this kind in one condition.
pub(crate) fn misread(condition: &MetricCondition) -> Vec<(LintKind, String)> {
    let mut found = Vec::new();
    for query in &condition.queries {
        let Ok(known) = catalogue::find(&query.stat.metric) else { continue };
        found.extend(sum_of_a_level(query, known).map(|message| (LintKind::Statistic, message)));
        found.extend(too_short(condition, known).map(|message| (LintKind::Period, message)));
    }
    let of_range = condition.math.is_over_the_range().then(|| {
        "the expression computes over all datapoints that CloudWatch retrieves, and their number is not published; \
         compare datapoints of one moment, or use a longer period"
            .to_owned()
    });
    found.extend(of_range.map(|message| (LintKind::Statistic, message)));
    found.extend(silence(condition).map(|message| (LintKind::Silence, message)));
    found.extend(scheduled(condition).map(|message| (LintKind::Silence, message)));
    found.extend(only_sent(condition).map(|message| (LintKind::Threshold, message)));
    found
}

fn sum_of_a_level(query: &Query, known: &Definition) -> Option<String> {
    let statistic = query.stat.statistic;
    (known.measures == Measures::Level && statistic.adds_up()).then(|| {
        format!(
            "`{}` is a level, so {statistic} depends on how often it is sampled; use Maximum, Average or Minimum",
            known.name
        )
    })
}

fn too_short(condition: &MetricCondition, known: &Definition) -> Option<String> {
    (condition.service == Service::CloudWatch && condition.period < known.every_s).then(|| {
        format!(
            "`{}` has a datapoint every {} s, so most periods of {} s have none; let `period` be at least {}",
            known.name, known.every_s, condition.period, known.every_s
        )
    })
}

/// "Fewer than" on a metric that has no datapoint when nothing happens. Then nothing is the case that never fires.
fn silence(condition: &MetricCondition) -> Option<String> {
    let is_few = matches!(condition.comparison, Comparison::Less | Comparison::LessOrEqual);
    let silent = matches!(condition.missing_data, MissingData::NotBreaching | MissingData::Missing);
    let counts = |query: &Query| {
        let known = catalogue::find(&query.stat.metric);
        query.stat.statistic.adds_up()
            && known.is_ok_and(|known| known.unit == Unit::Count && known.measures != Measures::Level)
    };
    let fires = is_few
        && silent
        && !condition.is_never_missing()
        && condition.comparison.breaches(0.0, condition.threshold)
        && condition.queries.iter().all(counts);
    fires.then(|| {
        format!(
            "where nothing happens there is no datapoint, and with `{}` that does not breach; use FILL(m, 0), or \
             `breaching`",
            condition.missing_data.name()
        )
    })
}

/// A rule that needs more periods without an invocation than the function's schedule leaves.
fn scheduled(condition: &MetricCondition) -> Option<String> {
    let every = |query: &Query| {
        let metric = &query.stat.metric;
        let invocations = function::INVOCATIONS.definition();
        if metric.namespace != invocations.namespace || metric.name != invocations.name {
            return None;
        }
        SCHEDULED.iter().copied().find(|(function, _)| {
            metric
                .dimensions
                .iter()
                .any(|dimension| matches!(&dimension.value, DimensionValue::Resource(key) if key == function))
        })
    };
    let (function, every_s) = condition.queries.iter().find_map(every)?;
    let breaches = |invocations: f64, others: f64| {
        let values: Vec<[f64; 1]> = condition
            .queries
            .iter()
            .map(|query| [if every(query).is_some() { invocations } else { others }])
            .collect();
        let columns: Vec<&[f64]> = values.iter().map(|value| &value[..]).collect();
        let frame = Frame {
            columns: &columns,
            first_start: 0,
            step: condition.period.into(),
            period: condition.period,
            len: 1,
        };
        let value = condition.math.evaluate(&frame).first().copied().unwrap_or(f64::NAN);
        if value.is_nan() {
            return condition.effective_missing_data() == MissingData::Breaching;
        }
        condition.comparison.breaches(value, condition.threshold)
    };
    let in_a_period = f64::from(condition.period.div_ceil(every_s));
    // Whatever the other metrics are: none of something, or much of it.
    let waits_for_none =
        [1.0, 1e6].into_iter().any(|others| breaches(f64::NAN, others) && !breaches(in_a_period, others));
    if !waits_for_none {
        return None;
    }
    let of = condition.evaluation_periods;
    let with_one = if condition.period >= every_s {
        of
    } else {
        (of as u64 * u64::from(condition.period) / u64::from(every_s)) as usize
    };
    let needed = condition.datapoints_to_alarm;
    (of - with_one.min(of) < needed).then(|| {
        format!(
            "a schedule invokes `{function}` every {every_s} s, so {with_one} of {of} periods have an invocation, and \
             {needed} without one never come; count what the function receives from its queue instead"
        )
    })
}

/// SQS's own redrive to a dead letter queue does not count as sent.
fn only_sent(condition: &MetricCondition) -> Option<String> {
    let of_dlq = |query: &&Query| {
        let values = query.stat.metric.dimensions.iter().map(|dimension| &dimension.value);
        values.into_iter().any(|value| matches!(value, DimensionValue::Resource(key) if key == "queues.dlq"))
    };
    let mut of_dlq = condition.queries.iter().filter(of_dlq).peekable();
    of_dlq.peek()?;
    of_dlq.all(|query| query.stat.metric.name == queue::SENT.name()).then(|| {
        format!(
            "what SQS itself moves to the dead letter queue is not in `{}`, so the rule sees a part at most; add what is \
             received or deleted there, or how many wait",
            queue::SENT.name()
        )
    })
}

#[cfg(test)]
mod tests {
    use super::SCHEDULED;

    /// Minutes between two invocations, in Terraform's list of schedules of `function`.
    fn every_minutes(function: &str) -> Vec<u32> {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../terraform/functions.tf");
        let text = std::fs::read_to_string(path).unwrap();
        let (_, schedules) = text.split_once("\n  schedules = {\n").unwrap();
        let (_, of_function) = schedules.split_once(&format!("\n    {function} = ")).unwrap();
        let (of_function, _) = of_function.split_once("\n    }\n").unwrap();
        let minutes = of_function.lines().filter_map(|line| line.trim().strip_prefix("every_minutes"));
        minutes.filter_map(|rest| rest.trim().strip_prefix('=')?.trim().parse().ok()).collect()
    }

    #[test]
    fn the_schedules_are_those_of_terraform() {
        for (function, every_s) in SCHEDULED {
            let name = function.strip_prefix("functions.").unwrap();
            assert_eq!(every_minutes(name).into_iter().min(), Some(every_s / 60), "{function}");
        }
    }
}
