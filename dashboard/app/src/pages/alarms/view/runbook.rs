//! A runbook's page.

use super::row;
use crate::{
    components::Title,
    context::use_page,
    pages::alarms::data::{Listed, Runbook},
};
use leptos::prelude::*;
use spillway_dashboard_model::alarms::AlarmsNow;

pub(in crate::pages::alarms) fn runbook(name: &str, book: &Runbook, now: &AlarmsNow) -> AnyView {
    let page = use_page();
    let all = now.all();
    let own: Vec<&Listed<'_>> = all.iter().filter(|(rule, _)| rule.runbook == name && rule.notify).collect();
    let rows = own.into_iter().map(|alarm| row(alarm, None, &page)).collect_view();
    let sections = book.sections.iter().map(|part| section(&part.title, &part.html)).collect_view();
    view! {
        <p class="alarm-crumb"><a href=page.href("/alarms", "")>"Alarms"</a> " / Runbook"</p>
        <Title text=book.title.clone() />
        <div class="split">
            <article class="prose stack" aria-label="Runbook">{sections}</article>
            <section aria-labelledby="its-alarms">
                <h2 class="runbook-alarms" id="its-alarms">"Alarms that link here"</h2>
                <ul class="alarm-list">{rows}</ul>
                <p><a href=page.href("/alarms", "")>"All alarms"</a></p>
            </section>
        </div>
    }
    .into_any()
}

/// A part of a runbook with its heading.
pub(super) fn section(title: &str, html: &str) -> AnyView {
    view! {
        <section class="prose-part">
            <h2>{title.to_owned()}</h2>
            <div inner_html=html.to_owned()></div>
        </section>
    }
    .into_any()
}
