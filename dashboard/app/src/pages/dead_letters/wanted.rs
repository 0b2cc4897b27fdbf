//! Which dead letters an operator wants to do something with: some, or all that match.

use super::filters::{Filters, Shown, carried};
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

/// Dead letters that somebody chose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// These.
    These(Vec<MessageId>),
    /// All that match.
    Matching(Filters),
}

impl Wanted {
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
    ///
    /// # Errors
    /// The archive failed.
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

/// A page of ours to go back to, as a form carries it; the list if it is none.
pub fn way_back(path: &str) -> &str {
    let is_ours = ["/dead-letters", "/replays", "/events"].iter().any(|ours| {
        path.strip_prefix(ours).is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '?']))
    });
    if is_ours && path.bytes().all(|byte| byte.is_ascii_graphic()) { path } else { "/dead-letters" }
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
        let wanted = Wanted::of(&page("id=a&id=b&ids%5B%5D=c&type=order&id="));
        assert_eq!(wanted, Some(Wanted::These(vec!["a".into(), "b".into(), "c".into()])));
        assert_eq!(Wanted::of(&page("type=order")), None, "filters alone choose nothing");
    }

    #[test]
    fn all_that_match_are_those_of_now() {
        let Some(Wanted::Matching(filters)) = Wanted::of(&page("all=matching&group=00ff")) else {
            panic!("filters")
        };
        assert_eq!(filters.to, Some(NOW.parse().unwrap()));
        let later = "2026-03-10T13:00:00Z".parse().unwrap();
        let sent = Wanted::from_form(Vec::new(), &filters.to_query(), later);
        assert_eq!(sent, Ok(Wanted::Matching(filters)));
    }

    #[test]
    fn a_form_that_asks_for_nothing_does_nothing() {
        let now = NOW.parse().unwrap();
        assert!(matches!(Wanted::from_form(Vec::new(), "", now), Err(ActionError::Invalid { .. })));
        assert_eq!(Wanted::from_form(Vec::new(), "class=x", now), Err(ActionError::Unreadable));
    }

    #[test]
    fn all_of_the_list_means_all_its_pages() {
        let list = Page::of("/dead-letters", "type=a&after=1.2&__n=1", "", NOW.parse().unwrap());
        assert_eq!(
            Wanted::all_query(&list),
            "all=matching&type=a&back=%2Fdead-letters%3Ftype%3Da%26after%3D1.2"
        );
    }

    #[test]
    fn nobody_is_led_elsewhere() {
        assert_eq!(way_back("/dead-letters?type=a"), "/dead-letters?type=a");
        assert_eq!(way_back("/dead-letters/m1"), "/dead-letters/m1");
        for bad in [
            "",
            "//evil.example",
            "https://evil.example",
            "/dead-lettersx",
            "/dead-letters?a\r\nb",
            "/replays é",
        ] {
            assert_eq!(way_back(bad), "/dead-letters", "{bad}");
        }
    }
}
