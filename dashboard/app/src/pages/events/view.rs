//! An event on its page.

use super::data::{Found, Lineage};
use super::words;
use crate::{
    components::{Body, Fact, Facts, Icon, NotFoundState, Num, Sign, StatusSentence, Time, Timeline},
    context::{Page, encode, use_page},
    links,
};
use leptos::prelude::*;
use spillway_dashboard_charts::Unit;
use spillway_dashboard_model::traces::Trace;

pub(super) fn search(id: &str, label: &str) -> AnyView {
    let (id, label) = (id.to_owned(), label.to_owned());
    view! {
        <form class="filters" method="get" action="/events" role="search">
            <label class="label">
                <span>{label}</span>
                <input class="field mono" type="search" name="id" value=id required data-search="" />
            </label>
            <button class="button">"Find"</button>
        </form>
    }
    .into_any()
}

pub(super) fn draw(lineage: &Lineage) -> AnyView {
    let page = use_page();
    if lineage.found.is_empty() {
        let elsewhere = page.parameter("source").map(|_| {
            let href = format!("/events/{}", encode(lineage.id.as_str()));
            view! { " " <a href=href>"Search all sources"</a> "." }
        });
        let why = if lineage.sees_queues {
            "It was never accepted, or the id differs from the one in the API's answer."
        } else {
            "It is neither stored nor a dead letter. It may be in a queue, which cannot be searched. Or it \
             was never accepted, or the id differs from the one in the API's answer."
        };
        return view! {
            {search(lineage.id.as_str(), "Find another event by its id")}
            <NotFoundState title="No event with this id is known.">
                {why} {elsewhere}
            </NotFoundState>
        }
        .into_any();
    }
    let found = lineage.found.iter().map(|found| one(found, lineage.most_receives, &page)).collect_view();
    view! {
        {found}
        {traces(lineage.traces.as_deref())}
    }
    .into_any()
}

fn one(found: &Found, most: u32, page: &Page) -> AnyView {
    let location = &found.location;
    let sentence = words::sentence(location, most, page.now);
    let letter = found.letter.as_ref().map(|letter| {
        let href = links::dead_letter(&letter.id, "");
        view! { <p class="row"><a class="button" href=href>"See the dead letter"</a></p> }
    });
    let key = &location.key;
    let facts = vec![
        Fact::code("Event", key.id.to_string()),
        Fact::code("Source", key.source.to_string()),
        Fact::new("Type", location.event_type.to_string()),
        Fact::code("Message", location.message_id.to_string()),
        Fact::new("Accepted", view! { <Time at=location.accepted_at /> }),
    ];
    view! {
        <article class="ev-one" data-key=location.message_id.to_string()>
            <StatusSentence tone=words::tone(location.place)>{sentence}</StatusSentence>
            {letter}
            <div class="split dl-detail">
                <div class="stack"><Body text=location.body.clone() /></div>
                <div class="stack">
                    <section>
                        <h2>"History"</h2>
                        <Timeline steps=found.steps.clone() />
                    </section>
                    <section>
                        <h2>"Facts"</h2>
                        <Facts facts=facts />
                    </section>
                </div>
            </div>
        </article>
    }
    .into_any()
}

fn traces(traces: Option<&[Trace]>) -> AnyView {
    let content = match traces {
        None => view! { <p class="stale-note">"The traces cannot be read now."</p> }.into_any(),
        Some([]) => view! { <p class="quiet">"No trace was sampled for this event."</p> }.into_any(),
        Some(traces) => {
            let rows = traces.iter().map(|trace| {
                let failed =
                    trace.has_failed().then(|| view! { <Icon sign=Sign::Warning /> " with an error" });
                view! {
                    <li class="row">
                        <span class="mono">{trace.id.clone()}</span>
                        <Num value=Some(trace.duration_ms()) unit=Unit::Milliseconds />
                        {failed}
                    </li>
                }
            });
            view! { <ul>{rows.collect_view()}</ul> }.into_any()
        }
    };
    view! {
        <section class="section" aria-labelledby="ev-traces">
            <h2 id="ev-traces">"Traces"</h2>
            {content}
        </section>
    }
    .into_any()
}
