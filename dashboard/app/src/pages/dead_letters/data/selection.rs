//! Which dead letters an operator selected: some, or all that match.

use super::{Filters, Shown, carried};
use crate::{
    context::{Page, encode},
    error::ActionError,
};
use jiff::Timestamp;
use spillway_core::{
    ids::MessageId,
    ports::{ArchiveError, DeadLetters},
};

/// More are never done in one go; what is left over is done by the next.
const MOST: usize = 1_000_000;

/// Dead letters that an operator selected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Selection {
    /// These.
    These(Vec<MessageId>),
    /// All that match.
    Matching(Filters),
}

impl Selection {
    /// What a page's address asks for: `id=…` once or several times, or `all=matching` and filters. `None` if
    /// nothing was chosen.
    ///
    /// What matches is fixed here and now, so that what is confirmed is what was shown and not what has
    /// come since.
    pub fn of(page: &Page) -> Option<Self> {
        let ids: Vec<MessageId> = page
            .query
            .iter()
            .filter(|(name, value)| ["id", "ids[]"].contains(&name.as_str()) && !value.is_empty())
            .map(|(_, id)| MessageId::new(id.as_str()))
            .collect();
        if !ids.is_empty() {
            return Some(Self::These(ids));
        }
        let filters = Filters::of(page);
        let to = Some(filters.to.map_or(page.now, |to| to.min(page.now)));
        (page.parameter("all") == Some("matching")).then_some(Self::Matching(Filters { to, ..filters }))
    }

    /// What a form asks for.
    ///
    /// # Errors
    /// When it asks for nothing, or for something that cannot be read.
    pub fn from_form(ids: Vec<String>, matching: &str, now: Timestamp) -> Result<Self, ActionError> {
        if !ids.is_empty() {
            return Ok(Self::These(ids.into_iter().map(MessageId::new).collect()));
        }
        if matching.is_empty() {
            return Err(ActionError::Invalid { message: "Select at least one message.".into() });
        }
        Filters::parse(matching, now).map(Self::Matching).map_err(|_| ActionError::Unreadable)
    }

    /// The ids of those that are in a state now.
    pub async fn ids(&self, archive: &dyn DeadLetters, shown: Shown) -> Result<Vec<MessageId>, ArchiveError> {
        match self {
            Self::These(ids) => Ok(ids.clone()),
            Self::Matching(filters) => {
                archive.ids(&Filters { shown, ..filters.clone() }.to_filter(), MOST).await
            }
        }
    }

    /// The query with which a page asks for all that its list shows, and leads back to that list.
    pub fn all_query(page: &Page) -> String {
        let carried = carried(page);
        let kept: Vec<&str> =
            carried.split('&').filter(|pair| !pair.is_empty() && !pair.starts_with("after=")).collect();
        let back = format!("back={}", encode(&page.here()));
        [&["all=matching"], kept.as_slice(), &[back.as_str()]].concat().join("&")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: &str = "2026-03-10T12:00:00Z";

    fn page(query: &str) -> Page {
        Page::of("/dead-letters/replay", query, "", NOW.parse().unwrap())
    }

    #[test]
    fn single_messages_are_named_in_the_address() {
        let selection = Selection::of(&page("id=a&id=b&ids%5B%5D=c&type=order&id="));
        assert_eq!(selection, Some(Selection::These(vec!["a".into(), "b".into(), "c".into()])));
        assert_eq!(Selection::of(&page("type=order")), None, "filters alone choose nothing");
    }

    #[test]
    fn all_that_match_are_those_of_now() {
        let Some(Selection::Matching(filters)) = Selection::of(&page("all=matching&group=00ff")) else {
            panic!("filters")
        };
        assert_eq!(filters.to, Some(NOW.parse().unwrap()));
        let later = "2026-03-10T13:00:00Z".parse().unwrap();
        let sent = Selection::from_form(Vec::new(), &filters.to_query(), later);
        assert_eq!(sent, Ok(Selection::Matching(filters)));
    }

    #[test]
    fn a_form_that_asks_for_nothing_does_nothing() {
        let now = NOW.parse().unwrap();
        assert!(matches!(Selection::from_form(Vec::new(), "", now), Err(ActionError::Invalid { .. })));
        assert_eq!(Selection::from_form(Vec::new(), "class=x", now), Err(ActionError::Unreadable));
    }

    #[test]
    fn all_of_the_list_means_all_its_pages() {
        let list = Page::of("/dead-letters", "type=a&after=1.2&__n=1", "", NOW.parse().unwrap());
        assert_eq!(
            Selection::all_query(&list),
            "all=matching&type=a&back=%2Fdead-letters%3Ftype%3Da%26after%3D1.2"
        );
    }
}
