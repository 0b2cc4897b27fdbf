//! Alarms: what needs attention, since when, its impact, and what to do first.
//!
//! | address | page |
//! |---|---|
//! | `/alarms` | all alarms: active, cleared, inactive; changes; the last opening digest |
//! | `/alarms/NAME` | one alarm: its state and reason, what to do, its chart, its history |
//! | `/runbooks/NAME` | a runbook, with the alarms that link to it |

mod data;
mod view;
pub(crate) mod words;

pub(crate) use view::row;

use crate::{
    components::{NotFoundPage, Title, load},
    context::use_page,
    ports::use_ports,
};
use data::{List, One, Runbook};
use leptos::prelude::*;

/// All alarms. `?tier=high&state=alarm&subsystem=queue` narrows them.
#[component]
pub fn Alarms() -> impl IntoView {
    let (page, ports) = (use_page(), use_ports());
    let content = load(async move { List::read(&page, &ports).await }, |list| match &*list {
        Ok(list) => view::list(list),
        Err(error) => view::unreadable(error),
    });
    view! {
        <Title text="Alarms" hidden=true />
        {content}
    }
}

/// The page of one alarm, at `/alarms/NAME`. Links in notifications lead to it.
#[component]
pub fn AlarmPage() -> impl IntoView {
    let (page, ports) = (use_page(), use_ports());
    let name = page.path_parameter("name");
    load(async move { One::read(&name, &page, &ports).await }, |one| match &*one {
        Ok(Some(one)) => view::one(one),
        Ok(None) => view! { <NotFoundPage /> }.into_any(),
        Err(error) => view::unreadable(error),
    })
}

/// One runbook, with the states of the alarms that link to it.
#[component]
pub fn RunbookPage() -> impl IntoView {
    let (name, ports) = (use_page().path_parameter("name"), use_ports());
    load(async move { ports.alarms.now().await }, move |now| match &*now {
        Ok(now) => match Runbook::named(&name, &now.rules) {
            Some(book) => view::runbook(&name, &book, now),
            None => view! { <NotFoundPage /> }.into_any(),
        },
        Err(error) => view::unreadable(error),
    })
}
