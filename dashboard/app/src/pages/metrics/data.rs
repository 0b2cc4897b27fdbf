//! Reads the data of the metrics page.

use crate::{
    charts::{ChartGroup, Question, read_charts},
    context::Page,
    ports::Ports,
    range::aligned,
};
use spillway_core::ports::ArchiveError;
use spillway_dashboard_model::catalogue::{Stage, of_stage};
use spillway_dashboard_model::flow::FlowSnapshot;
use spillway_dashboard_model::{ReadError, Reads};

/// The charts of a stage. A part that cannot be read does not affect the others.
pub(super) struct Data {
    pub(super) flow: Result<FlowSnapshot, ReadError>,
    pub(super) charts: Result<ChartGroup, ReadError>,
    /// Dead letters that were archived in the range, if they can be counted.
    pub(super) dead_letters: Option<u64>,
}

impl Data {
    pub(super) async fn read(stage: Stage, page: &Page, ports: &Ports) -> Self {
        let question = Question::of(page, compares(page));
        let charts =
            read_charts(&*ports.metrics, of_stage(stage, &ports.pipeline.names), &question, &*ports.alarms);
        let dead_letters = dead_letters(page, &ports.reads);
        let (flow, charts, dead_letters) = futures::join!(ports.flow.snapshot(), charts, dead_letters);
        Self { flow, charts, dead_letters: dead_letters.ok().flatten() }
    }
}

/// The number of dead letters that were archived in the page's range, if it is counted.
async fn dead_letters(page: &Page, reads: &Reads) -> Result<Option<u64>, ArchiveError> {
    let to = page.range.preset.is_none().then_some(page.range.to);
    reads.count_archived(aligned(page.range.from), to).await
}

/// The stage in the URL; the first stage if the URL names no existing one.
pub(super) fn stage(page: &Page) -> Stage {
    page.parameter("stage").and_then(Stage::parse).unwrap_or(Stage::Api)
}

/// Whether to compare with an earlier range.
pub(super) fn compares(page: &Page) -> bool {
    page.parameter("compare") == Some("on")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stage_is_in_the_url_and_an_unknown_one_means_the_first() {
        let of = |query: &str| stage(&Page::of("/metrics", query, "", jiff::Timestamp::UNIX_EPOCH));
        assert_eq!(of("stage=dlq"), Stage::Dlq);
        assert_eq!(of(""), Stage::Api);
        assert_eq!(of("stage=nonsense"), Stage::Api);
    }
}
