//! The list: states as tabs, a form of filters, groups by reason, then the messages.

use super::{
    messages::messages,
    why::{breakdown, compared, why},
};
use crate::{
    components::{Badge, Count, EmptyState, FilterForm, Pager, StatusSentence, Tab, Tabs, Time, Tone},
    context::{Page, encode, use_page},
    links,
    pages::dead_letters::{
        data::{GROUPS_AFTER, List, Selection, Shown},
        words::list_sentence,
    },
    words::{MAX_FAILURE, class_label},
};
use leptos::prelude::*;
use spillway_core::{
    dead_letter::DeadLetterGroup,
    failure::{FailureClass, shortened},
};
use spillway_dashboard_words::{counted, grouped};

/// Changes of the page's URL that go back to the beginning of both lists.
const FIRST_PAGE: (&str, Option<&str>) = ("after", None);
const FIRST_GROUPS: (&str, Option<&str>) = (GROUPS_AFTER, None);

/// The list: groups by reason, then the messages.
pub(in crate::pages::dead_letters) fn list(listed: &List) -> AnyView {
    let page = use_page();
    let is_empty = listed.groups.total == 0;
    let sentence = if is_empty && listed.filters.is_narrow() {
        "No dead letter matches these filters.".to_owned()
    } else {
        let (total, groups) = (listed.page.total, listed.groups.total);
        list_sentence(listed.filters.shown, total, groups, listed.largest.as_ref(), page.now, &page.zone)
    };
    let nothing_at_all = is_empty && !listed.filters.is_narrow();
    let tone = match listed.filters.shown {
        _ if is_empty && listed.filters.is_narrow() => Tone::Neutral,
        Shown::Waiting if is_empty => Tone::Good,
        Shown::Waiting => Tone::Warning,
        Shown::Replaying => Tone::Busy,
        Shown::Stored | Shown::Discarded | Shown::All => Tone::Neutral,
    };
    let outside = (listed.outside > 0).then(|| {
        let all = page.with(&[
            ("range", None),
            ("from", None),
            ("to", None),
            ("zone", None),
            FIRST_PAGE,
            FIRST_GROUPS,
        ]);
        let more = format!("{} more outside this range", grouped(listed.outside));
        view! { " " <a href=all>{more}</a> "." }
    });
    let content = if listed.page.items.is_empty() {
        nothing(listed, &page).into_any()
    } else {
        view! {
            {groups(listed, &page)}
            {explained(listed, &page)}
            {messages(listed, &page)}
        }
        .into_any()
    };
    view! {
        <StatusSentence tone=tone>{sentence}{outside}</StatusSentence>
        {states(listed, &page)}
        {(!nothing_at_all).then(|| filter_form(listed))}
        {content}
    }
    .into_any()
}

/// Why the chosen group failed, by its newest message, and where it comes from.
fn explained(listed: &List, page: &Page) -> Option<AnyView> {
    let reason = listed.why.as_ref()?;
    let other = reason.explanation.compared.as_ref().map(|other| compared(other, page));
    let spread = reason.spread.as_ref().map(|spread| breakdown(spread, page));
    Some(
        view! {
            <div class="section stack dl-group-why">
                {why(reason, page, false)}
                <div class="split">
                    <div class="stack">{other}</div>
                    <div class="stack">{spread}</div>
                </div>
            </div>
        }
        .into_any(),
    )
}

