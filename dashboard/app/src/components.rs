//! Components that pages share. They only draw; other modules compute the text.

mod band;
mod body;
mod copy;
mod data_table;
mod facts;
mod figure;
mod filter_form;
mod icon;
mod numbers;
mod pager;
mod phrase;
mod states;
mod status;
mod tabs;
mod time;
mod timeline;

pub(crate) use band::{now_band, range_band};
pub use body::{Body, MARK};
pub use copy::Copyable;
pub use data_table::DataTable;
pub use facts::{Fact, Facts};
pub use figure::Figure;
pub use filter_form::{FilterForm, HiddenQuery};
pub use icon::{Icon, Sign};
pub use numbers::{Count, Num};
pub use pager::Pager;
pub(crate) use phrase::phrase;
pub use states::{EmptyState, ErrorState, FormError, NotFoundPage, NotFoundState};
pub use status::{Badge, StatusSentence, Tone};
pub use tabs::{Tab, Tabs};
pub use time::Time;
pub use timeline::{Note, Step, Timeline, attempt, steps};

use crate::ports::use_ports;
use futures::FutureExt;
use leptos::prelude::*;
use spillway_core::ports::ArchiveError;
use std::sync::Arc;

/// The page's title, for the window and as the heading.
#[component]
pub fn Title(
    /// The title.
    #[prop(into)]
    text: String,
    /// Whether only screen readers get the heading, because the page opens with a verdict instead.
    #[prop(optional)]
    hidden: bool,
) -> impl IntoView {
    let environment = use_ports().environment;
    let title = match environment.name.as_str() {
        "" => format!("{text} · Spillway"),
        name => format!("{text} · {name} · Spillway"),
    };
    view! {
        <leptos_meta::Title text=title />
        <h1 class=if hidden { "page-title visually-hidden" } else { "page-title" }>{text}</h1>
    }
}

/// A part of a page that waits for its data before the server sends the page. `draw` may use context.
///
/// The data is read once, although a suspense draws its content more than once.
pub fn load<T, V>(
    data: impl Future<Output = T> + Send + 'static,
    draw: impl Fn(Arc<T>) -> V + Clone + Send + Sync + 'static,
) -> impl IntoView
where
    T: Send + Sync + 'static,
    V: IntoView + 'static,
{
    let data = data.map(Arc::new).boxed().shared();
    view! {
        <Suspense fallback=|| ()>
            {move || {
                let (data, draw) = (data.clone(), draw.clone());
                Suspend::new(async move { draw(data.await) })
            }}
        </Suspense>
    }
}

/// A part of a page with data from the archive. If the read fails, it shows an error and logs the cause.
pub fn load_archived<T: Send + Sync + 'static>(
    data: impl Future<Output = Result<T, ArchiveError>> + Send + 'static,
    draw: impl Fn(&T) -> AnyView + Clone + Send + Sync + 'static,
) -> impl IntoView {
    load(data, move |read| match &*read {
        Ok(read) => draw(read),
        Err(error) => {
            tracing::warn!(error = %error, "dead letters or replays could not be read for a page");
            view! {
                <ErrorState title="The dead letters cannot be read now." retry=true>
                    "The archive does not answer. No event is lost. The page retries automatically."
                </ErrorState>
            }
            .into_any()
        }
    })
}

/// One item of the archive, or the message that no item has this id.
pub fn one_or_none<T>(
    one: &Option<T>,
    draw: impl Fn(&T) -> AnyView,
    title: &'static str,
    list: &'static str,
) -> AnyView {
    match one {
        Some(one) => draw(one),
        None => view! {
            <NotFoundState title=title>
                <a href=list>"Go to the list"</a>
                "."
            </NotFoundState>
        }
        .into_any(),
    }
}
