//! One alarm in a list.

use super::{list::Listed, words};
use crate::{
    components::{Badge, Time, Tone},
    context::{Page, encode},
};
use leptos::prelude::*;
use spillway_dashboard_model::alarms::{AlarmState, RuleName};

/// The address of an alarm, about the page's range.
pub(crate) fn href(page: &Page, rule: &RuleName) -> String {
    page.href(&format!("/alarms/{}", encode(rule.as_str())), "")
}

/// An alarm that is active or was: what is wrong, since when, why, and who was told.
pub(crate) fn row((rule, status): &Listed<'_>, page: &Page) -> AnyView {
    let tone = words::tone(status.state, rule.tier);
    let in_alarm = status.state == AlarmState::Alarm;
    let since = match (in_alarm, words::since(status, page.now)) {
        // Where the quiet ones stand beside the others, such as on a runbook's page, they say that they are quiet.
        (false, None) => {
            let state = words::state(status.state);
            Some(view! { <span class="alarm-since">{state}</span> }.into_any())
        }
        (true, None) => None,
        (true, Some(lasts)) => {
            let from = status.since.map(|since| view! { ", since " <Time at=since absolute=true /> });
            Some(view! { <span class="alarm-since"><strong>{lasts}</strong>{from}</span> }.into_any())
        }
        (false, Some(cleared)) => Some(view! { <span class="alarm-since">{cleared}</span> }.into_any()),
    };
    let told = match (&status.suppressed, &status.told) {
        (Some(suppressed), _) if in_alarm => {
            let (text, title) = (words::held(suppressed, page), words::suppressed(suppressed, page));
            Some(view! { <span title=title><Badge tone=Tone::Neutral text=text /></span> }.into_any())
        }
        (_, Some(told)) if status.last_alarm.is_some() || in_alarm => {
            let text = words::told(told, page);
            Some(view! { <span>{text}</span> }.into_any())
        }
        _ => None,
    };
    let trouble = status.trouble.clone().map(|trouble| {
        let text = format!("could not be evaluated the last time: {trouble}");
        view! { <span class="alarm-trouble">{text}</span> }
    });
    let badge_tone = if in_alarm { tone } else { Tone::Neutral };
    let reason = in_alarm.then(|| view! { <span class="alarm-reason">{status.reason.clone()}</span> });
    view! {
        <li class="alarm" data-tone=tone.name() data-row="" data-key=rule.name.to_string() tabindex="-1">
            <span class="alarm-tier"><Badge tone=badge_tone text=rule.tier.to_string() /></span>
            <a class="alarm-summary" href=href(page, &rule.name)>{rule.summary.clone()}</a>
            <span class="alarm-facts">
                {since}
                <span class="mono">{rule.name.to_string()}</span>
                {told}
                {reason}
                {trouble}
            </span>
        </li>
    }
    .into_any()
}

/// An alarm that says nothing: a line.
pub(super) fn quiet((rule, status): &Listed<'_>, page: &Page) -> AnyView {
    let tone = words::tone(status.state, rule.tier);
    let tier = if rule.notify { rule.tier.to_string() } else { format!("{}, part", rule.tier) };
    let since = match (words::since(status, page.now), &status.trouble) {
        (_, Some(trouble)) => format!("could not be evaluated the last time: {trouble}"),
        (Some(since), None) => since,
        (None, None) => String::new(),
    };
    view! {
        <tr data-row="" data-key=rule.name.to_string() tabindex="-1">
            <td><Badge tone=tone text=words::state(status.state) /></td>
            <td class="wide">
                <a href=href(page, &rule.name)>{rule.summary.clone()}</a>
                <span class="alarm-name mono quiet">{rule.name.to_string()}</span>
            </td>
            <td>{tier}</td>
            <td class="quiet">{since}</td>
        </tr>
    }
    .into_any()
}
