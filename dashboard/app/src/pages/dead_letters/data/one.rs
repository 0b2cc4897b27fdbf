//! One dead letter, read in one go.

use super::{Filters, list::PAGE, preflight::Preflight};
use crate::{context::Page, ports::Ports};
use spillway_core::{
    dead_letter::{DeadLetter, DeadLetterState},
    ids::MessageId,
    ports::{ArchiveError, AuditEntry},
};

/// Most decisions that are listed for one message.
const DECISIONS: usize = 100;

/// Everything on the page of a dead letter.
pub struct One {
    /// The dead letter.
    pub letter: DeadLetter,
    /// What operators did with it.
    pub audit: Vec<AuditEntry>,
    /// The consumer's checks of it, while it waits.
    pub preflight: Option<Preflight>,
    /// The one before it in the list.
    pub previous: Option<MessageId>,
    /// The one after it in the list.
    pub next: Option<MessageId>,
}

impl One {
    /// Reads it; `None` if there is no such dead letter.
    pub async fn read(page: &Page, id: &MessageId, ports: &Ports) -> Result<Option<Self>, ArchiveError> {
        let replayer = ports.pipeline.replayer();
        let Some(letter) = replayer.archive.get(id).await? else { return Ok(None) };
        let audit = ports.pipeline.ops.entries(Some(id.as_str()), DECISIONS).await?;
        let preflight = if letter.state == DeadLetterState::Archived {
            Some(Preflight::of(1, &replayer.preflight(std::slice::from_ref(id)).await?))
        } else {
            None
        };
        let list =
            replayer.archive.list(&Filters::of(page).to_filter(), page.parameter("after"), PAGE).await?;
        let place = list.items.iter().position(|other| other.id == *id);
        let at = |place: Option<usize>| Some(list.items.get(place?)?.id.clone());
        let previous = at(place.and_then(|place| place.checked_sub(1)));
        let next = at(place.map(|place| place + 1));
        Ok(Some(Self { letter, audit, preflight, previous, next }))
    }
}
