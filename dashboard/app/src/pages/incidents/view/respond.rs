//! The forms: take an incident, add a note, mute it. All work without JavaScript.

use crate::{
    components::{Icon, Sign, Time},
    context::Page,
    pages::incidents::{
        actions::{Done, RESPOND},
        words,
    },
};
use leptos::prelude::*;
use spillway_dashboard_model::incidents::{Incident, LONGEST_TEXT, Response};

/// Lengths of a mute, in hours.
const HOURS: [(u32, &str); 5] =
    [(1, "1 hour"), (4, "4 hours"), (8, "8 hours"), (24, "1 day"), (72, "3 days")];

/// The button "I have it".
pub(super) fn take(incident: &Incident) -> AnyView {
    one_button(incident, "ack", "I have it", true)
}

fn one_button(incident: &Incident, act: &'static str, label: &'static str, is_primary: bool) -> AnyView {
    view! {
        <form method="post" action=RESPOND>
            <input type="hidden" name="id" value=incident.id.to_string() />
            <input type="hidden" name="act" value=act />
            <button class="button" class:primary=is_primary>{label}</button>
        </form>
    }
    .into_any()
}

/// The last action, with an undo.
pub(super) fn done_notice(incident: &Incident, page: &Page) -> Option<AnyView> {
    let (done, at) = Done::of(page)?;
    let undo = done.undo().map(|act| {
        view! {
            <form method="post" action=RESPOND>
                <input type="hidden" name="id" value=incident.id.to_string() />
                <input type="hidden" name="act" value=act />
                <input type="hidden" name="at" value=at.to_string() />
                <button class="button">"Undo"</button>
            </form>
        }
    });
    let notice = view! {
        <div class="notice" role="status">
            <Icon sign=Sign::Check />
            <p>{words::done(done)}</p>
            {undo}
        </div>
    };
    Some(notice.into_any())
}

/// Who has it, whether it is muted, and what can be done.
pub(super) fn response(incident: &Incident, response: Option<&Response>, page: &Page) -> AnyView {
    let handled = words::handled(incident, response, page);
    let Some(response) = response else {
        return view! { <p class="stale-note">{handled.join(" · ")} "."</p> }.into_any();
    };
    let handled = if handled.is_empty() { "It is over.".to_owned() } else { handled.join(" · ") };
    let holder = response.holder(incident);
    let taken = match (incident.is_active(), holder) {
        (true, None) => Some(take(incident)),
        (true, Some(_)) => Some(one_button(incident, "release", "Give it back", false)),
        (false, _) => None,
    };
    let mute = response.mute_at(incident, page.now).filter(|_| incident.is_active());
    let why = mute.map(|mute| {
        let reason = if mute.reason.is_empty() { String::new() } else { format!(": {}", mute.reason) };
        view! { <p class="quiet small">"Muted by " {mute.by.clone()} " " <Time at=mute.at /> {reason}</p> }
    });
    let muting = match (incident.is_active(), mute.is_some()) {
        (true, true) => Some(one_button(incident, "unmute", "Unmute", false)),
        (true, false) => Some(mute_form(incident)),
        (false, _) => None,
    };
    view! {
        <section class="incident-response" aria-label="Response">
            <p>{handled}</p>
            {why}
            <div class="row">{taken} {muting} {note_form(incident)}</div>
        </section>
    }
    .into_any()
}

fn name_field() -> AnyView {
    view! {
        <label class="label">
            <span>"Your name (optional)"</span>
            <input class="field" name="name" maxlength="60" autocomplete="name" />
        </label>
    }
    .into_any()
}

fn mute_form(incident: &Incident) -> AnyView {
    let hours =
        HOURS.iter().map(|(hours, label)| view! { <option value=hours.to_string()>{*label}</option> });
    view! {
        <details class="incident-form" id="incident-mute">
            <summary class="button">"Mute…"</summary>
            <form method="post" action=RESPOND class="stack">
                <input type="hidden" name="id" value=incident.id.to_string() />
                <input type="hidden" name="act" value="mute" />
                <label class="label">
                    <span>"How long"</span>
                    <select class="field" name="kind">
                        <option value="for-a-time">"For a time"</option>
                        <option value="until-it-clears">"Until it clears, 7 days at most"</option>
                        <option value="planned-work">"Planned work: silences new causes too"</option>
                    </select>
                </label>
                <label class="label">
                    <span>"Time"</span>
                    <select class="field" name="hours">{hours.collect_view()}</select>
                </label>
                <label class="label">
                    <span>"Reason (planned work needs one)"</span>
                    <input class="field" name="text" maxlength=LONGEST_TEXT.to_string() />
                </label>
                {name_field()}
                <button class="button">"Mute"</button>
                <p class="quiet small">"A first high alarm and a new cause still notify, except in planned work. The digest lists what is muted."</p>
            </form>
        </details>
    }
    .into_any()
}

fn note_form(incident: &Incident) -> AnyView {
    view! {
        <details class="incident-form" id="incident-note">
            <summary class="button">"Add a note…"</summary>
            <form method="post" action=RESPOND class="stack">
                <input type="hidden" name="id" value=incident.id.to_string() />
                <input type="hidden" name="act" value="note" />
                <label class="label">
                    <span>"Note"</span>
                    <textarea class="field" name="text" rows="3" required maxlength=LONGEST_TEXT.to_string() data-keep=""></textarea>
                </label>
                {name_field()}
                <button class="button">"Add"</button>
            </form>
        </details>
    }
    .into_any()
}
