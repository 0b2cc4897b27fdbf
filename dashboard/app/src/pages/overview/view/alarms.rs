//! Active alarms, the high ones first.

use crate::{
    context::Page,
    pages::alarms::{row, words},
    pages::overview::data::Data,
};
use leptos::prelude::*;
use spillway_dashboard_model::alarms::RuleName;
use spillway_dashboard_model::flow::VerdictState;
use spillway_dashboard_words::counted;

/// Maximum number of alarms here. The alarms' page has all.
const MOST: usize = 5;

/// The active alarms. Without any, the overview shows nothing about alarms.
pub(super) fn active(data: &Data, verdict: Option<VerdictState>, page: &Page) -> AnyView {
    let now = match &data.alarms {
        Ok(now) => now,
        Err(error) => {
            let why = error.to_string();
            return view! { <p class="stale-note">"The alarms cannot be read now:  " {why} "."</p> }
                .into_any();
        }
    };
    let active = now.active();
    if active.is_empty() {
        return ().into_any();
    }
    let outlook = |name: &RuleName| data.outlooks.iter().find(|(rule, _)| rule == name).map(|(_, of)| *of);
    let rows = active.iter().take(MOST);
    let rows = rows.map(|(rule, status)| row(&(*rule, (*status).clone()), outlook(&rule.name), page));
    let rows = rows.collect_view();
    let text = words::overall(now, page.now, verdict).text;
    let all = page.href("/alarms", "");
    let more = active.len().saturating_sub(MOST) as u64;
    let more = (more > 0).then(|| {
        let text = counted(more, "more active alarm", "more active alarms");
        view! { <p class="small overview-more"><a href=all.clone()>{text}</a></p> }
    });
    view! {
        <section class="overview-alarms" aria-labelledby="active-alarms">
            <h2 id="active-alarms" class="visually-hidden">"Active alarms"</h2>
            <p><a href=all>{text}</a></p>
            <ul class="alarm-list">{rows}</ul>
            {more}
        </section>
    }
    .into_any()
}
