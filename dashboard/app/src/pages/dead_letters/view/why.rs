//! Why a dead letter failed: the failing value beside what the schema expects, the last good event, where the group comes from,
//! and what to do.

use crate::{
    components::{Copyable, Count, DataTable, Fact, Facts, MARK, Time},
    context::{Page, encode},
    pages::dead_letters::{data::Why, words::since},
};
use leptos::prelude::*;
use spillway_core::{
    dead_letter::{Shares, Spread},
    explain::{Compared, Explanation, FailingPlace, Row},
    schema::{Expected, SchemaSource},
};
use spillway_dashboard_words::{counted, grouped};

/// The reason, the evidence and the advice. `on_page` is whether the body is on this page, with its mark.
pub(super) fn why(why: &Why, page: &Page, on_page: bool) -> AnyView {
    let explanation = &why.explanation;
    let evidence = explanation
        .advice
        .evidence
        .as_ref()
        .map(|evidence| evidence.text(|at| since(at, page.now, &page.zone)))
        .map(|text| view! { <p class="quiet">{text}</p> });
    let origin = origin(why, page).map(|text| view! { <p class="dl-origin">{text}</p> });
    let facts = facts(why, on_page);
    let facts = (!facts.is_empty()).then(|| view! { <Facts facts=facts /> });
    let command = format!("spillway dlq show {}", why.id);
    view! {
        <section class="panel stack dl-explained" aria-labelledby="dl-why">
            <h2 id="dl-why">"Why it failed"</h2>
            {facts}
            {origin}
            <p class="dl-advice" data-fix=explanation.advice.fix.name()>
                <strong>"What to do: "</strong>
                {explanation.advice.text}
            </p>
            {evidence}
            <p class="small quiet">"In a shell: " <Copyable id="copy-command" text=command what="the command" /></p>
        </section>
    }
    .into_any()
}

fn facts(why: &Why, on_page: bool) -> Vec<Fact> {
    let Explanation { place, expected, schema, .. } = &why.explanation;
    let mut facts = Vec::new();
    if let Some(place) = place {
        facts.push(Fact::new("Fails at", fails_at(place, on_page)));
        facts.push(Fact::new("Value", value(place)));
    }
    facts.extend(expected.as_ref().map(|expected| Fact::new("Expected", expectation(expected))));
    facts.extend(schema.as_ref().map(|schema| Fact::new("Schema", source(schema))));
    facts
}

fn fails_at(place: &FailingPlace, on_page: bool) -> AnyView {
    let link = on_page.then(|| view! { " " <a href=format!("#{MARK}")>"Show in the body"</a> });
    let pointer = match place.pointer.as_str() {
        "" => view! { "the whole body" }.into_any(),
        pointer => view! { <Copyable id="copy-pointer" text=pointer what="the place" /> }.into_any(),
    };
    view! { {pointer} {link} }.into_any()
}

fn value(place: &FailingPlace) -> AnyView {
    let json_type = place.json_type.map(|name| view! { <span class="quiet">{format!(" {name}")}</span> });
    let missing = place.missing.as_ref().map(|name| {
        view! { <strong class="dl-differs">{format!("\"{name}\" is missing")}</strong> " in " }
    });
    let unexpected = (!place.unexpected.is_empty()).then(|| {
        let names: Vec<_> = place.unexpected.iter().map(|name| format!("\"{name}\"")).collect();
        view! { <strong class="dl-differs">{format!("{} not allowed", names.join(", "))}</strong> ": " }
    });
    view! { {missing} {unexpected} <code class="dl-value">{place.value.clone()}</code> {json_type} }
        .into_any()
}

fn expectation(expected: &Expected) -> AnyView {
    view! {
        <code class="dl-value">{expected.text()}</code>
        <span class="quiet small">{format!(" in {}#{}", expected.file, expected.pointer)}</span>
    }
    .into_any()
}

fn source(schema: &SchemaSource) -> AnyView {
    let changed = schema.changed_at.map(|at| {
        let what = if schema.is_shared { ", all schemas deployed " } else { ", changed " };
        view! { {what} <Time at=at /> }
    });
    view! {
        <span class="mono">{schema.file.clone()}</span>
        ", version "
        <Copyable id="copy-version" text=schema.version.clone() what="the schema's version" />
        {changed}
    }
    .into_any()
}

/// Where the group comes from, in one sentence.
fn origin(why: &Why, page: &Page) -> Option<String> {
    let group = why.group.as_ref()?;
    let text = why.spread.as_ref()?.text(&since(group.first_at, page.now, &page.zone))?;
    let messages = counted(group.count, "message fails", "messages fail");
    Some(format!("{messages} like this: {text}"))
}

