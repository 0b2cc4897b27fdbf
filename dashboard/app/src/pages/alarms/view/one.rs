//! The page of one alarm, for the on-call engineer: what is wrong and since when, whether events are lost, what to do
//! first. The evidence follows.

use super::{
    changes::changes,
    facts::{datapoints, rule_facts},
    runbook::section,
    unreadable,
};
use crate::{
    components::{Figure, StatusSentence, Time, Title, Tone},
    context::{Page, use_page},
    links,
    pages::alarms::{
        data::{One, Runbook, Seen, name},
        words,
    },
    stages,
};
use leptos::prelude::*;
use spillway_dashboard_model::ReadError;
use spillway_dashboard_model::alarms::{AlarmState, Link, Rule};
use spillway_dashboard_model::flow::{State, summary};
use spillway_dashboard_pages::page_at;
use std::sync::Arc;

pub(in crate::pages::alarms) fn one(detail: &One) -> AnyView {
    let page = use_page();
    let book = Runbook::named(&detail.rule.runbook, &detail.now.rules);
    let charts = detail.seen.iter().map(|(rule, seen)| chart(rule, seen, detail, &page)).collect_view();
    let history = match &detail.changes {
        Ok(of) => changes(of, &detail.now, false, &page),
        Err(error) => unreadable(error),
    };
    view! {
        <Title text=format!("Alarm {}", detail.rule.name) hidden=true />
        {head(detail, &page)}
        <div class="alarm-page">
            {book.map(|book| runbook(&book, &detail.rule.runbook, &page))}
            <div class="alarm-evidence">
                <section aria-labelledby="alarm-sees">
                    <h2 id="alarm-sees">"Measurements"</h2>
                    {charts}
                    {on_metrics(detail, &page)}
                </section>
                <section class="section" aria-labelledby="alarm-history">
                    <h2 id="alarm-history">"Changes"</h2>
                    {history}
                </section>
                <section class="section" aria-labelledby="alarm-facts">
                    <h2 id="alarm-facts">"The rule"</h2>
                    {rule_facts(detail, &page)}
                </section>
            </div>
        </div>
    }
    .into_any()
}

/// The verdict: what is wrong, since when, the impact, whether events are lost, and who was notified.
fn head(detail: &One, page: &Page) -> AnyView {
    let (rule, status) = (&detail.rule, &detail.status);
    let (over, needed) = detail.over();
    let tone = words::tone(status.state, rule.tier);
    // About to fire is not OK.
    let tone = if status.state == AlarmState::Ok && over > 0 { Tone::Warning } else { tone };
    let lasts = words::since(status, page.now);
    let summary = rule.summary.clone();
    let sentence = match (status.state, lasts) {
        (AlarmState::Alarm, Some(lasts)) => {
            let since = status.since.map(|since| view! { ", since " <Time at=since absolute=true /> });
            view! { {format!("In alarm {lasts}")} {since} ": " {summary} }.into_any()
        }
        (AlarmState::Alarm, None) => view! { "In alarm: " {summary} }.into_any(),
        (AlarmState::Ok, _) if over > 0 => {
            let of = if over == 1 { "datapoint" } else { "datapoints" };
            format!(
                "{}: OK, but {over} {of} of the {needed} that it needs are over the threshold.",
                rule.name
            )
            .into_any()
        }
        (AlarmState::Ok, Some(cleared)) => format!("{}: OK, {cleared}.", rule.name).into_any(),
        (AlarmState::Ok, None) => format!("{}: OK. It has not been in alarm.", rule.name).into_any(),
        (AlarmState::InsufficientData, _) if detail.now.evaluated_at.is_none() => {
            "Not evaluated yet.".into_any()
        }
        (AlarmState::InsufficientData, _) => {
            "There are too few datapoints to determine its state.".into_any()
        }
    };
    // An inactive alarm shows its meaning as well.
    let meaning =
        (status.state != AlarmState::Alarm).then(|| view! { <p>"Fires when: " {rule.summary.clone()}</p> });
    let notified = match (&status.suppressed, &status.notified) {
        (Some(suppressed), _) if status.state == AlarmState::Alarm => {
            Some(words::suppressed(suppressed, page))
        }
        (_, Some(notified)) => Some(words::notified(notified, page)),
        _ => None,
    };
    let notified = notified.map(|notified| format!("{}. ", words::capitalised(&notified)));
    let tier = format!("{}.", words::capitalised(words::tier(rule)));
    let not_evaluated = status.evaluation_error.clone().map(|error| {
        view! { <p class="stale-note">"The last evaluation failed: " {error} ". The state is from an earlier evaluation."</p> }
    });
    let words::Overall { text, is_stale, .. } = words::overall(&detail.now, page.now, None);
    let stale = is_stale.then(|| view! { <p class="stale-note">{text} " The state is from then."</p> });
    let links =
        rule.links.iter().filter(|link| page_at(&link.page).is_some()).map(|link| link_to(link, page));
    let links = links.collect_view();
    view! {
        <section class="answer alarm-head" aria-label="Alarm status">
            <p class="alarm-crumb"><a href=page.href("/alarms", "")>"Alarms"</a> " / " <span class="mono">{rule.name.to_string()}</span></p>
            <StatusSentence tone=tone>{sentence}</StatusSentence>
            <div class="alarm-answers">
                {meaning}
                <p><strong>"If nothing is done: "</strong> {rule.impact.clone()}</p>
                {lost(detail, page)}
                <p class="quiet">{notified} {tier}</p>
                {not_evaluated}
                {stale}
                <p class="row alarm-links">{links}</p>
            </div>
        </section>
    }
    .into_any()
}

