//! Incidents: alarms of one cause, who has each, and what was notified.
//!
//! | address | page |
//! |---|---|
//! | `/incidents` | all incidents, those that are active first |
//! | `/incidents/ID` | one: its verdict, what to do about it, its alarms over time, and who was notified |
//!
//! Notifications link to the second. Without a range in the address it shows the time from twenty minutes before the incident
//! until now. Forms send to [`actions`].

mod actions;
mod data;
mod view;
mod words;

pub(crate) use view::on_overview;

use crate::{
    components::{ErrorState, FormError, NotFoundState, Title, load},
    context::use_page,
    ports::use_ports,
};
use actions::RESPOND;
use data::{List, One};
use leptos::prelude::*;
use spillway_dashboard_model::ReadError;
use spillway_dashboard_model::incidents::IncidentId;

/// All incidents.
#[component]
pub fn Incidents() -> impl IntoView {
    let ports = use_ports();
    let content = load(async move { List::read(&ports).await }, |list| match &*list {
        Ok(list) => view::list(list),
        Err(error) => unreadable(error),
    });
    view! {
        <Title text="Incidents" hidden=true />
        {content}
    }
}

/// One incident.
#[component]
pub fn IncidentPage() -> impl IntoView {
    let (page, ports) = (use_page(), use_ports());
    let id = IncidentId::new(page.path_parameter("id"));
    let content = load(async move { One::read(&page, &id, &ports).await }, |one| match &*one {
        Ok(Some(one)) => view::one(one),
        Ok(None) => view! {
            <Title text="No such incident" hidden=true />
            <NotFoundState title="There is no incident with this id.">
                <a href="/incidents">"Go to the list"</a>
                "."
            </NotFoundState>
        }
        .into_any(),
        Err(error) => unreadable(error),
    });
    view! {
        <FormError action=RESPOND />
        {content}
    }
}

fn unreadable(error: &ReadError) -> AnyView {
    let why = error.to_string();
    view! {
        <Title text="Incidents" hidden=true />
        <ErrorState title="The incidents cannot be read now." retry=true>
            {why}
            ". Alarms notify in any case. The page retries automatically."
        </ErrorState>
    }
    .into_any()
}
