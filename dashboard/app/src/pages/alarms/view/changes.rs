//! Changes of alarms, newest first.

use crate::{
    components::{Badge, Time},
    context::Page,
    links,
    pages::alarms::{
        data::{ALL_CHANGES, most_changes},
        words,
    },
};
use leptos::prelude::*;
use spillway_dashboard_model::alarms::{AlarmChange, AlarmChanges, AlarmsNow, Tier};

/// The changes as a timeline. With `with_names`, each change has its alarm's name.
pub(super) fn changes(changes: &AlarmChanges, now: &AlarmsNow, with_names: bool, page: &Page) -> AnyView {
    if changes.changes.is_empty() {
        let week = page.with(&[("range", Some("7d")), ("from", None), ("to", None), ("zone", None)]);
        let longer = (page.range.length() < jiff::SignedDuration::from_hours(7 * 24)).then(|| {
            view! { " " <a href=week>"Show the last 7 days"</a> "." }
        });
        return view! { <p class="quiet">"Nothing changed in this range." {longer}</p> }.into_any();
    }
    let items = changes.changes.iter().map(|change| item(change, now, with_names, page)).collect_view();
    let more = changes.has_more.then(|| {
        if most_changes(page) < ALL_CHANGES {
            let all = page.with(&[("changes", Some("all"))]);
            view! { <p><a href=all>"Show older changes of this range"</a></p> }.into_any()
        } else {
            view! { <p class="quiet">"There are older changes: choose an earlier range."</p> }.into_any()
        }
    });
    view! { <ol class="timeline">{items}</ol> {more} }.into_any()
}

fn item(change: &AlarmChange, now: &AlarmsNow, with_names: bool, page: &Page) -> AnyView {
    let tier = now.rules.get(change.rule.as_str()).map_or(Tier::Low, |rule| rule.tier);
    let tone = words::tone(change.to, tier);
    let name = with_names.then(|| {
        let summary = now.rules.get(change.rule.as_str()).map(|rule| rule.summary.clone());
        view! { <a href=links::alarm(page, &change.rule) title=summary>{change.rule.to_string()}</a> " " }
    });
    let notified = words::notified(&change.notified, page);
    view! {
        <li data-tone=tone.name() data-key=format!("{} {}", change.rule, change.at)>
            <p>
                {name}
                <Badge tone=tone text=words::change(change.from, change.to) />
            </p>
            <p class="small">{change.reason.clone()}</p>
            <p class="timeline-when"><Time at=change.at absolute=true /> " · " {notified}</p>
        </li>
    }
    .into_any()
}