/// Whether events are lost: the first sentence of the overview.
fn lost(detail: &One, page: &Page) -> AnyView {
    match &detail.flow {
        Ok(flow) => {
            let first = summary(flow).into_iter().next();
            first.map(|first| {
                let text = first.text.to_string();
                let href = page.href("/", "");
                let is_bad = first.state != State::Ok;
                let tone = stages::tone(first.state).name();
                view! {
                    <p data-tone=tone class:alarm-lost=is_bad>
                        <strong>"Is anything lost? "</strong> <a href=href>{text}</a>
                    </p>
                }
            })
        }
        .into_any(),
        Err(error) => {
            let why = error.to_string();
            view! { <p><strong>"Is anything lost? "</strong> "This cannot be read now:  " {why} "."</p> }
                .into_any()
        }
    }
}

fn link_to(link: &Link, page: &Page) -> AnyView {
    let (path, query) = link.page.split_once('?').unwrap_or((&link.page, ""));
    view! { <a class="button" href=page.href(path, query)>{link.title.clone()}</a> }.into_any()
}

fn runbook(book: &Runbook, name: &str, page: &Page) -> AnyView {
    let sections =
        book.urgent_first().into_iter().map(|part| section(&part.title, &part.html)).collect_view();
    let href = page.href(&format!("/runbooks/{name}"), "");
    view! {
        <article class="alarm-runbook prose" aria-labelledby="alarm-runbook">
            <p class="alarm-runbook-title" id="alarm-runbook">"Runbook: " <a href=href>{book.title.clone()}</a></p>
            {sections}
        </article>
    }
    .into_any()
}

fn chart(rule: &Rule, seen: &Result<Seen, ReadError>, detail: &One, page: &Page) -> AnyView {
    let Some(condition) = rule.metric() else { return ().into_any() };
    let seen = match seen {
        Ok(seen) => seen,
        Err(error) => {
            let why = error.to_string();
            return view! { <p class="stale-note">"The numbers of " {rule.name.to_string()} " cannot be read now: " {why} ". The page retries automatically."</p> }
                .into_any();
        }
    };
    let is_itself = rule.name == detail.rule.name;
    let own = name(condition);
    let title = match detail.entries.first() {
        Some(entry) if is_itself => entry.title.to_owned(),
        _ => own.clone(),
    };
    let title = if is_itself { title } else { format!("{}: {title}", rule.name) };
    let current = seen.newest.map_or_else(|| "–".to_owned(), |value| words::value(condition, value));
    let note = match seen.newest {
        Some(_) => format!("newest, of {}", words::period(condition)),
        None => "no data".to_owned(),
    };
    let help = format!(
        "{own}, in periods of {}, as the rule compares it. Shaded: in alarm. Dashed: thresholds.",
        words::period(condition)
    );
    let coarse = seen.is_coarse.then(|| {
        let short = page.with(&[("range", Some("3h")), ("from", None), ("to", None), ("zone", None)]);
        view! {
            <p class="quiet small">
                "In this long range, each point covers several datapoints of the rule.  " <a href=short>"Show 3 h"</a> "."
            </p>
        }
    });
    let stale = seen.freshness.error.as_ref().map(|error| {
        let (at, why) = (seen.freshness.read_at, error.to_string());
        view! { <p class="stale-note">"Numbers from " <Time at=at absolute=true /> ": " {why} "."</p> }
    });
    let (wide, narrow) = seen.drawn.clone();
    view! {
        {stale}
        <Figure
            id=rule.name.to_string()
            title=title
            current=Some(current)
            current_note=Some(note)
            help=help
            drawn=wide
            narrow=Some(Arc::clone(&narrow))
        />
        {coarse}
        {datapoints(seen)}
    }
    .into_any()
}

/// Links to the same charts on the metrics page.
fn on_metrics(detail: &One, page: &Page) -> Option<AnyView> {
    let mut links = Vec::new();
    for entry in &detail.entries {
        let href = links::metrics(page, entry.stage, entry.key);
        links.push(
            view! { <li><a href=href>{format!("{} metrics: {}", entry.stage.title(), entry.title)}</a></li> },
        );
    }
    if links.is_empty() {
        return None;
    }
    let links = view! { <p class="quiet small">"The same metrics among other charts:"</p> <ul class="alarm-entries small">{links}</ul> };
    Some(links.into_any())
}
