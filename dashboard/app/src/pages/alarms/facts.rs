//! What is known of an alarm besides its state: its rule, its numbers, its twin.

use super::{detail::Detail, numbers::Seen, row::href, words};
use crate::{
    components::{Badge, Tone},
    context::Page,
    format::duration,
};
use leptos::prelude::*;
use spillway_dashboard_model::alarms::{AlarmState, Condition, MetricCondition, Rule, Tier};

/// The facts as terms and descriptions.
pub(super) fn facts(detail: &Detail, page: &Page) -> AnyView {
    let Detail { rule, twin, lead_s, .. } = detail;
    let condition = match &rule.condition {
        Condition::Metric(metric) => {
            let text = format!("In alarm when {}.", words::condition(metric));
            view! { <dt>"Rule"</dt> <dd>{text} {limit(metric)}</dd> {expression(metric)} }.into_any()
        }
        Condition::Composite(composite) => {
            let parts = rule.parts().into_iter().filter_map(|part| detail.now.rules.get(part));
            let parts = parts.map(|part| part_of(part, detail, page)).collect_view();
            let text = composite.text.clone();
            view! { <dt>"Rule"</dt> <dd><code>{text}</code></dd> <dt>"Parts"</dt> <dd><ul>{parts}</ul></dd> }
                .into_any()
        }
    };
    let twin = twin.as_ref().map(|(twin, status)| {
        let (title, lead) = match (rule.tier, lead_s) {
            (Tier::High, Some(lead)) => {
                ("Low twin", format!(" It fired {} before this one the last time.", duration(*lead as f64)))
            }
            (Tier::High, None) => ("Low twin", " It fires earlier.".to_owned()),
            (Tier::Low, _) => ("High twin", " It fires if this goes on.".to_owned()),
        };
        let tone = words::tone(status.state, twin.tier);
        view! {
            <dt>{title}</dt>
            <dd>
                <a href=href(page, &twin.name)>{twin.name.to_string()}</a> " "
                <Badge tone=tone text=words::state(status.state) /> {lead}
            </dd>
        }
    });
    let used_by = detail.now.rules.iter().filter(|other| other.parts().contains(&rule.name.as_str()));
    let used_by: Vec<_> =
        used_by.map(|other| view! { <a href=href(page, &other.name)>{other.name.to_string()}</a> }).collect();
    let used_by = (!used_by.is_empty()).then(|| view! { <dt>"Part of"</dt> <dd>{used_by}</dd> });
    let missing = rule.metric().map(|metric| {
        let text = match metric.is_never_missing() {
            true => "Every period has a value, also without data.".to_owned(),
            false => format!("A missing datapoint counts as {}.", missing(metric)),
        };
        view! { <dt>"Missing data"</dt> <dd>{text}</dd> }
    });
    view! {
        <dl class="details">
            <dt>"Name"</dt>
            <dd class="mono">{rule.name.to_string()}</dd>
            <dt>"Tier"</dt>
            <dd>{words::tier(rule)}</dd>
            {condition}
            {missing}
            {twin}
            {used_by}
            <dt>"Defined in"</dt>
            <dd class="mono">{rule.place()}</dd>
        </dl>
    }
    .into_any()
}

fn limit(metric: &MetricCondition) -> Option<String> {
    let limit = metric.limit.as_ref()?;
    Some(format!(" The threshold is {} % of the limit {limit}.", 100.0 * metric.threshold_factor))
}

fn expression(metric: &MetricCondition) -> AnyView {
    let metrics = words::metrics(metric)
        .into_iter()
        .map(|(id, text)| view! { <li><code>{id}</code> ": " {text}</li> })
        .collect_view();
    let expression = metric.expression.clone().map(|text| {
        view! { <dt>"Expression"</dt> <dd><code>{text}</code></dd> }
    });
    view! { {expression} <dt>"Metrics"</dt> <dd><ul>{metrics}</ul></dd> }.into_any()
}

fn missing(metric: &MetricCondition) -> &'static str {
    match metric.effective_missing_data().name() {
        "breaching" => "one beyond the threshold",
        "notBreaching" => "one within the threshold",
        "ignore" => "nothing: the state stays as it is",
        _ => "nothing: without any, there is no state",
    }
}

fn part_of(part: &Rule, detail: &Detail, page: &Page) -> AnyView {
    let state = detail.now.status(part.name.as_str()).map(|status| status.state).unwrap_or_default();
    let tone = words::tone(state, part.tier);
    view! {
        <li>
            <a href=href(page, &part.name)>{part.name.to_string()}</a> " "
            <Badge tone=tone text=words::state(state) /> " "
            {part.metric().map(words::condition)}
        </li>
    }
    .into_any()
}

/// The newest datapoints that decide, each with whether it is beyond the threshold.
pub(super) fn datapoints(seen: &Seen) -> Option<AnyView> {
    let condition = seen.rule.metric()?;
    let points = seen.datapoints.as_ref()?;
    let reason = words::reason(condition, points);
    let beyond = words::tone(AlarmState::Alarm, seen.rule.tier);
    let items = points.iter().map(|point| match point {
        Some(value) => {
            let breaching = words::breaches(condition, *value);
            let tone = if breaching { beyond } else { Tone::Good };
            let said = if breaching { "beyond the threshold" } else { "within the threshold" };
            view! {
                <li data-tone=tone.name() class:breaching=breaching>
                    <span class="num">{words::value(condition, *value)}</span>
                    <span class="visually-hidden">", " {said}</span>
                </li>
            }
            .into_any()
        }
        None => view! { <li class="missing" title="no datapoint">"–"</li> }.into_any(),
    });
    let items = items.collect_view();
    let label = format!("The newest {} datapoints, oldest first", points.len());
    let shown = view! {
        <p>{reason}</p>
        <ol class="datapoints" aria-label=label>{items}</ol>
    };
    Some(shown.into_any())
}
