//! The page of one incident: the verdict, what to do about it, its alarms over time, and who was notified.

use super::{respond, strip::strip};
use crate::{
    components::{Step, Time, Timeline, Title, Tone},
    context::{Page, use_page},
    links,
    pages::{
        alarms::row,
        incidents::{actions::RESPOND, data::One, words},
        overview::verdict_card,
    },
};
use leptos::prelude::*;
use spillway_dashboard_model::alarms::{AlarmStatus, Tier};
use spillway_dashboard_model::incidents::{Member, verdict};
use spillway_dashboard_words::counted;

pub(in crate::pages::incidents) fn one(one: &One) -> AnyView {
    let page = use_page();
    let incident = &one.incident;
    let title = words::title(incident, &one.now.rules);
    let card = match &one.flow {
        Ok(flow) => verdict_card(&verdict(incident, &one.now.rules, flow), &page),
        Err(error) => {
            let why = error.to_string();
            view! { <p class="stale-note">"The state of the pipeline cannot be read now: " {why} "."</p> }
                .into_any()
        }
    };
    let merged = incident.merged_into.as_ref().map(|whole| {
        let href = links::incident(whole);
        view! { <p>"Its alarms have a common cause with others: see " <a href=href>{whole.to_string()}</a> "."</p> }
    });
    view! {
        <Title text=format!("Incident {}: {title}", incident.id) hidden=true />
        <p class="alarm-crumb"><a href="/incidents">"Incidents"</a> " / " <span class="mono">{incident.id.to_string()}</span></p>
        {respond::done_notice(incident, &page)}
        {card}
        {merged}
        {respond::response(incident, one.response.as_ref(), &page)}
        {pending(one, &page)}
        {members(one, &page)}
        <section class="section" aria-labelledby="incident-strip">
            <h2 id="incident-strip">"Alarms over time"</h2>
            {strip(one, &page)}
            <p class="row">{evidence(one)}</p>
        </section>
        {notes(one, &page)}
        <section class="section" aria-labelledby="incident-timeline">
            <h2 id="incident-timeline">"What happened"</h2>
            <Timeline steps=steps(one) />
        </section>
    }
    .into_any()
}

/// Alarms that are about to fire.
fn pending(one: &One, page: &Page) -> Option<AnyView> {
    if one.pending.is_empty() {
        return None;
    }
    let items = one.pending.iter().map(|pending| {
        let href = links::alarm(page, &pending.rule.name);
        let (tier, needed) = (pending.rule.tier.to_string(), words::pending(pending));
        view! { <li><a class="mono" href=href>{pending.rule.name.to_string()}</a> ", " {tier} ": " {needed}</li> }
    });
    let list = view! {
        <section class="section" aria-labelledby="incident-pending">
            <h2 id="incident-pending">"Pending"</h2>
            <ul>{items.collect_view()}</ul>
        </section>
    };
    Some(list.into_any())
}

/// The root cause, and folded under it its symptoms.
fn members(one: &One, page: &Page) -> AnyView {
    let rows = |members: &mut dyn Iterator<Item = &Member>| {
        let rows = members.filter_map(|member| {
            let rule = one.now.rules.get(member.rule.as_str())?;
            let status = one.now.status(member.rule.as_str()).cloned();
            let status = status.unwrap_or_else(|| AlarmStatus::unevaluated(&rule.name));
            Some(row(&(rule, status), None, page))
        });
        rows.collect_view()
    };
    let symptoms = one.incident.symptoms().count() as u64;
    let folded = (symptoms > 0).then(|| {
        let title = counted(symptoms, "symptom of the same cause", "symptoms of the same cause");
        let rows = rows(&mut one.incident.symptoms());
        view! {
            <details id="incident-symptoms">
                <summary>{title}</summary>
                <ul class="alarm-list">{rows}</ul>
            </details>
        }
    });
    view! {
        <section class="section" aria-labelledby="incident-cause">
            <h2 id="incident-cause">"Root cause"</h2>
            <ul class="alarm-list">{rows(&mut one.incident.causes())}</ul>
            {folded}
        </section>
    }
    .into_any()
}

/// Links to the evidence, over the time of the incident.
fn evidence(one: &One) -> AnyView {
    let rule = one.incident.lead().and_then(|lead| one.now.rules.get(lead.rule.as_str()));
    let links = rule.into_iter().flat_map(|rule| &rule.links).map(|link| {
        let href = links::with_range(&link.page, &one.range);
        view! { <a class="button" href=href>{link.title.clone()}</a> }
    });
    let overview = links::with_range("/", &one.range);
    view! { {links.collect_view()} <a class="button" href=overview>"Overview of that time"</a> }.into_any()
}

fn notes(one: &One, page: &Page) -> Option<AnyView> {
    let notes = one.response.as_ref().map(|response| &response.notes).filter(|notes| !notes.is_empty())?;
    let items = notes.iter().map(|note| {
        let is_new = page.parameter("__at") == Some(note.at.to_string().as_str());
        // A new one has an undo in the notice above.
        let remove = (!is_new).then(|| {
            view! {
                <form method="post" action=RESPOND>
                    <input type="hidden" name="id" value=one.incident.id.to_string() />
                    <input type="hidden" name="act" value="remove-note" />
                    <input type="hidden" name="at" value=note.at.to_string() />
                    <button class="button small">"Remove"</button>
                </form>
            }
        });
        view! {
            <li data-key=note.at.to_string()>
                <p>{note.text.clone()}</p>
                <p class="quiet small">{note.by.clone()} ", " <Time at=note.at absolute=true /></p>
                {remove}
            </li>
        }
    });
    let list = view! {
        <section class="section" aria-labelledby="incident-notes">
            <h2 id="incident-notes">"Notes"</h2>
            <ul class="incident-notes">{items.collect_view()}</ul>
        </section>
    };
    Some(list.into_any())
}

/// What happened, the oldest first: alarms, news with who was notified, and what people did.
fn steps(one: &One) -> Vec<Step> {
    let mut steps = Vec::new();
    for member in &one.incident.members {
        let tone = if member.tier == Tier::High { Tone::Bad } else { Tone::Warning };
        steps.push(Step::new(member.from, tone, format!("{} fired", member.rule)).text(&member.reason));
        if let Some(until) = member.until {
            steps.push(Step::new(until, Tone::Good, format!("{} cleared", member.rule)));
        }
    }
    for notice in &one.incident.notices {
        let title = format!("The incident {}: {}", notice.news.words(), words::outcome(notice.outcome));
        let step = Step::new(notice.at, Tone::Busy, title);
        let sent = one.sent.as_ref().ok().and_then(|sent| sent.iter().find(|sent| sent.at == notice.at));
        steps.push(match sent {
            Some(sent) => step.text(format!("{}, {} tier. Sent to {}.", sent.text, notice.tier, sent.to)),
            None => step,
        });
    }
    let response = one.response.as_ref();
    if let Some(ack) = response.and_then(|response| response.acknowledged.as_ref()) {
        steps.push(Step::new(ack.at, Tone::Neutral, format!("Taken by {}", ack.by)));
    }
    if let Some(mute) = response.and_then(|response| response.muted.as_ref()) {
        let step = Step::new(mute.at, Tone::Neutral, format!("Muted by {}, {}", mute.by, mute.kind.words()));
        steps.push(if mute.reason.is_empty() { step } else { step.text(&mute.reason) });
    }
    for note in response.iter().flat_map(|response| &response.notes) {
        steps.push(Step::new(note.at, Tone::Neutral, format!("Note by {}", note.by)).text(&note.text));
    }
    steps.sort_by_key(|step| step.at);
    steps
}
