//! Reads the data of the confirmation pages.

use super::{Filters, Selection, Shown, preflight::Preflight};
use crate::context::Page;
use spillway_core::{
    dead_letter::{DeadLetter, DeadLetterState},
    failure::Reason,
    ids::MessageId,
    ports::ArchiveError,
};
use spillway_dashboard_model::Reads;
use spillway_dashboard_words::counted;
use std::collections::HashMap;

/// Maximum number of messages that are listed.
pub const LISTED: usize = 20;

/// The operator's selection, with its current state.
pub struct Chosen {
    /// The selection; `None` if nothing was selected.
    pub selection: Option<Selection>,
    /// How many of them wait in the archive.
    pub waiting: u64,
    /// How many selected messages are no longer in the archive.
    pub left_out: u64,
    /// The results of the consumer's checks.
    pub preflight: Preflight,
    /// The reason why each would fail again; `None` if it passes the checks.
    pub forecasts: HashMap<MessageId, Option<Reason>>,
    /// The newest of them.
    pub letters: Vec<DeadLetter>,
}

impl Chosen {
    /// Reads the selection in the page's URL.
    pub async fn read(page: &Page, reads: &Reads) -> Result<Self, ArchiveError> {
        let selection = Selection::of(page);
        let (waiting, left_out, letters): (u64, u64, Vec<DeadLetter>) = match &selection {
            None => (0, 0, Vec::new()),
            Some(Selection::These(ids)) => {
                let found = reads.briefs(ids.clone()).await?;
                let waiting =
                    found.iter().flatten().filter(|letter| letter.state == DeadLetterState::Archived);
                let letters: Vec<DeadLetter> = waiting.cloned().collect();
                (letters.len() as u64, (ids.len() - letters.len()) as u64, letters)
            }
            Some(Selection::Matching(filters)) => {
                let filters = Filters { shown: Shown::Waiting, ..filters.clone() };
                let newest = reads.limits().checked.max(LISTED);
                let list = reads.list(&filters.to_filter(), None, newest).await?;
                (list.total, 0, list.items.clone())
            }
        };
        let ids: Vec<MessageId> =
            letters.iter().take(reads.limits().checked).map(|letter| letter.id.clone()).collect();
        let forecasts = reads.forecasts(&ids).await?;
        let preflight = Preflight::of(waiting, &forecasts);
        let forecasts = forecasts.into_iter().map(|forecast| (forecast.id, forecast.would_fail)).collect();
        Ok(Self { selection, waiting, left_out, preflight, forecasts, letters })
    }

    /// The number of waiting messages, in words.
    pub fn messages(&self) -> String {
        counted(self.waiting, "message", "messages")
    }
}
