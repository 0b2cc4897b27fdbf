//! A runbook by itself.

use super::{list::Listed, row, runbook::Runbook, unreadable};
use crate::{
    components::{Title, load},
    context::use_page,
    pages::NotFound,
};
use leptos::prelude::*;
use leptos_router::hooks::use_params_map;
use spillway_dashboard_model::alarms::{AlarmSource, AlarmsNow};
use std::sync::Arc;

/// One runbook, with how the alarms are that lead to it.
#[component]
pub fn RunbookPage() -> impl IntoView {
    let name = use_params_map().get_untracked().get("name").unwrap_or_default();
    let alarms = expect_context::<Arc<dyn AlarmSource>>();
    load(async move { alarms.now().await }, move |now| match &*now {
        Ok(now) => match Runbook::named(&name, &now.rules) {
            Some(book) => draw(&name, &book, now),
            None => view! { <NotFound /> }.into_any(),
        },
        Err(error) => unreadable(error),
    })
}

fn draw(name: &str, book: &Runbook, now: &AlarmsNow) -> AnyView {
    let page = use_page();
    let all = now.all();
    let own: Vec<&Listed<'_>> = all.iter().filter(|(rule, _)| rule.runbook == name && rule.notify).collect();
    let rows = own.into_iter().map(|alarm| row::row(alarm, &page)).collect_view();
    let sections = book.sections.iter().map(|part| section(&part.title, &part.html)).collect_view();
    view! {
        <p class="alarm-crumb"><a href=page.href("/alarms", "")>"Alarms"</a> " / Runbook"</p>
        <Title text=book.title.clone() />
        <div class="split">
            <article class="prose stack" aria-label="Runbook">{sections}</article>
            <section aria-labelledby="its-alarms">
                <h2 class="runbook-alarms" id="its-alarms">"Alarms that lead here"</h2>
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
