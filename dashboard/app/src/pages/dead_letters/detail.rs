//! One dead letter: its body, and what happened to it.

use super::{
    actions::{REPLAY, RESTORE},
    body::Body,
    filters::{Filters, carried, href, with_query},
    history::steps,
    list::PAGE,
    outlook::{Outlook, caveats},
    timeline::{Timeline, state_badge},
    unreadable,
    words::one_sentence,
};
use crate::{
    components::{EmptyState, FormError, StatusSentence, Time, Title, Tone, load},
    context::{Page, encode, use_page},
    nav::NAV,
};
use leptos::prelude::*;
use leptos_router::hooks::use_params_map;
use percent_encoding::percent_decode_str;
use spillway_core::{
    dead_letter::{DeadLetter, DeadLetterState},
    ids::MessageId,
    ports::{ArchiveError, AuditEntry, OpsLog},
    trace::TraceHeader,
    usecases::replay::Replayer,
};
use std::sync::Arc;

/// Most decisions that are told about one message.
const DECISIONS: usize = 100;

struct Detail {
    letter: DeadLetter,
    audit: Vec<AuditEntry>,
    outlook: Option<Outlook>,
    previous: Option<MessageId>,
    next: Option<MessageId>,
}

impl Detail {
    async fn read(
        page: &Page,
        id: &MessageId,
        replayer: &Replayer,
        ops: &dyn OpsLog,
    ) -> Result<Option<Self>, ArchiveError> {
        let Some(letter) = replayer.archive.get(id).await? else { return Ok(None) };
        let audit = ops.entries(Some(id.as_str()), DECISIONS).await?;
        let outlook = if letter.state == DeadLetterState::Archived {
            Some(Outlook::of(1, &replayer.preflight(std::slice::from_ref(id)).await?))
        } else {
            None
        };
        let list =
            replayer.archive.list(&Filters::of(page).to_filter(), page.parameter("after"), PAGE).await?;
        let place = list.items.iter().position(|other| other.id == *id);
        let at = |place: Option<usize>| Some(list.items.get(place?)?.id.clone());
        let previous = at(place.and_then(|place| place.checked_sub(1)));
        let next = at(place.map(|place| place + 1));
        Ok(Some(Self { letter, audit, outlook, previous, next }))
    }
}

/// One dead letter.
#[component]
pub fn DeadLetterPage() -> impl IntoView {
    let page = use_page();
    let id = use_params_map().get_untracked().get("id").unwrap_or_default();
    let id = MessageId::new(percent_decode_str(&id).decode_utf8_lossy());
    let (replayer, ops) = (expect_context::<Arc<Replayer>>(), expect_context::<Arc<dyn OpsLog>>());
    let content =
        load(async move { Detail::read(&page, &id, &replayer, &*ops).await }, |detail| match &*detail {
            Ok(Some(detail)) => draw(detail).into_any(),
            Ok(None) => unknown().into_any(),
            Err(error) => unreadable(error).into_any(),
        });
    view! {
        <Title text="Dead letter" hidden=true />
        <FormError action=REPLAY />
        <FormError action=RESTORE />
        {content}
    }
}

fn unknown() -> impl IntoView {
    if let Some(response) = use_context::<leptos_axum::ResponseOptions>() {
        response.set_status(http::StatusCode::NOT_FOUND);
    }
    view! {
        <EmptyState title="There is no dead letter with this id.">
            <a href="/dead-letters">"Go to the list"</a>
            "."
        </EmptyState>
    }
}

fn draw(detail: &Detail) -> AnyView {
    let page = use_page();
    let letter = &detail.letter;
    let tone = match letter.state {
        DeadLetterState::Archived => Tone::Warning,
        DeadLetterState::Replaying { .. } => Tone::Busy,
        DeadLetterState::Stored { .. } => Tone::Good,
        DeadLetterState::Discarded { .. } => Tone::Neutral,
    };
    let sentence = one_sentence(letter);
    view! {
        {neighbours(detail, &page)}
        <StatusSentence tone=tone>{sentence}</StatusSentence>
        {actions(detail, &page)}
        <div class="split dl-detail">
            <div class="stack">
                <Body text=letter.body.clone() />
                {attributes(letter)}
            </div>
            <div class="stack">
                <section aria-labelledby="dl-history">
                    <h2 id="dl-history">"What happened"</h2>
                    <Timeline steps=steps(letter, &detail.audit) />
                </section>
                {facts(letter, &page)}
            </div>
        </div>
    }
    .into_any()
}

fn neighbours(detail: &Detail, page: &Page) -> AnyView {
    let carried = carried(page);
    let list = with_query("/dead-letters", &carried);
    let link = |id: &Option<MessageId>, rel: &'static str, text: &'static str| {
        id.as_ref().map(|id| view! { <a href=href(id, &carried) rel=rel>{text}</a> })
    };
    view! {
        <nav class="row dl-neighbours" aria-label="In the list">
            <a href=list>"Dead letters"</a>
            {link(&detail.previous, "prev", "Previous")}
            {link(&detail.next, "next", "Next")}
        </nav>
    }
    .into_any()
}

