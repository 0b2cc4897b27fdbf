//! Which page is where. Every route is drawn in one piece (`SsrMode::Async`): the other modes put
//! content behind inline scripts, and the page would break without JavaScript.

use crate::pages;
use leptos::prelude::*;
use leptos_router::{
    SsrMode,
    components::{Route, Router, Routes},
    path,
};

/// The pages.
#[component]
pub fn Pages() -> impl IntoView {
    view! {
        <Router>
            <Routes fallback=pages::NotFound>
                <Route path=path!("/") view=pages::overview::Overview ssr=SsrMode::Async />
                <Route path=path!("/metrics") view=pages::metrics::Metrics ssr=SsrMode::Async />
                <Route path=path!("/dead-letters") view=pages::dead_letters::DeadLetters ssr=SsrMode::Async />
                <Route path=path!("/dead-letters/replay") view=pages::dead_letters::ReplayPage ssr=SsrMode::Async />
                <Route path=path!("/dead-letters/discard") view=pages::dead_letters::DiscardPage ssr=SsrMode::Async />
                <Route path=path!("/dead-letters/:id") view=pages::dead_letters::DeadLetterPage ssr=SsrMode::Async />
                <Route path=path!("/events") view=pages::events::EventPage ssr=SsrMode::Async />
                <Route path=path!("/events/:id") view=pages::events::EventPage ssr=SsrMode::Async />
                <Route path=path!("/replays") view=pages::replays::Replays ssr=SsrMode::Async />
                <Route path=path!("/alarms") view=pages::alarms::Alarms ssr=SsrMode::Async />
                <Route path=path!("/alarms/:name") view=pages::alarms::AlarmPage ssr=SsrMode::Async />
                <Route path=path!("/runbooks/:name") view=pages::alarms::RunbookPage ssr=SsrMode::Async />
                <Route path=path!("/replays/:id") view=pages::replays::ReplayDetail ssr=SsrMode::Async />
            </Routes>
        </Router>
    }
}
