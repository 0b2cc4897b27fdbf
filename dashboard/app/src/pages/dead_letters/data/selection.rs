//! The dead letters that an operator selected: some, or all matches.

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

/// Maximum number of messages in one action. The next action takes the rest.
const MOST: usize = 1_000_000;

/// Dead letters that an operator selected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Selection {
    /// The messages with these ids.
    These(Vec<MessageId>),
    /// All matches of these filters.
    Matching(Filters),
}

impl Selection {
    /// The selection in a page's URL: `id=…` once or several times, or `all=matching` and filters. `None` if there is
    /// none.
    ///
    /// The time range ends now. So the operator confirms only messages that the page showed, and none that arrived
    /// later.
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

    /// The selection in a form.
    ///
    /// # Errors
    /// The form selects nothing, or its filters cannot be read.
    pub fn from_form(ids: Vec<String>, matching: &str, now: Timestamp) -> Result<Self, ActionError> {
        if !ids.is_empty() {
            return Ok(Self::These(ids.into_iter().map(MessageId::new).collect()));
        }
        if matching.is_empty() {
            return Err(ActionError::NothingSelected);
        }
        Filters::parse(matching, now).map(Self::Matching).map_err(|_| ActionError::Unreadable)
    }

    /// The ids of the selected messages that are in a state now.
    pub async fn ids(&self, archive: &dyn DeadLetters, shown: Shown) -> Result<Vec<MessageId>, ArchiveError> {
        match self {
            Self::These(ids) => Ok(ids.clone()),
            Self::Matching(filters) => {
                archive.ids(&Filters { shown, ..filters.clone() }.to_filter(), MOST).await
            }
        }
    }

    /// The query that selects all matches of the page's list.
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
    fn single_messages_are_selected_in_the_url() {
        let selection = Selection::of(&page("id=a&id=b&ids%5B%5D=c&type=order&id="));
        assert_eq!(selection, Some(Selection::These(vec!["a".into(), "b".into(), "c".into()])));
        assert_eq!(Selection::of(&page("type=order")), None, "filters alone choose nothing");
    }

    #[test]
    fn all_matches_are_fixed_at_the_current_time() {
        let Some(Selection::Matching(filters)) = Selection::of(&page("all=matching&group=00ff")) else {
            panic!("filters")
        };
        assert_eq!(filters.to, Some(NOW.parse().unwrap()));
        let later = "2026-03-10T13:00:00Z".parse().unwrap();
        let sent = Selection::from_form(Vec::new(), &filters.to_query(), later);
        assert_eq!(sent, Ok(Selection::Matching(filters)));
    }

    #[test]
    fn a_form_without_a_selection_is_refused() {
        let now = NOW.parse().unwrap();
        assert_eq!(Selection::from_form(Vec::new(), "", now), Err(ActionError::NothingSelected));
        assert_eq!(Selection::from_form(Vec::new(), "class=x", now), Err(ActionError::Unreadable));
        // An unknown name would leave a filter out, and the action would match everything.
        for matching in ["clas=schema", "foo=bar", "type=a&type=b", "type=a&Group=00ff"] {
            let selection = Selection::from_form(Vec::new(), matching, now);
            assert_eq!(selection, Err(ActionError::Unreadable), "{matching}");
        }
    }

    #[test]
    fn all_matches_include_all_pages_of_the_list() {
        let list = Page::of("/dead-letters", "type=a&after=1.2&__n=1", "", NOW.parse().unwrap());
        assert_eq!(
            Selection::all_query(&list),
            "all=matching&type=a&back=%2Fdead-letters%3Ftype%3Da%26after%3D1.2"
        );
    }
}
