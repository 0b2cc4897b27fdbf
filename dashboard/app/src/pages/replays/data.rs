//! Reads the data of one replay's page.

use crate::{context::Page, ports::Ports};
use spillway_core::{
    dead_letter::{self, DeadLetter},
    ids::ReplayId,
    ports::ArchiveError,
    replay::{Replay, ReplayItem},
};
use spillway_dashboard_model::flow::ReplayPath;
use std::sync::Arc;

/// Maximum number of replays in the list, the newest.
pub(super) const SHOWN: usize = 100;
/// Messages on one page.
const PAGE: usize = 50;

/// One replay with a page of its messages.
pub(super) struct Detail {
    pub(super) replay: Replay,
    pub(super) items: Arc<dead_letter::Page<ReplayItem>>,
    /// The items' dead letters, in the same order.
    pub(super) letters: Arc<Vec<Option<DeadLetter>>>,
    /// Whether what it puts back is stored now.
    pub(super) path: ReplayPath,
}

impl Detail {
    pub(super) async fn read(
        page: &Page,
        id: &ReplayId,
        ports: &Ports,
    ) -> Result<Option<Self>, ArchiveError> {
        let Some(replay) = Option::clone(&*ports.reads.replay(id).await?) else { return Ok(None) };
        let items = ports.reads.replay_items(id, page.parameter("after"), PAGE).await?;
        let ids = items.items.iter().map(|item| item.dead_letter.clone()).collect();
        let letters = ports.reads.briefs(ids).await?;
        let path = ports.replay_path().await;
        Ok(Some(Self { replay, items, letters, path }))
    }
}
