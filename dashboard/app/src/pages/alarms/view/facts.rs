//! The properties of an alarm besides its state: its rule, its datapoints, its twin.

use crate::{
    components::{Badge, Fact, Facts, Tone},
    context::Page,
    links,
    pages::alarms::{
        data::{One, Seen},
        words,
    },
};
use leptos::prelude::*;
use spillway_dashboard_model::alarms::{AlarmState, Condition, MetricCondition, MissingData, Rule, Tier};
use spillway_dashboard_words::duration;

/// The rule, as terms and values.
pub(super) fn rule_facts(detail: &One, page: &Page) -> AnyView {
    let rule = &detail.rule;
    let mut facts = vec![Fact::code("Name", rule.name.to_string()), Fact::new("Tier", words::tier(rule))];
    match &rule.condition {
        Condition::Metric(metric) => facts.extend(metric_facts(metric)),
        Condition::Composite(composite) => {
            let parts = rule.parts().into_iter().filter_map(|part| detail.now.rules.get(part));
            let parts = parts.map(|part| part_of(part, detail, page)).collect_view();
            facts.push(Fact::new("Rule", view! { <code>{composite.text.clone()}</code> }));
            facts.push(Fact::new("Parts", view! { <ul>{parts}</ul> }));
        }
    }
    facts.extend(rule.metric().map(|metric| Fact::new("Missing data", missing(metric))));
    facts.extend(twin(detail, page));
    let wholes = detail.now.rules.iter().filter(|other| other.parts().contains(&rule.name.as_str()));
    let wholes: Vec<_> = wholes
        .map(|other| view! { <a href=links::alarm(page, &other.name)>{other.name.to_string()}</a> })
        .collect();
    facts.extend((!wholes.is_empty()).then(|| Fact::new("Part of", wholes)));
    facts.push(Fact::code("Defined in", rule.place()));
    view! { <Facts facts=facts /> }.into_any()
}

fn metric_facts(metric: &MetricCondition) -> Vec<Fact> {
    let text = format!("In alarm when {}.", words::condition(metric));
    let metrics = words::metrics(metric)
        .into_iter()
        .map(|(id, text)| view! { <li><code>{id}</code> ": " {text}</li> })
        .collect_view();
    let mut facts = vec![Fact::new("Rule", view! { {text} {limit(metric)} })];
    let expression = metric.expression.clone();
    facts.extend(expression.map(|text| Fact::new("Expression", view! { <code>{text}</code> })));
    facts.push(Fact::new("Metrics", view! { <ul>{metrics}</ul> }));
    facts
}

fn twin(detail: &One, page: &Page) -> Option<Fact> {
    let (twin, status) = detail.twin.as_ref()?;
    let (title, lead) = match (detail.rule.tier, detail.lead_s) {
        (Tier::High, Some(lead)) => {
            ("Early warning", format!(" It last fired {} before this alarm.", duration(lead as f64)))
        }
        (Tier::High, None) => ("Early warning", " It fires earlier.".to_owned()),
        (Tier::Low, _) => ("Escalates to", " It fires if the condition continues.".to_owned()),
    };
    let tone = words::tone(status.state, twin.tier);
    let shown = view! {
        <a href=links::alarm(page, &twin.name)>{twin.name.to_string()}</a> " "
        <Badge tone=tone text=words::state(status.state) /> {lead}
    };
    Some(Fact::new(title, shown))
}

fn limit(metric: &MetricCondition) -> Option<String> {
    let limit = metric.limit.as_ref()?;
    Some(format!(" The threshold is {} % of the limit {limit}.", 100.0 * metric.threshold_factor))
}

fn missing(metric: &MetricCondition) -> String {
    if metric.is_never_missing() {
        return "Every period has a value, also without data.".to_owned();
    }
    let counts = match metric.effective_missing_data() {
        MissingData::Breaching => "one beyond the threshold",
        MissingData::NotBreaching => "one within the threshold",
        MissingData::Ignore => "nothing: the state does not change",
        MissingData::Missing => "nothing: without any datapoint, the state is “no data”",
    };
    format!("A missing datapoint counts as {counts}.")
}

fn part_of(part: &Rule, detail: &One, page: &Page) -> AnyView {
    let state = detail.now.status(part.name.as_str()).map(|status| status.state).unwrap_or_default();
    let tone = words::tone(state, part.tier);
    view! {
        <li>
            <a href=links::alarm(page, &part.name)>{part.name.to_string()}</a> " "
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
            let position = if breaching { "beyond the threshold" } else { "within the threshold" };
            view! {
                <li data-tone=tone.name() class:breaching=breaching>
                    <span class="num">{words::value(condition, *value)}</span>
                    <span class="visually-hidden">", " {position}</span>
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
