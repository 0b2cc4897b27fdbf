//! The overview: the verdict first, then the flow, then charts as evidence.

mod alarms;
mod answer;
mod diagram;
mod waiting;

pub(crate) use answer::verdict as verdict_card;

use super::{data::Data, words};
use crate::{
    charts::{ChartGrid, ChartGroup, ShownChart, UnreadCharts},
    components::{ErrorState, now_band, range_band},
    context::{Page, use_page},
    links,
    pages::incidents::on_overview,
    ports::use_ports,
};
use leptos::prelude::*;
use spillway_dashboard_model::ReadError;
use spillway_dashboard_model::flow::{FlowSnapshot, Verdict};

pub(super) fn draw(data: &Data) -> impl IntoView + use<> {
    // A past range says nothing about now.
    let is_now = use_page().range.preset.is_some();
    let depth = data.charts.as_ref().ok().filter(|_| is_now).and_then(queue_depth).unwrap_or_default();
    let flow = match &data.flow {
        Ok(flow) => now(flow, data, &depth).into_any(),
        Err(error) => view! { {unread(error)} {alarms::active(data, None, &use_page())} }.into_any(),
    };
    let charts = match &data.charts {
        Ok(group) => {
            let group = group.clone().with_oldest(data.flow.as_ref().ok(), &use_page());
            view! { <ChartGrid group=group link=more /> }.into_any()
        }
        Err(error) => view! { <UnreadCharts error=error.clone() /> }.into_any(),
    };
    view! {
        {flow}
        <section class="section" aria-labelledby="over-time">
            {range_band(&use_page())}
            {charts}
        </section>
    }
}

/// The pipeline at this moment.
fn now(flow: &FlowSnapshot, data: &Data, depth: &[Option<f64>]) -> impl IntoView + use<> {
    let page = use_page();
    let mut verdict = Verdict::of(flow);
    if let Some(age) = &mut verdict.evidence_age_s {
        // The snapshot may be older than the page.
        *age += (page.now.as_second() - flow.at.as_second()).max(0);
    }
    view! {
        {answer::verdict(&verdict, &page)}
        {first_step(flow)}
        {incidents(data, &page)}
        {now_band()}
        {answer::ledger(flow, &page)}
        {alarms::active(data, Some(verdict.state), &page)}
        {diagram::diagram(
            &words::pipeline(flow, &verdict),
            depth,
            waiting::countdown(flow, &page).into_any(),
            &page,
        )}
        {waiting::dead_letters(flow)}
    }
}

/// What to do with a pipeline that has no events yet.
fn first_step(flow: &FlowSnapshot) -> AnyView {
    if flow.ledger.accepted > 0 {
        return ().into_any();
    }
    let ports = use_ports();
    let url = ports.environment.api.clone().unwrap_or_else(|| "API-ADDRESS/events".to_owned());
    let command = format!("curl -d '{{\"hello\":\"world\"}}' -H 'content-type: application/json' {url}");
    view! {
        <section class="first-step" aria-labelledby="first-step">
            <h2 id="first-step">"Send the first event"</h2>
            <pre class="mono"><code>{command}</code></pre>
            <p class="quiet">"The answer is 202 with the event's id. The event is on this page within seconds."</p>
        </section>
    }
    .into_any()
}

/// The active incidents, each with a button to take it.
fn incidents(data: &Data, page: &Page) -> Option<AnyView> {
    // Without the alarms there are no incidents either, and the part about alarms says so.
    let rules = &data.alarms.as_ref().ok()?.rules;
    Some(match &data.incidents {
        Ok(incidents) => on_overview(incidents, rules, data.responses.as_deref(), page),
        Err(error) => {
            let why = error.to_string();
            view! { <p class="stale-note">"The incidents cannot be read now: " {why} "."</p> }.into_any()
        }
    })
}

fn unread(error: &ReadError) -> impl IntoView + use<> {
    let why = error.to_string();
    view! {
        <ErrorState title="The places of the events cannot be read now." retry=true>
            {why}
            ". Accepted events are on disk and not affected. Check that the pipeline's data folder can be read. The page retries automatically."
        </ErrorState>
    }
}

/// Links to details.
fn more(chart: &ShownChart, page: &Page) -> Option<(String, String)> {
    let stage = chart.entry.stage;
    Some((stage.title().to_owned(), links::metrics(page, stage, "")))
}

/// Messages in the queue over the range: the sum of waiting and in flight, where known.
fn queue_depth(group: &ChartGroup) -> Option<Vec<Option<f64>>> {
    let chart = group.charts.iter().find(|chart| chart.entry.key == "depth")?;
    let hover = &chart.drawn.hover;
    let all = |index| (0..hover.s.len()).filter_map(|series| hover.value(series, index)).reduce(|a, b| a + b);
    Some((0..hover.len()).map(all).collect())
}
