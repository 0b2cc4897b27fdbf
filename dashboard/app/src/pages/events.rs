//! One event: its place and its history.

mod data;
mod view;
mod words;

use crate::{
    components::{ErrorState, Title, load},
    context::use_page,
    ports::use_ports,
};
use data::Lineage;
use leptos::prelude::*;
use spillway_core::ids::EventId;
use view::{draw, search};

/// One event, found by its id: `/events/ID`, with `?source=` if several sources use the same.
#[component]
pub fn EventPage() -> impl IntoView {
    let (page, ports) = (use_page(), use_ports());
    let id = page.parameter("id").map_or_else(|| page.path_parameter("id"), |asked| asked.trim().to_owned());
    let id = EventId::new(id);
    let content = load(
        async move {
            if id.as_str().is_empty() {
                return Ok(None);
            }
            Lineage::read(&ports, &page, id).await.map(Some)
        },
        |lineage| match &*lineage {
            Ok(Some(lineage)) => draw(lineage),
            Ok(None) => search("", "Find an event by its id"),
            Err(error) => {
                tracing::warn!(error = %error, "an event could not be looked up");
                view! {
                    <ErrorState title="The event's place cannot be read now." retry=true>
                        "The pipeline's data cannot be read. No event is lost. The page retries automatically."
                    </ErrorState>
                }
                .into_any()
            }
        },
    );
    view! {
        <Title text="Event" />
        {content}
    }
}
