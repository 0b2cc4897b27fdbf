//! Reads why a dead letter failed, and where its group comes from.

use super::list::PAGE;
use spillway_core::{
    dead_letter::{DeadLetter, DeadLetterFilter, DeadLetterGroup, DeadLetterStatus, Spread},
    explain::Explanation,
    ids::MessageId,
    ports::ArchiveError,
};
use spillway_dashboard_model::Reads;
use std::sync::Arc;

/// Why a dead letter failed.
pub struct Why {
    /// The dead letter.
    pub id: MessageId,
    pub explanation: Explanation,
    /// Its group among those that wait. `None` if it does not wait.
    pub group: Option<DeadLetterGroup>,
    /// Where the group comes from.
    pub spread: Option<Arc<Spread>>,
}

impl Why {
    /// Of one dead letter.
    pub async fn of(letter: &DeadLetter, reads: &Reads) -> Result<Self, ArchiveError> {
        let filter = DeadLetterFilter {
            states: vec![DeadLetterStatus::Archived],
            fingerprint: Some(letter.fingerprint.clone()),
            ..DeadLetterFilter::default()
        };
        let group = match letter.state.status() {
            DeadLetterStatus::Archived => reads.groups(&filter, None, 1).await?.items.first().cloned(),
            _ => None,
        };
        let mut why = Self::with(letter, group, None, reads).await?;
        // Among very many letters, a group's list costs a call for each part of the index. Its own page reads it.
        let is_cheap = match reads.limits().counted {
            Some(most) => reads.count(&DeadLetterFilter::default()).await? <= most,
            None => true,
        };
        if why.group.is_some() && is_cheap {
            why.spread = Some(reads.spread(&filter, PAGE).await?);
        }
        Ok(why)
    }

    /// Of the newest dead letter of a group. `filter` is that of the list. `None` if the letter has just left the archive.
    pub async fn of_group(
        group: &DeadLetterGroup,
        filter: &DeadLetterFilter,
        reads: &Reads,
    ) -> Result<Option<Self>, ArchiveError> {
        let letter = reads.letter(&group.example).await?;
        let Some(letter) = letter.as_ref() else { return Ok(None) };
        Self::with(letter, Some(group.clone()), Some(filter), reads).await.map(Some)
    }

    async fn with(
        letter: &DeadLetter,
        group: Option<DeadLetterGroup>,
        counted: Option<&DeadLetterFilter>,
        reads: &Reads,
    ) -> Result<Self, ArchiveError> {
        let spread = match counted {
            Some(filter) => Some(reads.spread(filter, PAGE).await?),
            None => None,
        };
        let since = group.as_ref().map_or(letter.archived_at, |group| group.first_at);
        let explanation = reads.explanation(letter, since).await;
        Ok(Self { id: letter.id.clone(), explanation, group, spread })
    }
}