/// The last good event of the type, beside this one.
pub(super) fn compared(compared: &Compared, page: &Page) -> AnyView {
    let key = &compared.event;
    let href = page.href(
        &format!("/events/{}", encode(key.id.as_str())),
        &format!("source={}", encode(key.source.as_str())),
    );
    let rows = compared.rows.iter().map(row).collect_view();
    let head = view! {
        <th scope="col">"Place"</th>
        <th scope="col">"This message"</th>
        <th scope="col">"Good event"</th>
    };
    let left_out = (compared.left_out > 0).then(|| {
        let more = counted(compared.left_out as u64, "more place is", "more places are");
        view! { <p class="quiet small">{format!("{more} not shown.")}</p> }
    });
    view! {
        <section aria-labelledby="dl-compared">
            <h2 id="dl-compared">"Beside a good event"</h2>
            <p class="quiet small">
                <a href=href>"The good event"</a>
                " was stored "
                <Time at=compared.stored_at />
                ". Marked: another type of value, or none."
            </p>
            <DataTable label="Both, place by place" table_class="table dl-compared" head=head.into_any()>
                {rows}
            </DataTable>
            {left_out}
        </section>
    }
    .into_any()
}

fn row(row: &Row) -> AnyView {
    let cell = |value: &Option<String>| match value {
        Some(value) => view! { <code class="dl-value">{value.clone()}</code> }.into_any(),
        None => view! { <span class="quiet">"not there"</span> }.into_any(),
    };
    let here = match row.differs || row.is_failing {
        true => view! { <mark class="body-mark">{cell(&row.here)}</mark> }.into_any(),
        false => cell(&row.here),
    };
    let mark = row.is_failing.then(|| view! { " " <span class="dl-differs small">"fails here"</span> });
    view! {
        <tr data-differs=row.differs.then_some("")>
            <th scope="row" class="mono">{row.pointer.clone()} {mark}</th>
            <td data-label="This message">{here}</td>
            <td data-label="Good event">{cell(&row.there)}</td>
        </tr>
    }
    .into_any()
}

/// The group by source, version and hour.
pub(super) fn breakdown(spread: &Spread, page: &Page) -> AnyView {
    let counted_words = match spread.counted < spread.total {
        true => format!("The newest {} of {}.", grouped(spread.counted), grouped(spread.total)),
        false => format!("All {}.", counted(spread.total, "message", "messages")),
    };
    let parts = [
        ("Source", &spread.sources),
        ("Schema that the sender names", &spread.data_schemas),
        ("Consumer version", &spread.versions),
    ];
    let parts = parts.into_iter().map(|(title, shares)| facet(title, shares, spread.counted)).collect_view();
    let most = spread.hours.iter().map(|hour| hour.count).max().unwrap_or(0);
    let hours = spread.hours.iter().map(|hour| {
        view! { <li>{bar(&since(hour.at, page.now, &page.zone), hour.count, most)}</li> }
    });
    view! {
        <section aria-labelledby="dl-spread">
            <h2 id="dl-spread">"Where they come from"</h2>
            <p class="quiet small">{counted_words}</p>
            <div class="dl-spread">
                {parts}
                <div>
                    <h3>"Hour"</h3>
                    <ul class="dl-shares">{hours.collect_view()}</ul>
                </div>
            </div>
        </section>
    }
    .into_any()
}

fn facet(title: &'static str, shares: &Shares, counted: u64) -> AnyView {
    let mut rows: Vec<(String, u64)> =
        shares.top.iter().map(|share| (share.value.clone(), share.count)).collect();
    if shares.others > 0 {
        rows.push(("others".to_owned(), shares.others));
    }
    if shares.unknown > 0 {
        rows.push(("not known".to_owned(), shares.unknown));
    }
    let rows = rows.into_iter().map(|(value, count)| view! { <li>{bar(&value, count, counted)}</li> });
    view! {
        <div>
            <h3>{title}</h3>
            <ul class="dl-shares">{rows.collect_view()}</ul>
        </div>
    }
    .into_any()
}

/// A value with its number, and a bar for its part of the whole. The bar repeats the number, so screen readers skip it.
fn bar(value: &str, count: u64, whole: u64) -> AnyView {
    let width = (count * 100).checked_div(whole).unwrap_or(0).to_string();
    view! {
        <span class="dl-share-value mono">{value.to_owned()}</span>
        <span class="dl-share-count"><Count value=count /></span>
        <svg class="dl-share-bar" viewBox="0 0 100 4" preserveAspectRatio="none" aria-hidden="true">
            <rect width=width height="4" />
        </svg>
    }
    .into_any()
}
