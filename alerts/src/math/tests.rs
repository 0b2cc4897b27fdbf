//! Each published example of metric math, and the rules around it.

use super::evaluate::Frame;
use super::{Expression, Function};

const GAP: f64 = f64::NAN;

/// Evaluates over one-minute columns that start on Monday 2026-01-05, 00:00 UTC.
fn evaluate(text: &str, metrics: &[(&str, &[f64])]) -> Vec<f64> {
    let ids: Vec<&str> = metrics.iter().map(|(id, _)| *id).collect();
    let columns: Vec<&[f64]> = metrics.iter().map(|(_, column)| *column).collect();
    let len = columns.first().map_or(3, |column| column.len());
    let expression = Expression::parse(text, &ids).unwrap();
    expression.evaluate(&Frame { columns: &columns, first_start: 1_767_571_200, step: 60, period: 60, len })
}

#[track_caller]
fn check(text: &str, metrics: &[(&str, &[f64])], expected: &[f64]) {
    let show = |values: &[f64]| {
        values
            .iter()
            .map(|v| if v.is_nan() { "-".to_owned() } else { v.to_string() })
            .collect::<Vec<_>>()
            .join(" ")
    };
    assert_eq!(show(&evaluate(text, metrics)), show(expected), "{text}");
}

#[track_caller]
fn refused(text: &str, part: &str) {
    let error = Expression::parse(text, &["m1", "m2"]).unwrap_err().to_string();
    assert!(error.contains(part), "{text}: {error}");
}

#[test]
fn published_comparisons_treat_a_missing_value_as_zero() {
    let metrics: [(&str, &[f64]); 2] = [("m1", &[30.0, 20.0, 0.0, 0.0]), ("m2", &[20.0, GAP, 20.0, GAP])];
    check("m1 < m2", &metrics, &[0.0, 0.0, 1.0, 0.0]);
    check("m1 >= 30", &metrics, &[1.0, 0.0, 0.0, 0.0]);
    check("m1 > 15 AND m2 > 15", &metrics, &[1.0, 0.0, 0.0, 0.0]);
    check("m1 > 15 || m2 > 15", &metrics, &[1.0, 1.0, 1.0, 0.0]);
}

#[test]
fn published_if_tables() {
    let one: &[f64] = &[1.0, 1.0, 0.0, 0.0, GAP];
    let two: &[f64] = &[30.0, GAP, 0.0, 0.0, 30.0];
    let three: &[f64] = &[0.0, 0.0, 20.0, GAP, 20.0];
    let metrics = [("m1", one), ("m2", two), ("m3", three)];
    check("IF(m1, m2, m3)", &metrics, &[30.0, 0.0, 20.0, GAP, GAP]);
    check("IF(m1, 5, m3)", &metrics, &[5.0, 5.0, 20.0, GAP, GAP]);
    check("IF(m1, m2, 5)", &metrics, &[30.0, 0.0, 5.0, 5.0, GAP]);
    check("IF(m1, m2)", &metrics, &[30.0, 0.0, GAP, GAP, GAP]);
    check("IF(0, m2, m3)", &metrics, &[0.0, 0.0, 20.0, GAP, 20.0]);
}

#[test]
fn arithmetic_takes_one_missing_side_as_zero_and_drops_divisions_by_zero() {
    let metrics: [(&str, &[f64]); 2] = [("m1", &[4.0, GAP, 6.0, GAP]), ("m2", &[2.0, 5.0, GAP, GAP])];
    check("m1 + m2", &metrics, &[6.0, 5.0, 6.0, GAP]);
    check("m1 - m2", &metrics, &[2.0, -5.0, 6.0, GAP]);
    check("m1 / m2", &metrics, &[2.0, 0.0, GAP, GAP]);
    check("m1 + 1", &metrics, &[5.0, GAP, 7.0, GAP]);
    check("10 / m1", &metrics, &[2.5, GAP, 10.0 / 6.0, GAP]);
}

