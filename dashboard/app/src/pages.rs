//! The pages, one file each, and their routes.

pub mod alarms;
pub mod dead_letters;
pub mod events;
pub mod incidents;
pub mod metrics;
pub mod overview;
pub mod replays;

use crate::components::NotFoundPage;
use leptos::prelude::*;
use leptos_router::{
    SsrMode,
    components::{Route, Router, Routes},
    path,
};

/// The routes of the table in `spillway-dashboard-pages`. The server sends each page complete (`SsrMode::Async`): the
/// other modes use inline scripts, and pages would not work without JavaScript.
#[component]
pub fn Pages() -> impl IntoView {
    view! {
        <Router>
            <Routes fallback=NotFoundPage>
                <Route path=path!("/") view=overview::Overview ssr=SsrMode::Async />
                <Route path=path!("/metrics") view=metrics::Metrics ssr=SsrMode::Async />
                <Route path=path!("/dead-letters") view=dead_letters::DeadLetters ssr=SsrMode::Async />
                <Route path=path!("/dead-letters/replay") view=dead_letters::ReplayPage ssr=SsrMode::Async />
                <Route path=path!("/dead-letters/discard") view=dead_letters::DiscardPage ssr=SsrMode::Async />
                <Route path=path!("/dead-letters/:id") view=dead_letters::DeadLetterPage ssr=SsrMode::Async />
                <Route path=path!("/events") view=events::EventPage ssr=SsrMode::Async />
                <Route path=path!("/events/:id") view=events::EventPage ssr=SsrMode::Async />
                <Route path=path!("/incidents") view=incidents::Incidents ssr=SsrMode::Async />
                <Route path=path!("/incidents/:id") view=incidents::IncidentPage ssr=SsrMode::Async />
                <Route path=path!("/alarms") view=alarms::Alarms ssr=SsrMode::Async />
                <Route path=path!("/alarms/:name") view=alarms::AlarmPage ssr=SsrMode::Async />
                <Route path=path!("/replays") view=replays::Replays ssr=SsrMode::Async />
                <Route path=path!("/replays/:id") view=replays::ReplayDetail ssr=SsrMode::Async />
                <Route path=path!("/runbooks/:name") view=alarms::RunbookPage ssr=SsrMode::Async />
            </Routes>
        </Router>
    }
}
