//! Incidents as rows, and the active ones on the overview.

use super::respond;
use crate::{
    components::{Badge, EmptyState, FormError, StatusSentence, Time, Tone},
    context::{Page, use_page},
    links,
    pages::incidents::{actions::RESPOND, data::List, words},
};
use leptos::prelude::*;
use spillway_dashboard_model::alarms::{RuleSet, Tier};
use spillway_dashboard_model::incidents::{Incident, IncidentId, Response};
use spillway_dashboard_words::counted;
use std::collections::BTreeMap;

pub(in crate::pages::incidents) fn list(list: &List) -> AnyView {
    let page = use_page();
    let (active, over): (Vec<&Incident>, Vec<&Incident>) =
        list.incidents.iter().partition(|incident| incident.is_active());
    let high = active.iter().filter(|incident| incident.tier() == Tier::High).count();
    let tone = match (active.len(), high) {
        (0, _) => Tone::Good,
        (_, 0) => Tone::Warning,
        _ => Tone::Bad,
    };
    let sentence = match (active.len(), high) {
        (0, _) => "No incident is active.".to_owned(),
        (all, 0) => format!("{}.", counted(all as u64, "low incident is active", "low incidents are active")),
        (all, high) => {
            let active = counted(all as u64, "incident is active", "incidents are active");
            format!("{active}, {high} of them with a high alarm.")
        }
    };
    let rows = |incidents: &[&Incident]| {
        incidents
            .iter()
            .map(|incident| row(incident, &list.now.rules, list.responses.as_deref(), &page))
            .collect_view()
    };
    let active_rows = (!active.is_empty()).then(|| view! { <ul class="alarm-list">{rows(&active)}</ul> });
    let over_rows = match over.is_empty() {
        true => view! {
            <EmptyState title="No incident has ended yet.">
                "Alarms of one cause are one incident. All rules are on " <a href=page.href("/alarms", "")>"Alarms"</a> "."
            </EmptyState>
        }
        .into_any(),
        false => view! { <ul class="alarm-list">{rows(&over)}</ul> }.into_any(),
    };
    view! {
        <StatusSentence tone=tone>{sentence}</StatusSentence>
        {active_rows}
        <section class="section" aria-labelledby="incidents-over">
            <h2 id="incidents-over">"Over"</h2>
            {over_rows}
        </section>
    }
    .into_any()
}

/// The active incidents, each with a button to take it. Without any there is nothing.
pub(crate) fn on_overview(
    incidents: &[Incident],
    rules: &RuleSet,
    responses: Option<&BTreeMap<IncidentId, Response>>,
    page: &Page,
) -> AnyView {
    let rows = incidents.iter().filter(|incident| incident.is_active()).map(|incident| {
        let response = of(responses, incident);
        let is_free = response.as_ref().is_some_and(|response| response.holder(incident).is_none());
        let take = is_free.then(|| respond::take(incident));
        let href = links::incident(&incident.id);
        let handled = words::handled(incident, response.as_ref(), page).join(" · ");
        let title = words::title(incident, rules);
        view! {
            <li data-tone=words::tone(incident).name() data-key=incident.id.to_string()>
                <Badge tone=words::tone(incident) text=incident.tier().to_string() />
                <a href=href>{title}</a>
                <span class="quiet">{handled}</span>
                {take}
            </li>
        }
    });
    let rows: Vec<_> = rows.collect();
    if rows.is_empty() {
        return ().into_any();
    }
    view! {
        <section class="incidents-now" aria-label="Active incidents">
            <FormError action=RESPOND />
            <ul>{rows}</ul>
        </section>
    }
    .into_any()
}

/// What people did about an incident; `None` if it can't be read.
fn of(responses: Option<&BTreeMap<IncidentId, Response>>, incident: &Incident) -> Option<Response> {
    responses.map(|all| all.get(&incident.id).cloned().unwrap_or_default())
}

fn row(
    incident: &Incident,
    rules: &RuleSet,
    responses: Option<&BTreeMap<IncidentId, Response>>,
    page: &Page,
) -> AnyView {
    let tone = words::tone(incident);
    let href = links::incident(&incident.id);
    let handled = words::handled(incident, of(responses, incident).as_ref(), page);
    let handled = (!handled.is_empty()).then(|| view! { <span>{handled.join(" · ")}</span> });
    let merged = incident.merged_into.as_ref().map(|whole| {
        let href = links::incident(whole);
        view! { <span>"part of " <a href=href>{whole.to_string()}</a></span> }
    });
    view! {
        <li class="alarm" data-tone=tone.name() data-row="" data-key=incident.id.to_string() tabindex="-1">
            <span class="alarm-tier"><Badge tone=tone text=incident.tier().to_string() /></span>
            <a class="alarm-summary" href=href>{words::title(incident, rules)}</a>
            <span class="alarm-facts">
                <span class="alarm-since"><strong>{words::since(incident, page.now)}</strong> ", since " <Time at=incident.began absolute=true /></span>
                <span class="mono">{incident.cause.clone()}</span>
                <span>{words::alarms(incident)}</span>
                {handled}
                {merged}
            </span>
        </li>
    }
    .into_any()
}