#[test]
fn operators_bind_as_in_arithmetic() {
    let metrics: [(&str, &[f64]); 1] = [("m1", &[2.0])];
    check("m1 + 3 * 4", &metrics, &[14.0]);
    check("(m1 + 3) * 4", &metrics, &[20.0]);
    check("-m1 ^ 2", &metrics, &[-4.0]);
    check("m1 ^ 3 ^ 2", &metrics, &[512.0]);
    check("m1 - 1 - 1", &metrics, &[0.0]);
    check("m1 > 1 && m1 + 1 < 4", &metrics, &[1.0]);
    check("1.5e1 * m1", &metrics, &[30.0]);
}

#[test]
fn fill_closes_gaps_with_a_value_the_last_one_or_a_line() {
    let metrics: [(&str, &[f64]); 2] =
        [("m1", &[GAP, 2.0, GAP, GAP, 8.0, GAP]), ("m2", &[9.0, 9.0, 9.0, GAP, 9.0, 9.0])];
    check("FILL(m1, 0)", &metrics, &[0.0, 2.0, 0.0, 0.0, 8.0, 0.0]);
    check("FILL(m1, REPEAT)", &metrics, &[GAP, 2.0, 2.0, 2.0, 8.0, 8.0]);
    check("FILL(m1, LINEAR)", &metrics, &[GAP, 2.0, 4.0, 6.0, 8.0, GAP]);
    check("FILL(m1, m2)", &metrics, &[9.0, 2.0, 9.0, GAP, 8.0, 9.0]);
    check("FILL(m1, MIN(m1))", &metrics, &[2.0, 2.0, 2.0, 2.0, 8.0, 2.0]);
    check("MAX(FILL(METRICS(), 1))", &metrics, &[9.0, 9.0, 9.0, 1.0, 9.0, 9.0]);
}

#[test]
fn reductions_give_a_number_of_a_series_and_a_series_of_an_array() {
    let metrics: [(&str, &[f64]); 3] =
        [("errors_a", &[1.0, GAP, 3.0]), ("errors_b", &[5.0, GAP, 1.0]), ("calls", &[10.0, 20.0, GAP])];
    check("SUM([errors_a, errors_b])", &metrics, &[6.0, GAP, 4.0]);
    check("MAX([errors_a, errors_b])", &metrics, &[5.0, GAP, 3.0]);
    check("AVG([errors_a, calls])", &metrics, &[5.5, 10.0, 1.5]);
    check("SUM(METRICS(\"errors\"))", &metrics, &[6.0, GAP, 4.0]);
    check("SUM([METRICS(\"_a\"), METRICS(\"calls\")])", &metrics, &[11.0, 20.0, 3.0]);
    check("calls - AVG(calls)", &metrics, &[0.0, 10.0, GAP]);
    check("calls / SUM(calls) * 3", &metrics, &[1.0, 2.0, GAP]);
    check("TIME_SERIES(DATAPOINT_COUNT(calls))", &metrics, &[2.0, 2.0, 2.0]);
    check("calls / METRIC_COUNT(METRICS())", &metrics, &[10.0 / 3.0, 20.0 / 3.0, GAP]);
    check("SUM(METRICS(\"errors\") / calls)", &metrics, &[0.6, 0.0, GAP]);
    check("LAST(METRICS())", &metrics, &[10.0, 20.0, GAP]);
}

#[test]
fn rates_reach_back_to_the_datapoint_before_across_gaps() {
    let metrics: [(&str, &[f64]); 1] = [("m1", &[60.0, 180.0, GAP, 60.0])];
    check("DIFF(m1)", &metrics, &[GAP, 120.0, GAP, -120.0]);
    check("RATE(m1)", &metrics, &[GAP, 2.0, GAP, -1.0]);
    check("DIFF_TIME(m1)", &metrics, &[GAP, 60.0, GAP, 120.0]);
    check("RUNNING_SUM(m1)", &metrics, &[60.0, 240.0, GAP, 300.0]);
    check("m1 / PERIOD(m1)", &metrics, &[1.0, 3.0, GAP, 1.0]);
}

