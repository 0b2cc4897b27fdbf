//! The list: groups by reason, then the messages.

use super::{
    actions::{DISCARD, REPLAY, RESTORE},
    filters::{Filters, Shown, href},
    list::Listed,
    timeline::state_badge,
    unreadable,
    wanted::Wanted,
    words::{class_label, list_sentence},
};
use crate::{
    components::{
        Badge, Count, EmptyState, FormError, Icon, Pager, Sign, StatusSentence, Time, Title, Tone, load,
    },
    context::{Page, use_page},
    format::{counted, grouped},
};
use leptos::prelude::*;
use spillway_core::{
    dead_letter::{DeadLetter, DeadLetterGroup, DeadLetterState},
    failure::FailureClass,
    usecases::replay::Replayer,
};
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
    let shown_groups: Vec<&DeadLetterGroup> = listed.shown_groups().collect();
    let owned: Vec<DeadLetterGroup> = shown_groups.iter().map(|group| (*group).clone()).collect();
    let sentence = list_sentence(listed.filters.shown, &owned, page.now, &page.zone);
    let nothing_at_all = listed.groups.is_empty() && !listed.filters.is_narrow();
    let tone = match listed.filters.shown {
        Shown::Waiting if owned.is_empty() => Tone::Good,
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
            {groups(listed, &shown_groups, &page)}
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

/// What was just done, with the way back.
fn done_notice(page: &Page) -> Option<impl IntoView + use<>> {
    let number = |name| page.parameter(name).and_then(|text| text.parse::<u64>().ok());
    let discarded = page.parameter("__discarded").and_then(|at| at.parse::<jiff::Timestamp>().ok());
    let text = match (discarded, number("__count"), number("__restored")) {
        (Some(_), None | Some(0), _) => "The messages were discarded.".to_owned(),
        (Some(_), Some(1), _) => "1 message was discarded.".to_owned(),
        (Some(_), Some(count), _) => format!("{} messages were discarded.", grouped(count)),
        (None, _, Some(0)) => "Nothing was left to restore.".to_owned(),
        (None, _, Some(1)) => "1 message was restored. It waits in the archive again.".to_owned(),
        (None, _, Some(count)) => {
            format!("{} messages were restored. They wait in the archive again.", grouped(count))
        }
        (None, _, None) => return None,
    };
    let undo = discarded.map(|at| {
        view! {
            <form method="post" action=RESTORE>
                <input type="hidden" name="at" value=at.to_string() />
                <input type="hidden" name="back" value=page.here() />
                <button class="button">"Undo"</button>
            </form>
        }
    });
    Some(view! {
        <div class="notice" role="status">
            <Icon sign=Sign::Check />
            <p>{text}</p>
            {undo}
        </div>
    })
}

fn states(listed: &Listed, page: &Page) -> AnyView {
    let tabs = listed
        .counts
        .iter()
        .map(|(shown, count)| {
            let state = (*shown != Shown::default()).then(|| shown.name());
            let href = page.with(&[("state", state), ("after", None)]);
            let here = (*shown == listed.filters.shown).then_some("true");
            let (label, count) = (shown.label(), grouped(*count));
            view! { <a href=href aria-current=here>{label} " " <span class="num quiet">{count}</span></a> }
        })
        .collect_view();
    view! { <nav class="tabs dl-states" aria-label="States">{tabs}</nav> }.into_any()
}

fn filter_form(listed: &Listed, page: &Page) -> AnyView {
    let filters = &listed.filters;
    let classes = FailureClass::ALL
        .map(|class| {
            let selected = filters.class == Some(class);
            view! { <option value=class.as_str() selected=selected>{class_label(class)}</option> }
        })
        .into_iter()
        .collect_view();
    let types = listed.types.iter().map(|name| view! { <option value=name.clone()></option> }).collect_view();
    // What else narrows the list stays: a form's own query replaces the address's.
    let kept = page
        .query
        .iter()
        .filter(|(name, _)| ["state", "group", "range", "from", "to", "zone"].contains(&name.as_str()))
        .map(|(name, value)| view! { <input type="hidden" name=name.clone() value=value.clone() /> })
        .collect_view();
    let clear = Filters { shown: filters.shown, ..Filters::default() };
    let clear = filters.is_narrow().then(|| {
        let href = super::filters::with_query("/dead-letters", &clear.to_query());
        view! { <a class="button" href=href>"Clear the filters"</a> }
    });
    view! {
        <form class="filters" method="get" action="/dead-letters" role="search" aria-label="Filter dead letters">
            {kept}
            <label class="label">
                <span>"Failure or id contains"</span>
                <input class="field" type="search" name="contains" value=filters.contains.clone() data-search="" />
            </label>
            <label class="label">
                <span>"Event type"</span>
                <input class="field" name="type" list="dl-types" value=filters.event_type.clone() />
            </label>
            <datalist id="dl-types">{types}</datalist>
            <label class="label">
                <span>"Failure"</span>
                <select class="field" name="class">
                    <option value="">"Any"</option>
                    {classes}
                </select>
            </label>
            <button class="button">"Filter"</button>
            {clear}
        </form>
    }
    .into_any()
}

fn nothing(listed: &Listed, page: &Page) -> AnyView {
    if listed.filters.is_narrow() {
        let all = super::filters::with_query(
            "/dead-letters",
            &Filters { shown: listed.filters.shown, ..Filters::default() }.to_query(),
        );
        let event = listed.filters.contains.as_deref().map(|id| {
            let href = format!("/events/{}", crate::context::encode(id));
            view! { " An event may have been stored, or still be on its way: " <a href=href>"look for it by its id"</a> "." }
        });
        return view! {
            <EmptyState title="No dead letter matches.">
                <a href=all>"Show all of them"</a>
                "."
                {event}
            </EmptyState>
        }
        .into_any();
    }
    let title = match listed.filters.shown {
        Shown::Waiting | Shown::All => "No dead letters.",
        Shown::Replaying => "No message is on its way back.",
        Shown::Stored => "No dead letter has been replayed and stored yet.",
        Shown::Discarded => "Nothing is discarded.",
    };
    let last = match (listed.filters.shown, listed.last_replay) {
        (Shown::Waiting, Some(at)) => {
            let replays = page.href("/replays", "");
            view! { <a href=replays>"The last replay"</a> " ended " <Time at=at /> "." }.into_any()
        }
        (Shown::Waiting, None) => "Events that could not be stored would wait here.".into_any(),
        _ => ().into_any(),
    };
    view! { <EmptyState title=title>{last}</EmptyState> }.into_any().into_any()
}

fn groups(listed: &Listed, groups: &[&DeadLetterGroup], page: &Page) -> AnyView {
    let rows = groups.iter().map(|group| group_row(listed, group, page)).collect_view();
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

fn messages(listed: &Listed, page: &Page) -> AnyView {
    let (filters, list) = (&listed.filters, &listed.page);
    let rows = list.items.iter().map(|letter| message_row(letter, listed)).collect_view();
    let shown = match (list.items.len() as u64, list.total) {
        (shown, total) if shown == total => counted(total, "message", "messages"),
        (shown, total) => format!("{} of {}", grouped(shown), counted(total, "message", "messages")),
    };
    let first = page.parameter("after").map(|_| page.with(&[("after", None)]));
    let next = list.next.as_deref().map(|next| page.with(&[("after", Some(next))]));
    let (method, action) = match filters.shown {
        Shown::Discarded => ("post", RESTORE),
        _ => ("get", "/dead-letters/replay"),
    };
    let selectable = [Shown::Waiting, Shown::Discarded].contains(&filters.shown);
    let all =
        (selectable && filters.shown == Shown::Waiting && list.total > list.items.len() as u64).then(|| {
            let href = format!("/dead-letters/replay?{}", Wanted::all_query(page));
            let text = format!("Replay all {} that match…", grouped(list.total));
            view! { <a class="button" href=href>{text}</a> }
        });
    let buttons = match filters.shown {
        Shown::Waiting => view! {
            <div class="actions">
                <button
                    class="button primary"
                    data-none="Select messages to replay"
                    data-one="Replay 1 message…"
                    data-many="Replay {n} messages…"
                >
                    "Replay the selected messages…"
                </button>
                <button
                    class="button"
                    formaction="/dead-letters/discard"
                    data-none="Discard…"
                    data-one="Discard 1 message…"
                    data-many="Discard {n} messages…"
                >
                    "Discard the selected messages…"
                </button>
                {all}
            </div>
        }
        .into_any(),
        Shown::Discarded => view! {
            <div class="actions">
                <button
                    class="button primary"
                    data-none="Select messages to restore"
                    data-one="Restore 1 message"
                    data-many="Restore {n} messages"
                >
                    "Restore the selected messages"
                </button>
            </div>
        }
        .into_any(),
        Shown::Replaying | Shown::Stored | Shown::All => ().into_any(),
    };
    let select_all = selectable.then(|| {
        view! {
            <th scope="col">
                <input type="checkbox" data-select-all="" class="needs-islands" aria-label="Select all on this page" />
            </th>
        }
    });
    let state = (filters.shown == Shown::All).then(|| view! { <th scope="col">"State"</th> });
    view! {
        <section class="section" aria-labelledby="dl-messages">
            <h2 id="dl-messages">"Messages"</h2>
            <form method=method action=action data-selection="">
                <input type="hidden" name="back" value=page.here() />
                <div class="table-scroll" tabindex="0" role="region" aria-label="Messages">
                    <table class="table dl-table">
                        <thead>
                            <tr>
                                {select_all}
                                <th scope="col">"Event"</th>
                                <th scope="col" class="wide">"Failure"</th>
                                {state}
                                <th scope="col" class="number wide-only">"Receives"</th>
                                <th scope="col" class="number">"Dead-lettered"</th>
                            </tr>
                        </thead>
                        <tbody>{rows}</tbody>
                    </table>
                </div>
                {buttons}
            </form>
            <Pager shown=shown first=first next=next />
        </section>
    }
    .into_any()
}

fn message_row(letter: &DeadLetter, listed: &Listed) -> AnyView {
    let id = letter.id.to_string();
    let name = letter.event_type.as_ref().map_or_else(|| "unknown type".to_owned(), ToString::to_string);
    let event = letter.key.as_ref().map_or_else(|| id.clone(), |key| key.id.to_string());
    let failure = letter.last_failure().map_or_else(
        || "not known".to_owned(),
        |failure| format!("{}: {}", class_label(failure.class), failure.message),
    );
    let why_discarded = match &letter.state {
        DeadLetterState::Discarded { by, reason, .. } => Some(
            view! { <span class="dl-reason quiet small">{format!("Discarded by {by}: {reason}")}</span> },
        ),
        _ => None,
    };
    let choose = match listed.filters.shown {
        Shown::Waiting => Some("id"),
        Shown::Discarded => Some("ids[]"),
        Shown::Replaying | Shown::Stored | Shown::All => None,
    };
    let choose = choose.map(|field| {
        let label = format!("Select {name} {event}");
        view! { <td><input type="checkbox" name=field value=id.clone() aria-label=label /></td> }
    });
    let state = (listed.filters.shown == Shown::All).then(|| view! { <td>{state_badge(&letter.state)}</td> });
    let link = href(&letter.id, &listed.carried);
    view! {
        <tr data-row="" data-key=id.clone() tabindex="-1">
            {choose}
            <td class="dl-event">
                <a href=link>{name}</a>
                <span class="mono quiet small dl-id">{event}</span>
            </td>
            <td class="wide dl-failure">{failure}{why_discarded}</td>
            {state}
            <td class="number wide-only">{letter.receive_count}</td>
            <td class="number"><Time at=letter.archived_at /></td>
        </tr>
    }
    .into_any()
}
