//! The notice about the last action, with an undo.

use crate::{
    components::{Icon, Sign},
    context::Page,
    pages::dead_letters::actions::{Done, RESTORE},
};
use leptos::prelude::*;

/// The last action, with an undo.
pub(in crate::pages::dead_letters) fn done_notice(page: &Page) -> Option<impl IntoView + use<>> {
    let (done, at) = Done::of(page)?;
    let text = match done {
        Done::Discarded => "The messages were discarded.",
        Done::Restored => "The messages were restored. They wait in the archive again.",
        Done::NothingRestored => "There was no message to restore.",
    };
    let undo = (done == Done::Discarded).then(|| {
        view! {
            <form method="post" action=RESTORE>
                <input type="hidden" name="at" value=at.to_string() />
                <input type="hidden" name="back" value=page.here() />
                <button class="button">"Undo"</button>
            </form>
        }
    });
    Some(view! {
        <div class="notice" role="status">
            <Icon sign=Sign::Check />
            <p>{text}</p>
            {undo}
        </div>
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_notice_has_fixed_words_and_is_shown_for_ten_minutes() {
        let shown = |query: &str| {
            let page = Page::of("/dead-letters", query, "", "2026-03-10T12:00:00Z".parse().unwrap());
            done_notice(&page).map(|view| view.to_html())
        };
        let fresh = shown("__done=discarded&__at=2026-03-10T11:50:00Z").unwrap();
        assert!(fresh.contains("The messages were discarded.") && fresh.contains("Undo"), "{fresh}");
        let restored = shown("__done=restored&__at=2026-03-10T12:00:00Z&__count=99").unwrap();
        assert!(!restored.contains("99") && !restored.contains("Undo"), "{restored}");
        for forged in [
            "__done=discarded",
            "__done=discarded&__at=2026-03-10T11:49:59Z",
            "__done=discarded&__at=2026-03-10T12:00:01Z",
            "__done=99+messages+were+lost&__at=2026-03-10T12:00:00Z",
            "__discarded=2026-03-10T12:00:00Z&__count=2",
            "__restored=99",
        ] {
            assert!(shown(forged).is_none(), "{forged}");
        }
    }
}
