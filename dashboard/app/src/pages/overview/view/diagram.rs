//! The flow as a diagram: from left to right where there is room, from top to bottom on a phone.

use crate::pages::overview::words::{Card, Pipeline, Rate};
use crate::{
    components::{Icon, phrase},
    context::Page,
    links, stages,
};
use leptos::prelude::*;
use spillway_dashboard_charts::sparkline;
use spillway_dashboard_model::catalogue::Stage;

/// Draws the pipeline. `depth` is the queue's depth over the page's range, for a sparkline. `countdown` is beside the
/// path from the queue to the dead letter queue.
pub(super) fn diagram(
    pipeline: &Pipeline,
    depth: &[Option<f64>],
    countdown: AnyView,
    page: &Page,
) -> impl IntoView + use<> {
    let mut parts = Vec::new();
    for (index, of) in pipeline.main.iter().enumerate() {
        let spark = (of.stage == Some(Stage::Queue) && depth.iter().flatten().any(|value| *value > 0.0))
            .then(|| sparkline(depth, 120, 24));
        parts.push(card(of, "", spark, page).into_any());
        if let Some(rate) = pipeline.main_rates.get(index) {
            parts.push(arrow(rate, "", page).into_any());
        }
    }
    let [dlq, archiver, archive] = &pipeline.side;
    let [to_archiver, to_archive] = &pipeline.side_rates;
    let down = links::metrics(page, pipeline.dropped.chart.0, pipeline.dropped.chart.1);
    view! {
        <p class="quiet small pipeline-window">{phrase(&pipeline.window)}</p>
        <section class="pipeline" aria-label="The flow of events">
            {parts}
            <div class="pipeline-countdown">{countdown}</div>
            <div class="pipeline-down">
                <a class="num-link" href=down>{pipeline.dropped.text.clone()}</a>
                <span>"dead-lettered"</span>
            </div>
            {card(dlq, "pipeline-side-1", None, page)}
            {arrow(to_archiver, "pipeline-side-2", page)}
            {card(archiver, "pipeline-side-3", None, page)}
            {arrow(to_archive, "pipeline-side-4", page)}
            {card(archive, "pipeline-side-5", None, page)}
        </section>
    }
}

fn card(card: &Card, place: &str, spark: Option<String>, page: &Page) -> impl IntoView + use<> {
    let (sign, word) = stages::sign(card.tone);
    let href = match card.stage {
        Some(stage) => links::metrics(page, stage, ""),
        None => "/dead-letters".to_owned(),
    };
    view! {
        <div class=format!("flow-stage pipeline-stage {place}") data-tone=card.tone.name()>
            <h3>
                <a href=href>{card.title}</a>
                <span class="visually-hidden">": " {word}</span>
                <Icon sign=sign />
            </h3>
            <p>{phrase(&card.main)}</p>
            <p class="quiet">{phrase(&card.other)}</p>
            {spark.map(|svg| view! { <div class="pipeline-spark" inner_html=svg></div> })}
        </div>
    }
}

fn arrow(rate: &Rate, place: &str, page: &Page) -> impl IntoView + use<> {
    let (stage, chart) = rate.chart;
    let href = links::metrics(page, stage, chart);
    view! {
        <div class=format!("flow-link {place}")>
            <a class="num-link" href=href>{rate.text.clone()}</a>
        </div>
    }
}
