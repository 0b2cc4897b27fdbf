//! The opening digest: alarms that fired outside business hours.

use crate::{context::Page, links, pages::alarms::words};
use jiff::SignedDuration;
use leptos::prelude::*;
use spillway_dashboard_model::alarms::{AlarmsNow, Digest, DigestEntry};
use spillway_dashboard_words::{counted, duration};

/// How long after opening the digest is unfolded.
const NEW: SignedDuration = SignedDuration::from_hours(10);

/// The digest from the start of business hours: alarms that were active then, and alarms that had cleared.
pub(super) fn digest(digest: &Digest, now: &AlarmsNow, page: &Page) -> AnyView {
    let when = |at| words::moment(at, page.now, &page.zone);
    let is_new = page.now.duration_since(digest.opened_at) < NEW;
    let title = if is_new { "While you were away" } else { "Last opening digest" };
    let span = match digest.closed_at {
        Some(closed) => format!("{} to {}", when(closed), when(digest.opened_at)),
        None => format!("until {}", when(digest.opened_at)),
    };
    let text = text(digest);
    let list = |title: &'static str, entries: &[DigestEntry]| {
        (!entries.is_empty()).then(|| {
            let items = entries.iter().map(|one| entry(one, now, page)).collect_view();
            view! { <h3>{title}</h3> <ul class="digest-list">{items}</ul> }
        })
    };
    view! {
        <details class="digest panel" open=is_new data-key="digest">
            <summary><h2>{title}</h2> " " <span class="quiet">{format!("{span}. {text}")}</span></summary>
            {list("In alarm at opening", &digest.still_in_alarm)}
            {list("Fired and cleared", &digest.cleared)}
        </details>
    }
    .into_any()
}

fn text(digest: &Digest) -> String {
    let still = counted(digest.still_in_alarm.len() as u64, "low alarm was", "low alarms were");
    match (digest.still_in_alarm.is_empty(), digest.cleared.len() as u64) {
        (true, 0) => "No low alarm fired.".to_owned(),
        (true, cleared) => format!("{} fired and cleared.", counted(cleared, "low alarm", "low alarms")),
        (false, 0) => format!("{still} in alarm at opening."),
        (false, cleared) => format!("{still} in alarm at opening, {cleared} more had cleared."),
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