fn nothing(listed: &List, page: &Page) -> AnyView {
    if listed.filters.is_narrow() {
        let all = links::with_query("/dead-letters", &listed.filters.cleared().to_query());
        let event = listed.filters.contains.as_deref().map(|id| {
            let href = format!("/events/{}", encode(id));
            view! { " The event may be stored, or still in a queue: " <a href=href>"find it by its id"</a> "." }
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
            ("No dead letter waits for a decision.", last.into_any())
        }
        (Shown::Waiting | Shown::All, _) => {
            ("No dead letter waits for a decision.", "Events that cannot be stored appear here.".into_any())
        }
        (Shown::Replaying, _) => ("Nothing to show.", "Messages of a running replay appear here.".into_any()),
        (Shown::Stored, _) => {
            ("Nothing to show.", "Messages that were replayed and stored appear here.".into_any())
        }
        (Shown::Discarded, _) => {
            ("Nothing to show.", "Discarded messages appear here, and can be restored.".into_any())
        }
    };
    view! { <EmptyState title=title>{detail}</EmptyState> }.into_any()
}

fn groups(listed: &List, page: &Page) -> AnyView {
    let list = &listed.groups;
    let rows = list.items.iter().map(|group| group_row(listed, group, page)).collect_view();
    let all = listed.filters.group.as_ref().map(|_| {
        let href = page.with(&[("group", None), FIRST_PAGE, FIRST_GROUPS]);
        view! { <a href=href>"Show all groups"</a> }
    });
    let shown = list.items.len() as u64;
    let pager = (shown != list.total).then(|| {
        let shown = format!("{} of {}", grouped(shown), counted(list.total, "group", "groups"));
        let first = page.parameter(GROUPS_AFTER).map(|_| page.with(&[FIRST_GROUPS]));
        let next = list.next.as_deref().map(|next| page.with(&[(GROUPS_AFTER, Some(next))]));
        view! { <Pager label="Pages of the groups" shown=shown first=first next=next /> }
    });
    view! {
        <section class="section" aria-labelledby="dl-groups">
            <h2 id="dl-groups">"Groups"</h2>
            <ul class="dl-groups">{rows}</ul>
            {pager}
            {all}
        </section>
    }
    .into_any()
}

fn group_row(listed: &List, group: &DeadLetterGroup, page: &Page) -> AnyView {
    let only = group.fingerprint.as_str();
    let chosen = listed.filters.group.as_ref() == Some(&group.fingerprint);
    let link = page.with(&[("group", (!chosen).then_some(only)), FIRST_PAGE, FIRST_GROUPS]);
    let waiting = listed.filters.shown == Shown::Waiting;
    let query = Selection::all_query(page, Some(&group.fingerprint));
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
            <span title=format!("The newest would fail again now: {}", shortened(&reason.message, MAX_FAILURE))><Badge tone=Tone::Bad text="would fail again" /></span>
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
    let message = shortened(&group.message, MAX_FAILURE);
    view! {
        <li class="dl-group" data-row="" data-key=only.to_owned() tabindex="-1">
            <span class="dl-group-what">
                <span class="dl-group-type">{event_type}</span>
                " "
                <a class="dl-failure" href=link aria-expanded=if chosen { "true" } else { "false" }>{message}</a>
            </span>
            <span class="dl-group-count"><Count value=group.count /></span>
            <span class="dl-group-spark" inner_html=spark></span>
            <span class="dl-group-facts quiet small">
                <span>{class_label(group.class)}</span>
                <span>"first " <Time at=group.first_at absolute=true /></span>
                <span>"last " <Time at=group.last_at /></span>
                {forecast}
            </span>
            {actions}
        </li>
    }
    .into_any()
}

fn states(listed: &List, page: &Page) -> AnyView {
    let tabs = listed.counts.iter().map(|(shown, count)| {
        let state = (*shown != Shown::default()).then(|| shown.name());
        let count = count.map(|count| view! { " " <span class="num quiet">{grouped(count)}</span> });
        Tab {
            href: page.with(&[("state", state), FIRST_PAGE, FIRST_GROUPS]),
            is_current: *shown == listed.filters.shown,
            content: view! { {shown.label()} {count} }.into_any(),
        }
    });
    view! { <Tabs label="States" class="tabs dl-states" tabs=tabs.collect() /> }.into_any()
}

fn filter_form(listed: &List) -> AnyView {
    let filters = &listed.filters;
    let class = |class: &FailureClass| {
        let selected = filters.class == Some(*class);
        view! { <option value=class.as_str() selected=selected>{class_label(*class)}</option> }
    };
    let classes = FailureClass::ALL.iter().map(class).collect_view();
    let types = listed.types.iter().map(|name| view! { <option value=name.clone()></option> }).collect_view();
    let (contains, event_type) = (filters.contains.clone(), filters.event_type.clone());
    let clear =
        filters.is_narrow().then(|| links::with_query("/dead-letters", &filters.cleared().to_query()));
    view! {
        <FilterForm
            action="/dead-letters"
            class="filters dl-filters"
            label="Filter dead letters"
            keep=&["state", "group", "range", "from", "to", "zone"]
            clear=clear
        >
            <label class="label">
                <span>"Failure or id contains"</span>
                <input class="field" type="search" name="contains" value=contains data-search="" />
            </label>
            <label class="label">
                <span>"Event type"</span>
                <input class="field" name="type" list="dl-types" value=event_type />
            </label>
            <datalist id="dl-types">{types}</datalist>
            <label class="label">
                <span>"Failure"</span>
                <select class="field" name="class">
                    <option value="">"Any"</option>
                    {classes}
                </select>
            </label>
        </FilterForm>
    }
    .into_any()
}
