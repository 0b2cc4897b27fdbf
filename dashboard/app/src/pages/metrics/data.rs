//! What the metrics page shows, read in one go.

use crate::{
    charts::{ChartGroup, Question, read_charts},
    context::Page,
    ports::Ports,
};
use spillway_core::dead_letter::DeadLetterFilter;
use spillway_dashboard_model::ReadError;
use spillway_dashboard_model::catalogue::{Stage, of_stage};
use spillway_dashboard_model::flow::FlowSnapshot;

/// The charts of a stage. Each part can be had without the others.
pub(super) struct Data {
    pub(super) flow: Result<FlowSnapshot, ReadError>,
    pub(super) charts: Result<ChartGroup, ReadError>,
    /// Dead letters that were archived in the range, if they can be counted.
    pub(super) dead_letters: Option<u64>,
}

impl Data {
    pub(super) async fn read(stage: Stage, page: &Page, ports: &Ports) -> Self {
        let question = Question::of(page, compares(page));
        let of_range = DeadLetterFilter {
            from: Some(page.range.from),
            to: Some(page.range.to),
            ..DeadLetterFilter::default()
        };
        let charts = read_charts(&*ports.metrics, of_stage(stage, &ports.pipeline.names), &question, &*ports.alarms);
        let dead_letters = ports.pipeline.archive.list(&of_range, None, 1);
        let (flow, charts, dead_letters) = futures::join!(ports.flow.snapshot(), charts, dead_letters);
        Self { flow, charts, dead_letters: dead_letters.ok().map(|page| page.total) }
    }
}

/// The stage that the address chooses; the first one if it chooses none that there is.
pub(super) fn stage(page: &Page) -> Stage {
    page.parameter("stage").and_then(Stage::parse).unwrap_or(Stage::Api)
}

/// Whether an earlier range is laid under the charts.
pub(super) fn compares(page: &Page) -> bool {
    page.parameter("compare") == Some("on")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stage_is_in_the_address_and_what_is_unknown_is_the_first() {
        let of = |query: &str| stage(&Page::of("/metrics", query, "", jiff::Timestamp::UNIX_EPOCH));
        assert_eq!(of("stage=dlq"), Stage::Dlq);
        assert_eq!(of(""), Stage::Api);
        assert_eq!(of("stage=nonsense"), Stage::Api);
    }
}
