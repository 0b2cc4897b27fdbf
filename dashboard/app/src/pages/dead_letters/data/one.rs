//! Reads the data of one dead letter's page.

use super::{Filters, list::PAGE, preflight::Preflight};
use crate::{context::Page, ports::Ports};
use spillway_core::{
    dead_letter::{DeadLetter, DeadLetterState},
    ids::MessageId,
    ports::{ArchiveError, AuditEntry},
};

/// Maximum number of listed decisions about one message.
const DECISIONS: usize = 100;

/// The data of a dead letter's page.
pub struct One {
    pub letter: DeadLetter,
    /// Actions of operators on it.
    pub audit: Vec<AuditEntry>,
    /// The result of the consumer's checks, while it waits.
    pub preflight: Option<Preflight>,
    /// The previous one in the list.
    pub previous: Option<MessageId>,
    /// The next one in the list.
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
