//! The list: groups by reason, then the messages.

use super::{
    actions::{DISCARD, REPLAY, RESTORE},
    filters::{Filters, Shown, with_query},
    list::Listed,
    list_filters::{filter_form, states},
    list_messages::messages,
    notice::done_notice,
    unreadable,
    wanted::Wanted,
    words::{class_label, list_sentence},
};
use crate::{
    components::{Badge, Count, EmptyState, FormError, StatusSentence, Time, Title, Tone, load},
    context::{Page, use_page},
    format::{counted, grouped},
};
use leptos::prelude::*;
use spillway_core::{dead_letter::DeadLetterGroup, usecases::replay::Replayer};
use std::sync::Arc;

/// The list of dead letters.
#[component]
pub fn DeadLetters() -> impl IntoView {
    let page = use_page();
    let replayer = expect_context::<Arc<Replayer>>();
    let asked = Arc::clone(&page);
    let content = load(async move { Listed::read(&asked, &replayer).await }, |listed| match &*listed {
        Ok(listed) => view! { <List listed /> }.into_any(),
        Err(error) => unreadable(error).into_any(),
    });
    view! {
        <Title text="Dead letters" hidden=true />
        <FormError action=REPLAY />
        <FormError action=DISCARD />
        <FormError action=RESTORE />
        {done_notice(&page)}
        {content}
    }
}

#[component]
fn List<'a>(listed: &'a Listed) -> AnyView {
    let page = use_page();
    let sentence = if listed.groups.is_empty() && listed.filters.is_narrow() {
        "No dead letter matches these filters.".to_owned()
    } else {
        list_sentence(listed.filters.shown, &listed.groups, page.now, &page.zone)
    };
    let nothing_at_all = listed.groups.is_empty() && !listed.filters.is_narrow();
    let tone = match listed.filters.shown {
        _ if listed.groups.is_empty() && listed.filters.is_narrow() => Tone::Neutral,
        Shown::Waiting if listed.groups.is_empty() => Tone::Good,
        Shown::Waiting => Tone::Warning,
        Shown::Replaying => Tone::Busy,
        Shown::Stored | Shown::Discarded | Shown::All => Tone::Neutral,
    };
    let outside = (listed.outside > 0).then(|| {
        let all =
            page.with(&[("range", None), ("from", None), ("to", None), ("zone", None), ("after", None)]);
        let more = format!("{} more outside this range", grouped(listed.outside));
        view! { " " <a href=all>{more}</a> "." }
    });
    let content = if listed.page.items.is_empty() {
        nothing(listed, &page).into_any()
    } else {
        view! {
            {groups(listed, &page)}
            {messages(listed, &page)}
        }
        .into_any()
    };
    view! {
        <StatusSentence tone=tone>{sentence}{outside}</StatusSentence>
        {states(listed, &page)}
        {(!nothing_at_all).then(|| filter_form(listed, &page))}
        {content}
    }
    .into_any()
}

fn nothing(listed: &Listed, page: &Page) -> AnyView {
    if listed.filters.is_narrow() {
        let all = with_query(
            "/dead-letters",
            &Filters { shown: listed.filters.shown, ..Filters::default() }.to_query(),
        );
        let event = listed.filters.contains.as_deref().map(|id| {
            let href = format!("/events/{}", crate::context::encode(id));
            view! { " An event may have been stored, or still be on its way: " <a href=href>"look for it by its id"</a> "." }
        });
        return view! {
            <EmptyState title="Nothing to show.">
                <a href=all>"Show all of them"</a>
                "."
                {event}
            </EmptyState>
        }
        .into_any();
    }
    let (title, detail) = match (listed.filters.shown, listed.last_replay) {
        (Shown::Waiting, Some(at)) => {
            let replays = page.href("/replays", "");
            let last = view! { <a href=replays>"The last replay"</a> " ended " <Time at=at /> "." };
            ("Nothing waits for anybody.", last.into_any())
        }
        (Shown::Waiting | Shown::All, _) => {
            ("Nothing waits for anybody.", "An event that cannot be stored will be kept here.".into_any())
        }
        (Shown::Replaying, _) => {
            ("Nothing to show.", "Messages of a running replay are listed here.".into_any())
        }
        (Shown::Stored, _) => (
            "Nothing to show.",
            "Messages that a replay has brought to the store are listed here.".into_any(),
        ),
        (Shown::Discarded, _) => (
            "Nothing to show.",
            "Messages that were given up are listed here, and can be restored.".into_any(),
        ),
    };
    view! { <EmptyState title=title>{detail}</EmptyState> }.into_any()
}

fn groups(listed: &Listed, page: &Page) -> AnyView {
    let rows = listed.groups.iter().map(|group| group_row(listed, group, page)).collect_view();
    let all = listed.filters.group.as_ref().map(|_| {
        let href = page.with(&[("group", None), ("after", None)]);
        view! { <a href=href>"Show all groups"</a> }
    });
    view! {
        <section class="section" aria-labelledby="dl-groups">
            <h2 id="dl-groups">"Groups"</h2>
            <ul class="dl-groups">{rows}</ul>
            {all}
        </section>
    }
    .into_any()
}

fn group_row(listed: &Listed, group: &DeadLetterGroup, page: &Page) -> AnyView {
    let only = group.fingerprint.as_str();
    let chosen = listed.filters.group.as_ref() == Some(&group.fingerprint);
    let link = page.with(&[("group", (!chosen).then_some(only)), ("after", None)]);
    let waiting = listed.filters.shown == Shown::Waiting;
    let query = Wanted::all_query(page);
    let query = if chosen { query } else { format!("{query}&group={only}") };
    let messages = counted(group.count, "message", "messages");
    let actions = waiting.then(|| {
        let (replay, discard) =
            (format!("/dead-letters/replay?{query}"), format!("/dead-letters/discard?{query}"));
        view! {
            <span class="dl-group-actions">
                <a class="button" href=replay>{format!("Replay {messages}…")}</a>
                <a class="button" href=discard aria-label=format!("Discard {messages}…")>"Discard…"</a>
            </span>
        }
    });
    let forecast = waiting.then(|| listed.forecasts.get(&group.example)).flatten().map(|would_fail| match would_fail {
        Some(reason) => view! {
            <span title=format!("The newest would fail again now: {reason}")><Badge tone=Tone::Bad text="would fail again" /></span>
        }
        .into_any(),
        None => view! {
            <span title="The newest message passes the consumer's checks now"><Badge tone=Tone::Good text="passes the checks" /></span>
        }
        .into_any(),
    });
    let event_type =
        group.event_type.as_ref().map_or_else(|| "several types".to_owned(), ToString::to_string);
    let spark = listed.sparks.get(&group.fingerprint).cloned().unwrap_or_default();
    let message = group.message.clone();
    view! {
        <li class="dl-group" data-row="" data-key=only.to_owned() tabindex="-1">
            <span class="dl-group-what">
                <a href=link aria-expanded=if chosen { "true" } else { "false" }>{class_label(group.class)}</a>
                ": "
                <span class="dl-failure">{message}</span>
            </span>
            <span class="dl-group-count"><Count value=group.count /></span>
            <span class="dl-group-spark" inner_html=spark></span>
            <span class="dl-group-facts quiet small">
                <span>{event_type}</span>
                <span>"first " <Time at=group.first_at absolute=true /></span>
                <span>"last " <Time at=group.last_at /></span>
                {forecast}
            </span>
            {actions}
        </li>
    }
    .into_any()
}
