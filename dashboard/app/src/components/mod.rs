//! The pieces that pages are made of. They draw; what they say is reckoned elsewhere.

mod figure;
mod icon;
mod numbers;
mod pager;
mod states;
mod status;
mod time;

pub use figure::Figure;
pub use icon::{Icon, Sign};
pub use numbers::{Count, Num};
pub use pager::Pager;
pub use states::{EmptyState, ErrorState, FormError};
pub use status::{Badge, StatusSentence, Tone};
pub use time::Time;

use leptos::prelude::*;

/// The page's title, in the window's and as the page's heading.
#[component]
pub fn Title(
    /// In words.
    #[prop(into)]
    text: String,
    /// Whether only screen readers get the heading, because the page opens with a sentence instead.
    #[prop(optional)]
    hidden: bool,
) -> impl IntoView {
    let environment = expect_context::<std::sync::Arc<crate::ports::Environment>>();
    let title = match environment.name.as_str() {
        "" => format!("{text} · Spillway"),
        name => format!("{text} · {name} · Spillway"),
    };
    view! {
        <leptos_meta::Title text=title />
        <h1 class=if hidden { "page-title visually-hidden" } else { "page-title" }>{text}</h1>
    }
}

/// A part of a page that waits for its data before the page is sent. Its future may use context.
pub fn load<F, V>(future: F) -> impl IntoView
where
    F: Future<Output = V> + Send + 'static,
    V: IntoView + 'static,
{
    // A suspense draws its children at least twice; the data is asked for once.
    let future = std::sync::Arc::new(std::sync::Mutex::new(Some(future)));
    let once = move || future.lock().ok().and_then(|mut future| future.take());
    view! {
        <Suspense fallback=|| ()>
            {move || {
                let future = once();
                Suspend::new(async move {
                    match future {
                        Some(future) => Some(future.await),
                        None => None,
                    }
                })
            }}
        </Suspense>
    }
}