fn actions(detail: &Detail, page: &Page) -> AnyView {
    let letter = &detail.letter;
    let id = letter.id.to_string();
    match &letter.state {
        DeadLetterState::Archived => {
            let outlook = detail.outlook.clone().unwrap_or_default();
            let reason = outlook.reasons.first().map(|(reason, _)| {
                view! { " " <span class="mono">{reason.clone()}</span> }
            });
            let caveats = caveats(std::slice::from_ref(letter))
                .into_iter()
                .map(|text| view! { <p class="quiet">{text}</p> })
                .collect_view();
            let class = if outlook.failing() == 0 { "button primary" } else { "button" };
            let discard = format!("/dead-letters/discard?id={}&back={}", encode(&id), encode(&page.here()));
            view! {
                <div class="panel stack dl-actions" data-tone=outlook.tone().name()>
                    <p>{outlook.sentence()} {reason}</p>
                    {caveats}
                    <form method="post" action=REPLAY class="row">
                        <input type="hidden" name="ids[]" value=id.clone() />
                        <input type="hidden" name="first" value=id />
                        <button class=class>"Replay this message"</button>
                        <a class="button" href=discard>"Discard…"</a>
                    </form>
                </div>
            }
            .into_any()
        }
        DeadLetterState::Replaying { replay_id } | DeadLetterState::Stored { replay_id, .. } => {
            let href = page.href(&format!("/replays/{}", encode(replay_id.as_str())), "");
            view! { <p class="row"><a class="button" href=href>"See the replay"</a></p> }.into_any()
        }
        DeadLetterState::Discarded { reason, at, .. } => view! {
            <div class="panel stack dl-actions">
                <p><Time at=*at /> ": " {reason.clone()}</p>
                <form method="post" action=RESTORE class="row">
                    <input type="hidden" name="ids[]" value=id />
                    <input type="hidden" name="back" value=page.here() />
                    <button class="button primary">"Restore this message"</button>
                </form>
            </div>
        }
        .into_any(),
    }
    .into_any()
}

fn attributes(letter: &DeadLetter) -> AnyView {
    let rows = letter
        .attributes
        .iter()
        .map(|(name, value)| {
            view! {
                <dt class="mono">{name.clone()}</dt>
                <dd class="mono">{value.clone()}</dd>
            }
        })
        .collect_view();
    let content = if letter.attributes.is_empty() {
        view! { <p class="quiet">"The message had none."</p> }.into_any()
    } else {
        view! { <dl class="details">{rows}</dl> }.into_any()
    };
    view! {
        <section aria-labelledby="dl-attributes">
            <h2 id="dl-attributes">"Message attributes"</h2>
            {content}
        </section>
    }
    .into_any()
}

fn facts(letter: &DeadLetter, page: &Page) -> AnyView {
    let key = letter.key.as_ref().map(|key| {
        let source = encode(key.source.as_str());
        let link = page.href(&format!("/events/{}", encode(key.id.as_str())), &format!("source={source}"));
        view! {
            <dt>"Event"</dt>
            <dd class="mono"><a href=link>{key.id.to_string()}</a></dd>
            <dt>"Source"</dt>
            <dd class="mono">{key.source.to_string()}</dd>
        }
    });
    let event_type = letter.event_type.as_ref().map(|name| {
        let same = format!("/dead-letters?type={}", encode(name.as_str()));
        view! { <dt>"Type"</dt><dd><a href=same>{name.to_string()}</a></dd> }
    });
    let trace = letter.trace_header.as_deref().and_then(TraceHeader::parse).map(|header| {
        let root = header.root;
        let shown = if NAV.iter().any(|item| item.path == "/traces") {
            let href = page.href(&format!("/traces/{}", encode(&root)), "");
            view! { <a href=href>{root}</a> }.into_any()
        } else {
            root.into_any()
        };
        view! { <dt>"Trace"</dt><dd class="mono">{shown}</dd> }
    });
    let alike = format!("/dead-letters?group={}", encode(letter.fingerprint.as_str()));
    view! {
        <section aria-labelledby="dl-facts">
            <h2 id="dl-facts">"Facts"</h2>
            <dl class="details">
                <dt>"State"</dt>
                <dd>{state_badge(&letter.state)}</dd>
                {event_type}
                {key}
                <dt>"Message"</dt>
                <dd class="mono">{letter.id.to_string()}</dd>
                <dt>"Receives"</dt>
                <dd>{letter.receive_count}</dd>
                <dt>"Put back"</dt>
                <dd>{match letter.generation { 0 => "never".to_owned(), 1 => "once".to_owned(), times => format!("{times} times") }}</dd>
                {trace}
                <dt>"Group"</dt>
                <dd><a href=alike>"Others that failed alike"</a></dd>
            </dl>
        </section>
    }
    .into_any()
}
