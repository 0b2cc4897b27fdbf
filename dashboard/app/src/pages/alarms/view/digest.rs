//! The opening digest: what fired outside business hours.

use crate::{context::Page, links, pages::alarms::words};
use jiff::SignedDuration;
use leptos::prelude::*;
use spillway_dashboard_model::alarms::{AlarmsNow, Digest, DigestEntry};
use spillway_dashboard_words::{counted, duration};

/// How long after opening it is shown unfolded.
const NEW: SignedDuration = SignedDuration::from_hours(10);

/// What was notified when business hours began: what was in alarm then, and what had cleared by itself.
pub(super) fn digest(digest: &Digest, now: &AlarmsNow, page: &Page) -> AnyView {
    let when = |at| words::moment(at, page.now, &page.zone);
    let is_new = page.now.duration_since(digest.opened_at) < NEW;
    let title = if is_new { "While you were away" } else { "Last opening digest" };
    let span = match digest.closed_at {
        Some(closed) => format!("{} to {}", when(closed), when(digest.opened_at)),
        None => format!("until {}", when(digest.opened_at)),
    };
    let said = said(digest);
    let list = |title: &'static str, entries: &[DigestEntry]| {
        (!entries.is_empty()).then(|| {
            let items = entries.iter().map(|one| entry(one, now, page)).collect_view();
            view! { <h3>{title}</h3> <ul class="digest-list">{items}</ul> }
        })
    };
    view! {
        <details class="digest panel" open=is_new data-key="digest">
            <summary><h2>{title}</h2> " " <span class="quiet">{format!("{span}. {said}")}</span></summary>
            {list("In alarm at opening", &digest.still_in_alarm)}
            {list("Fired and cleared", &digest.cleared)}
        </details>
    }
    .into_any()
}

fn said(digest: &Digest) -> String {
    let still = counted(digest.still_in_alarm.len() as u64, "low alarm was", "low alarms were");
    match (digest.still_in_alarm.is_empty(), digest.cleared.len() as u64) {
        (true, 0) => "Nothing happened.".to_owned(),
        (true, gone) => format!("{} fired and cleared.", counted(gone, "low alarm", "low alarms")),
        (false, 0) => format!("{still} in alarm at opening."),
        (false, gone) => format!("{still} in alarm at opening, {gone} more had cleared."),
    }
}

fn entry(entry: &DigestEntry, now: &AlarmsNow, page: &Page) -> AnyView {
    let when = |at| words::moment(at, page.now, &page.zone);
    let text = now
        .rules
        .get(entry.rule.as_str())
        .map_or_else(|| entry.rule.to_string(), |rule| rule.summary.clone());
    let span = match entry.until {
        Some(until) => {
            let lasted = duration((until.as_second() - entry.from.as_second()) as f64);
            format!("{} to {}, {lasted}", when(entry.from), when(until))
        }
        None => format!("since {}", when(entry.from)),
    };
    view! {
        <li>
            <a href=links::alarm(page, &entry.rule)>{text}</a>
            " "
            <span class="quiet small">{span} " · " {entry.reason.clone()}</span>
        </li>
    }
    .into_any()
}
