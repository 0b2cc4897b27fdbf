//! The flow as a diagram: from left to right where there is room, from top to bottom on a phone.

use super::pipeline::{Card, Pipeline};
use crate::{components::Icon, context::Page, format::counted, pages::stages};
use leptos::prelude::*;
use spillway_charts::sparkline;
use spillway_telemetry::catalogue::Stage;

/// Draws the pipeline. `depth` is the queue's over the page's range, for a sparkline.
pub(super) fn diagram(pipeline: &Pipeline, depth: &[Option<f64>], page: &Page) -> impl IntoView + use<> {
    let mut parts = Vec::new();
    for (index, of) in pipeline.main.iter().enumerate() {
        let spark = (of.stage == Some(Stage::Queue) && depth.iter().flatten().any(|value| *value > 0.0))
            .then(|| sparkline(depth, 120, 24));
        parts.push(card(of, "", spark, page).into_any());
        if let Some(rate) = pipeline.main_rates.get(index) {
            parts.push(link(rate, "").into_any());
        }
    }
    parts.push(way_down(&pipeline.dropped).into_any());
    let [dlq, archiver, archive] = &pipeline.side;
    let [to_archiver, to_archive] = &pipeline.side_rates;
    parts.extend([
        card(dlq, "pipeline-side-1", None, page).into_any(),
        link(to_archiver, "pipeline-side-2").into_any(),
        card(archiver, "pipeline-side-3", None, page).into_any(),
        link(to_archive, "pipeline-side-4").into_any(),
        card(archive, "pipeline-side-5", None, page).into_any(),
    ]);
    let replaying = match pipeline.replaying {
        0 => "No replay is under way.".to_owned(),
        some => format!("{} on the way back.", counted(some, "dead letter is", "dead letters are")),
    };
    view! {
        <section class="pipeline" aria-label="The flow of events">
            {parts}
            <p class="pipeline-replays">
                "Replays put dead letters from the archive back into the queue. " <a href="/replays">{replaying}</a>
            </p>
        </section>
    }
}

fn card(card: &Card, place: &str, spark: Option<String>, page: &Page) -> impl IntoView + use<> {
    let (sign, word) = stages::sign(card.tone);
    let href = match card.stage {
        Some(stage) => stages::metrics(page, stage, ""),
        None => "/dead-letters".to_owned(),
    };
    view! {
        <div class=format!("flow-stage pipeline-stage {place}") data-tone=card.tone.name()>
            <h3>
                <a href=href>{card.title}</a>
                <Icon sign=sign />
                <span class="visually-hidden">{word}</span>
            </h3>
            <p>{card.main.clone()}</p>
            <p class="quiet">{card.other.clone()}</p>
            {spark.map(|svg| view! { <div class="pipeline-spark" inner_html=svg></div> })}
        </div>
    }
}

fn link(rate: &str, place: &str) -> impl IntoView + use<> {
    view! { <div class=format!("flow-link {place}")>{rate.to_owned()}</div> }
}

/// From the queue down to the dead letter queue.
fn way_down(dropped: &str) -> impl IntoView + use<> {
    view! {
        <div class="pipeline-drop">
            <span class="num">{dropped.to_owned()}</span>
            <span class="quiet">"given up"</span>
        </div>
    }
}
