//! What narrows the list: states as tabs, the rest as a form whose fields are in the URL.

use super::{
    filters::{Filters, Shown, with_query},
    list::Listed,
    words::class_label,
};
use crate::{context::Page, format::grouped};
use leptos::prelude::*;
use spillway_core::failure::FailureClass;

pub(super) fn states(listed: &Listed, page: &Page) -> AnyView {
    let tabs = listed
        .counts
        .iter()
        .map(|(shown, count)| {
            let state = (*shown != Shown::default()).then(|| shown.name());
            let href = page.with(&[("state", state), ("after", None)]);
            let here = (*shown == listed.filters.shown).then_some("true");
            let count = count.map(|count| view! { " " <span class="num quiet">{grouped(count)}</span> });
            view! { <a href=href aria-current=here>{shown.label()}{count}</a> }
        })
        .collect_view();
    view! { <nav class="tabs dl-states" aria-label="States">{tabs}</nav> }.into_any()
}

pub(super) fn filter_form(listed: &Listed, page: &Page) -> AnyView {
    let filters = &listed.filters;
    let classes = FailureClass::ALL
        .map(|class| {
            let selected = filters.class == Some(class);
            view! { <option value=class.as_str() selected=selected>{class_label(class)}</option> }
        })
        .into_iter()
        .collect_view();
    let types = listed.types.iter().map(|name| view! { <option value=name.clone()></option> }).collect_view();
    // What else narrows the list stays: a form's own query replaces the address's.
    let kept = page
        .query
        .iter()
        .filter(|(name, _)| ["state", "group", "range", "from", "to", "zone"].contains(&name.as_str()))
        .map(|(name, value)| view! { <input type="hidden" name=name.clone() value=value.clone() /> })
        .collect_view();
    let clear = Filters { shown: filters.shown, ..Filters::default() };
    let clear = filters.is_narrow().then(|| {
        let href = with_query("/dead-letters", &clear.to_query());
        view! { <a class="button" href=href>"Clear the filters"</a> }
    });
    view! {
        <form class="filters dl-filters" method="get" action="/dead-letters" role="search" aria-label="Filter dead letters">
            {kept}
            <label class="label">
                <span>"Failure or id contains"</span>
                <input class="field" type="search" name="contains" value=filters.contains.clone() data-search="" />
            </label>
            <label class="label">
                <span>"Event type"</span>
                <input class="field" name="type" list="dl-types" value=filters.event_type.clone() />
            </label>
            <datalist id="dl-types">{types}</datalist>
            <label class="label">
                <span>"Failure"</span>
                <select class="field" name="class">
                    <option value="">"Any"</option>
                    {classes}
                </select>
            </label>
            <button class="button">"Filter"</button>
            {clear}
        </form>
    }
    .into_any()
}
