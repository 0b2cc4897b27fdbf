//! One alarm in a list.

use crate::{
    components::{Badge, Time, Tone},
    context::Page,
    links,
    pages::alarms::{data::Listed, words},
};
use leptos::prelude::*;
use spillway_dashboard_model::alarms::{AlarmState, Outlook};

/// An active or cleared alarm: what is wrong, since when, when it turns high, the reason, and who was notified.
pub(crate) fn row((rule, status): &Listed<'_>, outlook: Option<Outlook>, page: &Page) -> AnyView {
    let tone = words::tone(status.state, rule.tier);
    let in_alarm = status.state == AlarmState::Alarm;
    let since = match (in_alarm, words::since(status, page.now)) {
        // Where inactive alarms are in the same list, such as on a runbook's page, each row shows its state.
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
    let notified = match (&status.suppressed, &status.notified) {
        (Some(suppressed), _) if in_alarm => {
            let (text, title) = (words::held(suppressed, page), words::suppressed(suppressed, page));
            Some(view! { <span title=title><Badge tone=Tone::Neutral text=text /></span> }.into_any())
        }
        (_, Some(notified)) if status.last_alarm.is_some() || in_alarm => {
            let text = words::notified(notified, page);
            Some(view! { <span>{text}</span> }.into_any())
        }
        _ => None,
    };
    let not_evaluated = status.evaluation_error.clone().map(|error| {
        let text = format!("the last evaluation failed: {error}");
        view! { <span class="alarm-error">{text}</span> }
    });
    let badge_tone = if in_alarm { tone } else { Tone::Neutral };
    let outlook = outlook.filter(|_| in_alarm).map(|outlook| {
        view! { <strong class="alarm-outlook">{outlook.text()}</strong> }
    });
    let reason = in_alarm.then(|| view! { <span class="alarm-reason">{status.reason.clone()}</span> });
    view! {
        <li class="alarm" data-tone=tone.name() data-row="" data-key=rule.name.to_string() tabindex="-1">
            <span class="alarm-tier"><Badge tone=badge_tone text=rule.tier.to_string() /></span>
            <a class="alarm-summary" href=links::alarm(page, &rule.name)>{rule.summary.clone()}</a>
            <span class="alarm-facts">
                {since}
                {outlook}
                <span class="mono">{rule.name.to_string()}</span>
                {notified}
                {reason}
                {not_evaluated}
            </span>
        </li>
    }
    .into_any()
}

/// An inactive alarm, in one line.
pub(super) fn inactive_row((rule, status): &Listed<'_>, page: &Page) -> AnyView {
    let tone = words::tone(status.state, rule.tier);
    let tier = if rule.notify { rule.tier.to_string() } else { format!("{}, part", rule.tier) };
    let since = match (words::since(status, page.now), &status.evaluation_error) {
        (_, Some(error)) => format!("the last evaluation failed: {error}"),
        (Some(since), None) => since,
        (None, None) => String::new(),
    };
    view! {
        <tr data-row="" data-key=rule.name.to_string() tabindex="-1">
            <td><Badge tone=tone text=words::state(status.state) /></td>
            <td class="wide">
                <a href=links::alarm(page, &rule.name)>{rule.summary.clone()}</a>
                <span class="alarm-name mono quiet">{rule.name.to_string()}</span>
            </td>
            <td>{tier}</td>
            <td class="quiet">{since}</td>
        </tr>
    }
    .into_any()
}