#[test]
fn clocks_are_utc_and_have_no_gaps() {
    let metrics: [(&str, &[f64]); 1] = [("m1", &[GAP, 1.0])];
    check("MINUTE(m1)", &metrics, &[0.0, 1.0]);
    check("HOUR(m1)", &metrics, &[0.0, 0.0]);
    check("DAY(m1)", &metrics, &[1.0, 1.0]);
    check("DATE(m1)", &metrics, &[5.0, 5.0]);
    check("MONTH(m1)", &metrics, &[1.0, 1.0]);
    check("YEAR(m1)", &metrics, &[2026.0, 2026.0]);
    check("EPOCH(m1)", &metrics, &[1_767_571_200.0, 1_767_571_260.0]);
    check("IF(DAY(m1) < 6, m1)", &metrics, &[0.0, 1.0]);
}

#[test]
fn an_invalid_expression_is_refused_with_its_place_and_what_was_expected() {
    refused("m1 +", "column 5: expected a metric id, a number or a function, found the end");
    refused("m3 * 2", "column 1: no metric has the id `m3`; the ids are m1, m2");
    refused("sum(m1)", "upper case: `SUM`");
    refused("SEARCH(m1)", "not a function");
    refused("IF(m1)", "IF takes 2 to 3 arguments, found 1");
    refused("m1 m2", "column 4: expected an operator");
    refused("(m1", "expected `)`, found the end");
    refused("m1 # 2", "column 4: `#`");
    refused("METRICS(\"x\")", "no metric id contains `x`");
    refused("AVG(m1)", "yields a single number");
    refused("METRICS()", "yields several");
    refused("[m1] + [m2]", "two arrays");
    refused("FIRST(m1)", "takes an array");
    refused("1.2.3 * m1", "not a number");
    refused(&"(".repeat(500), "deep");
    refused(&"-".repeat(500), "deep");
}

#[test]
fn parsing_finds_expressions_that_depend_on_the_retrieved_range() {
    let pointwise = |text: &str| Expression::parse(text, &["m1", "m2"]).unwrap().is_pointwise();
    for text in ["m1 / m2", "FILL(m1, 0)", "SUM([m1, m2])", "IF(HOUR(m1) < 6, m1, 0)", "m1 / PERIOD(m1)"] {
        assert!(pointwise(text), "{text}");
    }
    for text in ["m1 - AVG(m1)", "FILL(m1, REPEAT)", "RATE(m1)", "TIME_SERIES(MAX(m1))", "FILL(m1, MIN(m1))"]
    {
        assert!(!pointwise(text), "{text}");
    }
}

#[test]
fn parsing_finds_expressions_that_always_have_a_value() {
    let gaps: &[f64] = &[GAP, GAP];
    for (text, expected) in [
        ("m1", false),
        ("FILL(m1, 0)", true),
        ("FILL(m1, REPEAT)", false),
        ("FILL(m1, 0) + m2", true),
        ("FILL(m1, 0) / m2", false),
        ("IF(FILL(m1, 0) > 0, m2 / m1, 0)", true),
        ("IF(FILL(m1, 0) > 0, m2 / m1)", false),
        ("IF(m1, 1, 0)", false),
        ("HOUR(m1)", true),
        ("SUM([m1, FILL(m2, 0)])", true),
        ("TIME_SERIES(3)", true),
    ] {
        let expression = Expression::parse(text, &["m1", "m2"]).unwrap();
        assert_eq!(expression.is_never_missing(), expected, "{text}");
        let has_values = evaluate(text, &[("m1", gaps), ("m2", gaps)]).iter().all(|value| !value.is_nan());
        assert_eq!(has_values, expected, "{text}, evaluated without any data");
    }
}

#[test]
fn every_function_has_a_name_of_its_own() {
    for function in Function::ALL {
        assert_eq!(Function::named(function.name()), Some(*function));
    }
}
