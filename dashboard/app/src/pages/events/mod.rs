//! One event: where it is, and the whole way that it took there.

mod words;

use crate::{
    components::{EmptyState, ErrorState, Icon, Num, Sign, StatusSentence, Time, Title, Tone, load},
    context::{Page, encode, use_page},
    format::Unit,
    nav::NAV,
    pages::dead_letters::{
        Body, Timeline, filters,
        history::{Step, steps},
    },
};
use jiff::SignedDuration;
use leptos::prelude::*;
use percent_encoding::percent_decode_str;
use spillway_core::{
    dead_letter::DeadLetter,
    ids::{EventId, EventSource},
    ports::{ArchiveError, DeadLetters, EventLocator, LedgerError, Location, OpsLog},
    settings::PipelineSettings,
};
use spillway_dashboard_model::{
    TimeRange,
    traces::{Trace, TraceFilter, TraceReader},
};
use std::sync::Arc;
use thiserror::Error;

/// Most decisions that are told about one message.
const DECISIONS: usize = 100;
/// Most traces that are listed.
const TRACES: usize = 10;
/// How long after an event was accepted its traces are looked for: replays have traces of their own.
const TRACED_FOR: SignedDuration = SignedDuration::from_hours(24);

#[derive(Debug, Error)]
enum LineageError {
    #[error(transparent)]
    Flow(#[from] LedgerError),
    #[error(transparent)]
    Archive(#[from] ArchiveError),
}

/// One event, with what is known of it.
struct Found {
    location: Location,
    letter: Option<DeadLetter>,
    steps: Vec<Step>,
}

struct Lineage {
    id: EventId,
    found: Vec<Found>,
    /// `None` if the traces could not be read.
    traces: Option<Vec<Trace>>,
    most_receives: u32,
    /// Whether an event in a queue would have been found.
    sees_queues: bool,
}

/// The ports that a lineage is read from.
#[derive(Clone)]
struct Sources {
    events: Arc<dyn EventLocator>,
    archive: Arc<dyn DeadLetters>,
    ops: Arc<dyn OpsLog>,
    traces: Arc<dyn TraceReader>,
    settings: Arc<PipelineSettings>,
}

impl Sources {
    fn from_context() -> Self {
        Self {
            events: expect_context(),
            archive: expect_context(),
            ops: expect_context(),
            traces: expect_context(),
            settings: expect_context(),
        }
    }

    async fn lineage(&self, page: &Page, id: EventId) -> Result<Lineage, LineageError> {
        let source = page.parameter("source").map(EventSource::new);
        let mut found = Vec::new();
        for location in self.events.locate(&id, source.as_ref()).await? {
            let letter = self.archive.get(&location.message_id).await?;
            let steps = match &letter {
                Some(letter) => steps(letter, &self.ops.entries(Some(letter.id.as_str()), DECISIONS).await?),
                None => straight(&location),
            };
            found.push(Found { location, letter, steps });
        }
        let traces = match found.iter().map(|found| found.location.accepted_at).min() {
            Some(accepted) => self.traces_of(&id, accepted, page.now).await,
            None => Some(Vec::new()),
        };
        let sees_queues = self.events.sees_queues();
        Ok(Lineage { id, found, traces, most_receives: self.settings.max_receive_count, sees_queues })
    }

    async fn traces_of(
        &self,
        id: &EventId,
        accepted: jiff::Timestamp,
        now: jiff::Timestamp,
    ) -> Option<Vec<Trace>> {
        let to = (accepted + TRACED_FOR).min(now);
        let range = TimeRange::last(to.duration_since(accepted) + SignedDuration::from_mins(1), to);
        let filter = TraceFilter { event_id: Some(id.to_string()), ..TraceFilter::default() };
        match self.traces.list(range, &filter, TRACES).await {
            Ok(list) => Some(list.traces),
            Err(error) => {
                tracing::warn!(error = %error, "the traces of an event could not be read");
                None
            }
        }
    }
}

/// The way of an event that was never dead-lettered.
fn straight(location: &Location) -> Vec<Step> {
    let mut steps = vec![Step::new(location.accepted_at, Tone::Neutral, "Accepted")];
    steps.extend(location.failure.as_ref().map(crate::pages::dead_letters::history::attempt));
    steps.extend(location.stored_at.map(|at| Step::new(at, Tone::Good, "Stored")));
    steps
}

/// One event, found by its id: `/events/ID`, with `?source=` if several sources use the same.
#[component]
pub fn EventPage() -> impl IntoView {
    let page = use_page();
    let in_path = page.path.strip_prefix("/events/").unwrap_or_default();
    let id = percent_decode_str(in_path).decode_utf8_lossy().into_owned();
    let id = EventId::new(page.parameter("id").map_or(id, |asked| asked.trim().to_owned()));
    let sources = Sources::from_context();
    let content = load(
        async move {
            if id.as_str().is_empty() {
                return Ok(None);
            }
            sources.lineage(&page, id).await.map(Some)
        },
        |lineage| match &*lineage {
            Ok(Some(lineage)) => draw(lineage),
            Ok(None) => search("", "Find an event by its id"),
            Err(error) => {
                tracing::warn!(error = %error, "an event could not be looked up");
                view! {
                    <ErrorState title="Where the event is cannot be read just now." retry=true>
                        "The pipeline's data does not answer. Nothing is lost by that; the page tries again by itself."
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

fn search(id: &str, label: &str) -> AnyView {
    let (id, label) = (id.to_owned(), label.to_owned());
    view! {
        <form class="filters" method="get" action="/events" role="search">
            <label class="label">
                <span>{label}</span>
                <input class="field mono" type="search" name="id" value=id required data-search="" />
            </label>
            <button class="button">"Find"</button>
        </form>
    }
    .into_any()
}

fn draw(lineage: &Lineage) -> AnyView {
    let page = use_page();
    if lineage.found.is_empty() {
        if let Some(response) = use_context::<leptos_axum::ResponseOptions>() {
            response.set_status(http::StatusCode::NOT_FOUND);
        }
        let elsewhere = page.parameter("source").map(|_| {
            let href = format!("/events/{}", encode(lineage.id.as_str()));
            view! { " " <a href=href>"Look in all sources"</a> "." }
        });
        let why = if lineage.sees_queues {
            "It was never accepted, or the id is another one than the sender's answer said."
        } else {
            "It is neither stored nor a dead letter. It may be in a queue, where nobody can look for it; or it was never \
             accepted, or the id is another one than the sender's answer said."
        };
        return view! {
            {search(lineage.id.as_str(), "Find another event by its id")}
            <EmptyState title="No event with this id is known.">
                {why} {elsewhere}
            </EmptyState>
        }
        .into_any();
    }
    let found = lineage.found.iter().map(|found| one(found, lineage.most_receives, &page)).collect_view();
    view! {
        {found}
        {traces(lineage, &page)}
    }
    .into_any()
}

fn one(found: &Found, most: u32, page: &Page) -> AnyView {
    let location = &found.location;
    let sentence = words::sentence(location, most, page.now);
    let letter = found.letter.as_ref().map(|letter| {
        let href = filters::href(&letter.id, "");
        view! { <p class="row"><a class="button" href=href>"See the dead letter"</a></p> }
    });
    let key = &location.key;
    view! {
        <article class="ev-one" data-key=location.message_id.to_string()>
            <StatusSentence tone=words::tone(location.place)>{sentence}</StatusSentence>
            {letter}
            <div class="split dl-detail">
                <div class="stack"><Body text=location.body.clone() /></div>
                <div class="stack">
                    <section>
                        <h2>"What happened"</h2>
                        <Timeline steps=found.steps.clone() />
                    </section>
                    <section>
                        <h2>"Facts"</h2>
                        <dl class="details">
                            <dt>"Event"</dt>
                            <dd class="mono">{key.id.to_string()}</dd>
                            <dt>"Source"</dt>
                            <dd class="mono">{key.source.to_string()}</dd>
                            <dt>"Type"</dt>
                            <dd>{location.event_type.to_string()}</dd>
                            <dt>"Message"</dt>
                            <dd class="mono">{location.message_id.to_string()}</dd>
                            <dt>"Accepted"</dt>
                            <dd><Time at=location.accepted_at /></dd>
                        </dl>
                    </section>
                </div>
            </div>
        </article>
    }
    .into_any()
}

fn traces(lineage: &Lineage, page: &Page) -> AnyView {
    let linked = NAV.iter().any(|item| item.path == "/traces");
    let content = match &lineage.traces {
        None => view! { <p class="stale-note">"The traces cannot be read just now."</p> }.into_any(),
        Some(traces) if traces.is_empty() => {
            view! { <p class="quiet">"None of its requests was among those that are traced."</p> }.into_any()
        }
        Some(traces) => {
            let rows = traces
                .iter()
                .map(|trace| {
                    let id = trace.id.clone();
                    let name = if linked {
                        let href = page.href(&format!("/traces/{}", encode(&id)), "");
                        view! { <a href=href>{id}</a> }.into_any()
                    } else {
                        id.into_any()
                    };
                    let failed =
                        trace.has_failed().then(|| view! { <Icon sign=Sign::Warning /> " with an error" });
                    view! {
                        <li class="row">
                            <span class="mono">{name}</span>
                            <Num value=Some(trace.duration_ms()) unit=Unit::Milliseconds />
                            {failed}
                        </li>
                    }
                })
                .collect_view();
            view! { <ul>{rows}</ul> }.into_any()
        }
    };
    view! {
        <section class="section" aria-labelledby="ev-traces">
            <h2 id="ev-traces">"Traces"</h2>
            {content}
        </section>
    }
    .into_any()
}
