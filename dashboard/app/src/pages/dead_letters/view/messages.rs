//! The messages of the list, each with a checkbox, and the actions on selected messages.

use super::state_badge;
use crate::{
    components::{DataTable, Pager, Time},
    context::Page,
    links,
    pages::dead_letters::{
        actions::RESTORE,
        data::{List, Selection, Shown},
    },
    words::{MAX_FAILURE, class_label, event_names},
};
use leptos::prelude::*;
use spillway_core::dead_letter::{DeadLetter, DeadLetterState, Glance};
use spillway_core::explain::excerpt;
use spillway_core::failure::shortened;
use spillway_dashboard_words::{counted, grouped};

pub(super) fn messages(listed: &List, page: &Page) -> AnyView {
    let (filters, list) = (&listed.filters, &listed.page);
    let before = std::iter::once(None).chain(list.items.iter().map(Some));
    let rows = list.items.iter().zip(before).map(|(letter, before)| message_row(letter, before, listed));
    let rows = rows.collect_view();
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
            let href = format!("/dead-letters/replay?{}", Selection::all_query(page, None));
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
    let head = view! {
        {select_all}
        <th scope="col">"Event"</th>
        <th scope="col">"Sender"</th>
        <th scope="col" class="wide">"Failing value"</th>
        {state}
        <th scope="col" class="number wide-only">"Receives"</th>
        <th scope="col" class="number">"Dead-lettered"</th>
    };
    view! {
        <section class="section" aria-labelledby="dl-messages">
            <h2 id="dl-messages">"Messages"</h2>
            <form method=method action=action data-selection="">
                <input type="hidden" name="back" value=page.here() />
                <DataTable label="List of messages" table_class="table dl-table" head=head.into_any()>{rows}</DataTable>
                {buttons}
            </form>
            <Pager shown=shown first=first next=next />
        </section>
    }
    .into_any()
}

/// A row: what distinguishes this message from others of its group. `before` is the message above it.
fn message_row(letter: &DeadLetter, before: Option<&DeadLetter>, listed: &List) -> AnyView {
    let id = letter.id.to_string();
    let (name, event) = event_names(letter);
    let glance = letter.glance();
    let sender =
        letter.key.as_ref().map(|key| view! { <span class="mono">{excerpt(key.source.as_str())}</span> });
    let subject = glance.subject.as_ref().map(|subject| {
        view! { <span class="quiet small dl-subject">{subject.clone()}</span> }
    });
    let failure = failure(letter, before, &glance);
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
    let link = links::dead_letter(&letter.id, &listed.carried);
    view! {
        <tr data-row="" data-key=id.clone() tabindex="-1">
            {choose}
            <td class="dl-event">
                <a href=link>{name}</a>
                <span class="mono quiet small dl-id">{event}</span>
            </td>
            <td class="dl-sender">{sender}{subject}</td>
            <td class="wide dl-failure">{failure}{why_discarded}</td>
            {state}
            <td class="number wide-only">{letter.receive_count}</td>
            <td class="number"><Time at=letter.archived_at /></td>
        </tr>
    }
    .into_any()
}

/// The failing value. Without one it is the failure, in full only if the message above has another one.
fn failure(letter: &DeadLetter, before: Option<&DeadLetter>, glance: &Glance) -> AnyView {
    let Some(failure) = letter.last_failure() else { return view! { "not known" }.into_any() };
    let class = class_label(failure.class);
    if let (Some(place), Some(value)) = (&glance.place, &glance.value) {
        let place = if place.is_empty() { "the body" } else { place.as_str() };
        return view! {
            <code class="dl-value">{value.clone()}</code>
            <span class="quiet small dl-place">{format!("{place}, {}", class.to_lowercase())}</span>
        }
        .into_any();
    }
    let above = before.and_then(DeadLetter::last_failure);
    if above.is_some_and(|above| above.class == failure.class && above.message == failure.message) {
        return view! { <span class="quiet">{class}</span> }.into_any();
    }
    view! { {class} ": " {shortened(&failure.message, MAX_FAILURE)} }.into_any()
}
