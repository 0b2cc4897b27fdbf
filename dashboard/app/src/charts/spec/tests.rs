use super::*;
use crate::context::Page;
use spillway_core::names::Names;
use spillway_dashboard_charts::Role;
use spillway_dashboard_model::Series as Numbers;
use spillway_dashboard_model::catalogue::{Stage, catalogue, of_stage, overview};

fn question(compare: bool) -> Question {
    let page = Page::of("/metrics", "range=1h", "", "2026-03-10T12:00:30Z".parse().unwrap());
    Question::of(&page, compare)
}

fn entry(stage: Stage, key: &str) -> Entry {
    of_stage(stage, &Names::default()).into_iter().find(|entry| entry.key == key).unwrap()
}

fn of_overview(key: &str) -> Entry {
    overview(&Names::default()).into_iter().find(|entry| entry.key == key).unwrap()
}

/// A line that ends with these numbers.
fn line(points: &[f64], question: &Question) -> Numbers {
    let mut line = Numbers::empty(question.range.aligned(question.period), question.period);
    let len = line.points.len();
    for (point, value) in line.points[len - points.len()..].iter_mut().zip(points) {
        *point = Some(*value);
    }
    line
}

/// The chart of an entry whose lines all end with the same numbers, and its current value.
fn drawn(entry: &Entry, points: &[f64], compare: bool) -> (Chart, Option<String>) {
    let question = question(compare);
    let of = |entry: &Entry| ChartNumbers { lines: vec![line(points, &question); entry.lines.len()] };
    let earlier = compare.then(|| of(&compared(entry)));
    let range = question.range.aligned(question.period);
    let chart = chart(entry, &of(entry), earlier.as_ref(), (range, &question));
    let current = current(entry, &chart, (range, &question)).map(|(current, _)| match current.note {
        Some(note) => format!("{note}: {}", current.value),
        None => current.value,
    });
    (chart, current)
}

#[test]
fn traffic_ends_with_the_last_complete_period() {
    let (chart, current) = drawn(&entry(Stage::Api, "requests"), &[120.0, 3.0], false);
    assert_eq!(
        chart.series[0].points.last(),
        Some(&Some(120.0)),
        "an incomplete period would look like a fall"
    );
    assert_eq!(current.as_deref(), Some("in 1\u{a0}min: 120"));
    assert_eq!(chart.kind, Kind::Area);
}

#[test]
fn a_new_error_has_its_bar_at_once_and_the_headline_is_of_the_last_complete_period() {
    let (chart, current) = drawn(&entry(Stage::Api, "server-errors"), &[4.0, 3.0], false);
    assert_eq!(chart.series[0].points.last(), Some(&Some(3.0)));
    assert_eq!(current.as_deref(), Some("in 1\u{a0}min: 4"), "the running minute is not complete");
    assert_eq!(chart.kind, Kind::Bars);
}

#[test]
fn a_current_value_names_its_line_if_there_are_several() {
    let (chart, current) = drawn(&entry(Stage::Api, "latency"), &[41.0], false);
    assert_eq!(current.as_deref(), Some("p99: 41\u{a0}ms"));
    let names: Vec<_> = chart.series.iter().map(|series| series.name.as_str()).collect();
    assert_eq!(names, ["p99", "p90", "p50", "max"]);
    assert_eq!(chart.kind, Kind::Line, "percentiles do not add up");
    let (_, records) = drawn(&entry(Stage::Consumer, "records"), &[9.0, 9.0], false);
    assert_eq!(records.as_deref(), Some("stored in 1\u{a0}min: 9"));
}

#[test]
fn stacked_parts_show_their_sum() {
    let (chart, current) = drawn(&of_overview("errors"), &[2.0, 5.0], false);
    assert_eq!((chart.kind, current.as_deref()), (Kind::Bars, Some("in 1\u{a0}min: 12")), "six stages");
    let of_legend: Vec<_> = legend_at(&chart, Some(chart.series[0].points.len() - 2))
        .into_iter()
        .map(|item| item.latest)
        .collect();
    assert_eq!(of_legend, vec![Some("2".to_owned()); 6], "the legend is of the same period");
    let (chart, current) = drawn(&of_overview("depth"), &[5.0], false);
    assert_eq!((chart.kind, current.as_deref()), (Kind::StackedArea, Some("10")));
    let (chart, current) = drawn(&entry(Stage::Table, "error-share"), &[25.0], false);
    assert_eq!((chart.kind, current.as_deref()), (Kind::StackedArea, Some("50\u{a0}%")));
    for other in [entry(Stage::Consumer, "receive-count"), of_overview("accepted-and-stored")] {
        assert_eq!(drawn(&other, &[1.0, 1.0], false).0.kind, Kind::Line, "{}", other.key);
    }
}

#[test]
fn an_old_number_is_not_current() {
    let question = question(false);
    let range = question.range.aligned(question.period);
    let entry = entry(Stage::Queue, "age");
    let mut old = line(&[], &question);
    old.points[0] = Some(5.0);
    let chart = chart(&entry, &ChartNumbers { lines: vec![old] }, None, (range, &question));
    assert_eq!(current(&entry, &chart, (range, &question)), None);
}

#[test]
fn yesterday_is_a_dashed_line_of_the_same_colour() {
    let (chart, _) = drawn(&entry(Stage::Api, "latency"), &[41.0], true);
    let yesterday = chart.series.last().unwrap();
    assert_eq!((yesterday.name.as_str(), yesterday.color), ("p99, yesterday", 1));
    assert_eq!(yesterday.role, Role::Earlier);
    let (alone, _) = drawn(&entry(Stage::Queue, "age"), &[41.0], true);
    let names: Vec<_> = alone.series.iter().map(|series| series.name.as_str()).collect();
    assert_eq!(names, ["now", "yesterday"]);
}

#[test]
fn a_sum_is_compared_with_a_sum() {
    let (chart, current) = drawn(&of_overview("depth"), &[5.0], true);
    let yesterday = chart.series.last().unwrap();
    assert_eq!((yesterday.name.as_str(), yesterday.points.last()), ("all, yesterday", Some(&Some(10.0))));
    assert_eq!(current.as_deref(), Some("10"), "yesterday is not in the current value");
}

#[test]
fn every_chart_of_the_catalogue_can_be_drawn() {
    let names = Names::default();
    for entry in catalogue(&names).into_iter().chain(overview(&names)) {
        let (chart, _) = drawn(&entry, &[1.0, 2.0], true);
        assert_eq!(chart.series.len(), entry.lines.len() + 1, "{}", entry.key);
        assert!(spillway_dashboard_charts::render_svg(&chart).svg.contains("<path"), "{}", entry.key);
    }
}
