//! Reads the data of one dead letter's page.

use super::{Filters, Why, carried, filters::carried_to, list::PAGE, preflight::Preflight};
use crate::{context::Page, ports::Ports};
use spillway_core::{
    dead_letter::{DeadLetter, DeadLetterFilter, DeadLetterState},
    ids::MessageId,
    ports::{ArchiveError, AuditEntry},
};
use spillway_dashboard_model::Reads;
use std::sync::Arc;

/// Maximum number of listed decisions about one message.
const DECISIONS: usize = 100;
/// Pages of the list that are read to find the one in front of another.
const MOST_PAGES: usize = 10;

/// The data of a dead letter's page.
pub struct One {
    pub letter: DeadLetter,
    /// Actions of operators on it.
    pub audit: Arc<Vec<AuditEntry>>,
    /// The result of the consumer's checks, while it waits.
    pub preflight: Option<Preflight>,
    /// Why it failed.
    pub why: Why,
    /// The previous one in the list.
    pub previous: Option<Neighbour>,
    /// The next one in the list.
    pub next: Option<Neighbour>,
    /// Its number on the first page of the list, and how many the list has.
    pub number: Option<(u64, u64)>,
}

/// What is before and after a letter in the list.
#[derive(Default)]
struct Around {
    previous: Option<Neighbour>,
    next: Option<Neighbour>,
    number: Option<(u64, u64)>,
}

/// Another dead letter of the list.
pub struct Neighbour {
    pub id: MessageId,
    /// The list's query with the page on which it is.
    pub carried: String,
}

impl Neighbour {
    /// The ones before and after a letter in the list, also if they are on another page of the list. A letter that does not
    /// match any more, because it was discarded or replayed, is between those with which it was listed.
    async fn both(page: &Page, letter: &DeadLetter, reads: &Reads) -> Result<Around, ArchiveError> {
        let filter = Filters::of(page).to_list_filter(page);
        let after = page.parameter("after");
        let list = reads.list(&filter, after, PAGE).await?;
        let listed = list.items.iter().position(|other| other.id == letter.id);
        let place = listed
            .unwrap_or_else(|| list.items.partition_point(|other| other.archived_at > letter.archived_at));
        if listed.is_none() && place == list.items.len() && list.next.is_some() {
            // It is further down the list than the page from which the reader came, or came from another page.
            return Ok(Around::default());
        }
        let on_this_page = |place: usize| {
            let id = list.items.get(place)?.id.clone();
            Some(Self { id, carried: carried(page) })
        };
        let previous = match place.checked_sub(1) {
            Some(before) => on_this_page(before),
            None => Self::last_before(page, &filter, after, reads).await?,
        };
        let next_place = if listed.is_some() { place + 1 } else { place };
        let next = match (on_this_page(next_place), &list.next) {
            (None, Some(cursor)) => {
                let first =
                    reads.list(&filter, Some(cursor), PAGE).await?.items.first().map(|next| next.id.clone());
                first.map(|id| Self { id, carried: carried_to(page, Some(cursor)) })
            }
            (next, _) => next,
        };
        let number = listed.filter(|_| after.is_none()).map(|place| (place as u64 + 1, list.total));
        Ok(Around { previous, next, number })
    }

    /// The last one of the page in front of the one that begins after a cursor. A list reads forward only, so this reads the
    /// pages before.
    async fn last_before(
        page: &Page,
        filter: &DeadLetterFilter,
        after: Option<&str>,
        reads: &Reads,
    ) -> Result<Option<Self>, ArchiveError> {
        let mut cursor: Option<String> = None;
        for _ in 0..MOST_PAGES {
            if after.is_none() {
                return Ok(None);
            }
            let list = reads.list(filter, cursor.as_deref(), PAGE).await?;
            if list.next.as_deref() == after {
                let last = list.items.last().map(|last| last.id.clone());
                return Ok(last.map(|id| Self { id, carried: carried_to(page, cursor.as_deref()) }));
            }
            cursor.clone_from(&list.next);
            if cursor.is_none() {
                return Ok(None);
            }
        }
        Ok(None)
    }
}

impl One {
    /// Reads it; `None` if there is no such dead letter.
    pub async fn read(page: &Page, id: &MessageId, ports: &Ports) -> Result<Option<Self>, ArchiveError> {
        let reads = &ports.reads;
        let Some(letter) = Option::clone(&*reads.letter(id).await?) else { return Ok(None) };
        let audit = reads.audit(id.as_str(), DECISIONS).await?;
        let preflight = if letter.state == DeadLetterState::Archived {
            Some(Preflight::of(1, &reads.forecasts_of(&[&letter]).await))
        } else {
            None
        };
        let Around { previous, next, number } = Neighbour::both(page, &letter, reads).await?;
        let why = Why::of(&letter, reads).await?;
        Ok(Some(Self { letter, audit, preflight, why, previous, next, number }))
    }
}
