//! The overview and the metrics pages, over a real data folder and over ports that fail.

use crate::flow;
use crate::harness::{Dashboard, Setup};
use async_trait::async_trait;
use jiff::Timestamp;
use spillway_core::message::{MessageAttributes, OutgoingMessage};
use spillway_core::names::Names;
use spillway_dashboard_app::ports::Ports;
use spillway_dashboard_model::catalogue::{Stage, of_stage};
use spillway_dashboard_model::{
    Freshness, MetricQuery, MetricReader, Period, ReadError, Reading, Series, TimeRange,
};
use std::sync::Arc;

/// A signed-in client of a dashboard over a pipeline with one event in its queue, and some ports replaced.
async fn with(replace: impl FnOnce(Ports) -> Ports + 'static) -> Dashboard {
    let dashboard = Dashboard::open(Setup { replace: Box::new(replace), ..Setup::default() }).await;
    let message = OutgoingMessage {
        body: r#"{"specversion":"1.0","id":"1","source":"/t","type":"t","data":1}"#.to_owned(),
        attributes: MessageAttributes::new(),
        trace_header: None,
    };
    for sent in dashboard.pipeline.ports.queue.send(&[message]).await {
        sent.unwrap();
    }
    dashboard.signed_in().await
}

/// Every read fails.
struct Broken;

#[async_trait]
impl MetricReader for Broken {
    async fn read(&self, _: &[MetricQuery], _: TimeRange, _: Period) -> Result<Reading, ReadError> {
        Err(ReadError::Unavailable { reason: "the telemetry file is locked".into() })
    }
}

/// Every read returns numbers from an hour ago.
struct Old;

#[async_trait]
impl MetricReader for Old {
    async fn read(
        &self,
        queries: &[MetricQuery],
        range: TimeRange,
        period: Period,
    ) -> Result<Reading, ReadError> {
        let mut series = Series::empty(range, period);
        series.points.fill(Some(7.0));
        let series = Arc::new(series);
        let read_at: Timestamp = "2026-03-10T02:00:00Z".parse().unwrap();
        let freshness = Freshness { read_at, error: Some(ReadError::Throttled) };
        Ok(Reading { series: queries.iter().map(|_| Arc::clone(&series)).collect(), freshness })
    }
}

/// The page's text without its tags.
fn text(html: &str) -> String {
    let mut text = String::new();
    for part in html.split('<') {
        text.push_str(part.split_once('>').map_or(part, |(_, shown)| shown));
    }
    text
}

#[tokio::test]
async fn the_overview_has_the_ledger_and_the_diagram() {
    let dashboard = with(|ports| ports).await;
    let page = dashboard.page("/").await;
    let shown = text(&page);
    assert!(shown.contains("Healthy: Events are accepted and stored."), "{shown}");
    let lines = ["none: the one event accepted is accounted for", ">Deadline<", ">Do<"];
    let places = lines.map(|line| page.find(line));
    assert!(places.iter().all(Option::is_some) && places.is_sorted(), "{page}");
    for place in ["accepted", "stored", "queued", "in flight", "dead-lettered", "unaccounted", "oldest"] {
        assert!(page.contains(&format!("<dt>{place}</dt>")), "{place} is in the ledger");
    }
    for stage in ["API", "Ingest λ", "Queue", "Consumer λ", "Table", "DLQ", "Archiver λ", "Archive"] {
        assert!(page.contains(&format!(">{stage}</a>")), "{stage} is in the diagram");
    }
    assert!(shown.contains("Countdown to the dead letter queue") && shown.contains("No dead letters."));
    assert_eq!(page.matches("data-series=").count(), 6, "the charts are in the first answer");
    assert!(!page.contains("style=\""), "the content security policy allows no inline style");
}

#[tokio::test]
async fn every_stage_has_every_chart_of_the_catalogue_with_its_caveats() {
    let dashboard = with(|ports| ports).await;
    for stage in Stage::ALL.iter().copied() {
        let page = dashboard.page(&format!("/metrics?stage={}&compare=on&range=3h", stage.slug())).await;
        for entry in of_stage(stage, &Names::default()) {
            assert!(page.contains(&format!("id=\"{}\"", entry.key)), "{} of {}", entry.key, stage.slug());
            let metrics = entry.metric_names();
            assert!(page.contains(&metrics), "{metrics} is named");
        }
        assert!(page.contains("Hide yesterday"), "the comparison can be removed");
        assert!(page.contains("/dead-letters?state=all&amp;range=3h"), "dead letters of the same range");
    }
    let dlq = text(&dashboard.page("/metrics?stage=dlq").await);
    assert!(dlq.contains("Messages sent stays 0 when the queue itself moves messages here"), "{dlq}");
}

#[tokio::test]
async fn a_chart_shows_its_exact_numbers_as_a_table() {
    let dashboard = with(|ports| Ports { metrics: Arc::new(Old), ..ports }).await;
    assert!(!dashboard.page("/metrics?stage=queue").await.contains("<table"));
    let page = dashboard.page("/metrics?stage=queue&table=sent").await;
    assert_eq!(page.matches("<table").count(), 1);
    assert!(page.contains("Messages sent, as a table"));
    assert!(page.contains("<td class=\"number\">7</td>"));
}

#[tokio::test]
async fn old_numbers_are_shown_and_marked_as_old() {
    let dashboard = with(|ports| Ports { metrics: Arc::new(Old), ..ports }).await;
    for path in ["/", "/metrics?stage=table"] {
        let page = dashboard.page(path).await;
        let shown = text(&page);
        assert!(shown.contains("Numbers from 02:00:00: "), "{shown}");
        assert!(shown.contains("throttles requests"), "{shown}");
        assert!(page.contains("data-series="), "and the charts are still shown");
    }
}

#[tokio::test]
async fn a_failing_source_affects_only_its_own_part() {
    let no_metrics = with(|ports| Ports { metrics: Arc::new(Broken), ..ports }).await;
    let page = text(&no_metrics.page("/").await);
    assert!(page.contains("none: the one event accepted is accounted for"), "{page}");
    assert!(page.contains("The metrics cannot be read now."), "{page}");
    assert!(page.contains("the telemetry file is locked"), "{page}");
    let metrics = no_metrics.page("/metrics?stage=queue&range=1h").await;
    assert!(metrics.contains("Try again") && !metrics.contains("data-series="));

    let no_flow = with(|ports| flow::with_ledger(ports, None)).await;
    let page = no_flow.page("/").await;
    assert!(text(&page).contains("The places of the events cannot be read now."));
    assert!(text(&page).contains("the data folder is gone"));
    assert!(page.contains("data-series="), "charts use another source");
    let metrics = text(&no_flow.page("/metrics").await);
    assert!(metrics.contains("The state of this stage cannot be read now."), "{metrics}");
}

#[tokio::test]
async fn an_invalid_parameter_is_no_error() {
    let dashboard = with(|ports| ports).await;
    let page = dashboard.page("/metrics?stage=%3Cscript%3E&compare=maybe&table=%22%3E&range=1h").await;
    assert!(page.contains("id=\"requests\""), "an unknown stage is the first");
    assert!(!page.contains("<script>"));
    let page = text(&dashboard.page("/metrics?range=2h").await);
    assert!(page.contains("The range in the address cannot be used"), "{page}");
}
