//! `docs/metrics.md`, as the register says.

use crate::{ALL, Alarm, Definition, DimensionNames, Unit};
use std::fmt::Write as _;

/// The whole document.
pub fn document() -> String {
    let mut text = String::from(
        "# Metrics\n\
         \n\
         Every metric that AWS publishes about Spillway, and every metric that its functions emit. On one machine the pipeline\n\
         records the same metrics. The list is generated from `pipeline/metrics/src/list.rs`:\n\
         `cargo run -p spillway-metrics --example document > docs/metrics.md`.\n\
         \n\
         A metric without percentiles has `Sum`, `Average`, `Minimum`, `Maximum` and `SampleCount`. The last column says who\n\
         watches the metric: an alarm rule in `alerts/rules`, or no rule, with the reason.\n\
         \n\
         ## A new metric\n\
         \n\
         1. A row in `pipeline/metrics/src/list.rs`.\n\
         2. A measurement where it happens: `Measurement::of(consumer::BATCH_SIZE, &function, size)`.\n\
         3. A chart in `dashboard/model/src/catalogue`: its lines, its title and what could be misread.\n\
         \n\
         Then generate this page again, and `docs/cost.md` with `cargo run -p spillway-bench-cost -- update`: CloudWatch bills each\n\
         metric that a function emits. A metric without a rule needs its reason in the row.\n",
    );
    let mut section = None;
    for metric in ALL {
        let this = (metric.namespace, metric.dimensions);
        if section.replace(this) != Some(this) {
            heading(&mut text, metric);
        }
        row(&mut text, metric);
    }
    text
}

fn heading(text: &mut String, metric: &Definition) {
    let dimension = |names: DimensionNames| match names {
        DimensionNames::Resources(keys) => keys.join(" or "),
        DimensionNames::Fixed(value) => format!("always {value}"),
    };
    let dimensions: Vec<_> =
        metric.dimensions.iter().map(|one| format!("`{}` ({})", one.name, dimension(one.names))).collect();
    let by = if dimensions.is_empty() { "no dimension".to_owned() } else { dimensions.join(", ") };
    let _ = write!(
        text,
        "\n## {}, by {by}\n\n| metric | unit | percentiles | values | meaning | alarm |\n|---|---|---|---|---|---|\n",
        metric.namespace
    );
}

fn row(text: &mut String, metric: &Definition) {
    let unit = match metric.unit {
        Unit::Count => "count",
        Unit::Milliseconds => "ms",
        Unit::Seconds => "s",
        Unit::Bytes => "bytes",
        Unit::Percent => "%",
        Unit::None => "",
    };
    let percentiles = if metric.percentiles { "yes" } else { "" };
    let values = match metric.bounds {
        (least, most) if most.is_finite() => format!("{least} to {most}"),
        (least, _) => format!("{least} or more"),
    };
    let alarm = match metric.alarm {
        Alarm::Rule => "rule".to_owned(),
        Alarm::None(reason) => format!("none: {reason}"),
    };
    let (name, meaning) = (metric.name, metric.meaning.trim());
    let _ = writeln!(text, "| `{name}` | {unit} | {percentiles} | {values} | {meaning} | {alarm} |");
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_document_lists_what_the_register_has() {
        let found = include_str!("../../../docs/metrics.md");
        let expected = super::document();
        let differs = found.lines().zip(expected.lines()).find(|(found, expected)| found != expected);
        assert!(
            found == expected,
            "docs/metrics.md is out of date; run `cargo run -p spillway-metrics --example document > docs/metrics.md`. \
             The first line that differs: {differs:#?}"
        );
    }
}
