//! The notice about the last action, with an undo.

use crate::{
    components::{Icon, Sign},
    context::Page,
    pages::dead_letters::actions::RESTORE,
};
use leptos::prelude::*;
use spillway_dashboard_words::grouped;

/// The last action, with an undo.
pub(in crate::pages::dead_letters) fn done_notice(page: &Page) -> Option<impl IntoView + use<>> {
    let number = |name| page.parameter(name).and_then(|text| text.parse::<u64>().ok());
    let discarded = page.parameter("__discarded").and_then(|at| at.parse::<jiff::Timestamp>().ok());
    let text = match (discarded, number("__count"), number("__restored")) {
        (Some(_), None | Some(0), _) => "The messages were discarded.".to_owned(),
        (Some(_), Some(1), _) => "1 message was discarded.".to_owned(),
        (Some(_), Some(count), _) => format!("{} messages were discarded.", grouped(count)),
        (None, _, Some(0)) => "There was no message to restore.".to_owned(),
        (None, _, Some(1)) => "1 message was restored. It waits in the archive again.".to_owned(),
        (None, _, Some(count)) => {
            format!("{} messages were restored. They wait in the archive again.", grouped(count))
        }
        (None, _, None) => return None,
    };
    let undo = discarded.map(|at| {
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
