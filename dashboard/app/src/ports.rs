//! What the pages get from the server, through Leptos context.

use async_trait::async_trait;
use leptos::prelude::provide_context;
use spillway_core::ports::Clock;
use std::sync::Arc;

/// Everything that pages read and do. Cloned for each request; each part is a pointer.
#[derive(Clone)]
pub struct Ports {
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// What the header shows on every page.
    pub header: Arc<dyn HeaderSource>,
    /// What runs here.
    pub environment: Arc<Environment>,
}

impl Ports {
    /// Puts each port into Leptos context under its own type (`Arc<dyn …>`), for pages and server functions.
    pub fn provide(&self) {
        provide_context(Arc::clone(&self.clock));
        provide_context(Arc::clone(&self.header));
        provide_context(Arc::clone(&self.environment));
    }
}

/// What runs here, as the header says it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Environment {
    /// Its name, such as `prod-eu` or `this machine`.
    pub name: String,
    /// Whether what is shown was made up for a demonstration. Said on every page.
    pub demo: bool,
}

/// What the header shows on every page.
#[async_trait]
pub trait HeaderSource: Send + Sync {
    /// The numbers beside the page names. Called for every page, so it must be cheap; a number that
    /// cannot be had just now is `None` and is left out.
    async fn badges(&self) -> Badges;
}

/// Numbers beside page names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Badges {
    /// Dead letters that wait in the archive for somebody to decide.
    pub dead_letters: Option<u64>,
    /// Replays that are not over.
    pub running_replays: Option<u64>,
}
