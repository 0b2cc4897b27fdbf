//! The list of all alarms.

use super::{
    changes::changes,
    digest::digest,
    row::{inactive_row, row},
    unreadable,
};
use crate::{
    components::{DataTable, EmptyState, FilterForm, StatusSentence},
    context::{Page, use_page},
    pages::alarms::{
        data::{Filters, List, Listed, STATES, Sections, subsystems, tally},
        words,
    },
};
use leptos::prelude::*;
use spillway_dashboard_model::alarms::{AlarmsNow, Outlook, RuleName, Tier};

/// Parameters of the query that are no filters.
const CLEAR: [(&str, Option<&str>); 3] = [("tier", None), ("state", None), ("subsystem", None)];

pub(in crate::pages::alarms) fn list(list: &List) -> AnyView {
    let page = use_page();
    let now = &list.now;
    let words::Overall { tone, text, more, .. } = words::overall(now, page.now, None);
    let filters = Filters::of(&page);
    let sections = Sections::of(now, &filters, page.range.from);
    let content = if sections.is_empty() {
        let all = page.with(&CLEAR);
        view! { <EmptyState title="No alarm matches these filters."><a href=all>"Show all of them"</a> "."</EmptyState> }
            .into_any()
    } else {
        view! {
            {active_section("cleared", "Cleared in this range", &sections.cleared, &[], &page)}
            {quiet(&sections, &filters, now.evaluated_at.is_some(), &page)}
        }
        .into_any()
    };
    let changed = match &list.changes {
        Ok(all) => {
            let mut of = all.clone();
            let is_wanted =
                |name: &RuleName| now.rules.get(name.as_str()).is_none_or(|rule| filters.lets_rule(rule));
            of.changes.retain(|change| is_wanted(&change.rule));
            changes(&of, now, true, &page)
        }
        Err(error) => unreadable(error),
    };
    view! {
        <section class="answer" aria-label="Alarm status">
            <StatusSentence tone=tone>{text}</StatusSentence>
            {more.map(|more| view! { <p class="answer-todo">{more}</p> })}
            {hours(now, &page)}
        </section>
        {active_section("active", "Active", &sections.active, &list.outlooks, &page)}
        {list.digest.as_ref().map(|one| digest(one, now, &page))}
        {filter_form(&filters, now, &page)}
        {content}
        <section class="section" aria-labelledby="alarm-changes">
            <h2 id="alarm-changes">"Last changes"</h2>
            {changed}
        </section>
    }
    .into_any()
}

/// The notice that low alarms are held back, and until when.
fn hours(now: &AlarmsNow, page: &Page) -> Option<AnyView> {
    let hours = now.hours.as_ref().filter(|hours| !hours.is_open(page.now))?;
    let opens = hours
        .next_opening(page.now)
        .map_or_else(String::new, |opens| format!(" until {}", words::moment(opens, page.now, &page.zone)));
    let text = format!("Outside business hours: low alarms are held back{opens}. High ones notify at once.");
    Some(view! { <p class="answer-todo">{text}</p> }.into_any())
}

fn active_section(
    id: &'static str,
    title: &'static str,
    alarms: &[Listed<'_>],
    outlooks: &[(RuleName, Outlook)],
    page: &Page,
) -> AnyView {
    if alarms.is_empty() {
        return ().into_any();
    }
    let outlook =
        |name: &RuleName| outlooks.iter().find(|(rule, _)| rule == name).map(|(_, outlook)| *outlook);
    let rows = alarms.iter().map(|alarm| row(alarm, outlook(&alarm.0.name), page)).collect_view();
    view! {
        <section class="section" aria-labelledby=id>
            <h2 id=id>{title}</h2>
            <ul class="alarm-list">{rows}</ul>
        </section>
    }
    .into_any()
}

fn quiet(sections: &Sections<'_>, filters: &Filters, is_evaluated: bool, page: &Page) -> AnyView {
    let open = filters.is_narrow();
    let groups = sections.quiet.iter().map(|(name, group)| {
        let rows = group.iter().map(|alarm| inactive_row(alarm, page)).collect_view();
        let (title, tally) = (words::subsystem(name), tally(group));
        let head = view! {
            <th scope="col">"State"</th>
            <th scope="col" class="wide">"Alarm"</th>
            <th scope="col">"Tier"</th>
            <th scope="col">"Last alarm"</th>
        };
        view! {
            <details class="quiet-group" open=open data-key=(*name).to_owned()>
                <summary><span class="quiet-title">{title.clone()}</span> " " <span class="quiet">{tally}</span></summary>
                <DataTable label=format!("{title}, inactive alarms") head=head.into_any()>{rows}</DataTable>
            </details>
        }
    });
    let groups = groups.collect_view();
    if sections.quiet.is_empty() {
        return ().into_any();
    }
    view! {
        <section class="section" aria-labelledby="quiet-alarms">
            <h2 id="quiet-alarms">{if is_evaluated { "OK" } else { "All rules" }}</h2>
            {groups}
        </section>
    }
    .into_any()
}

fn filter_form(filters: &Filters, now: &AlarmsNow, page: &Page) -> AnyView {
    let option = |value: &str, label: String, selected: bool| {
        view! { <option value=value.to_owned() selected=selected>{label}</option> }
    };
    let tiers = [(Tier::High, "High"), (Tier::Low, "Low")]
        .map(|(tier, label)| option(&tier.to_string(), label.to_owned(), filters.tier == Some(tier)));
    let states = STATES.map(|(value, state)| {
        let label = words::state(state).to_owned();
        option(value, label, filters.state == Some(state))
    });
    let subsystems = subsystems(now)
        .into_iter()
        .map(|name| option(name, words::subsystem(name), filters.subsystem.as_deref() == Some(name)))
        .collect_view();
    let clear = filters.is_narrow().then(|| page.with(&CLEAR));
    view! {
        <FilterForm
            action="/alarms"
            class="filters alarm-filters"
            label="Filter alarms"
            keep=&["range", "from", "to", "zone"]
            clear=clear
        >
            <label class="label">
                <span>"Tier"</span>
                <select class="field" name="tier"><option value="">"Both"</option>{tiers.into_iter().collect_view()}</select>
            </label>
            <label class="label">
                <span>"State"</span>
                <select class="field" name="state"><option value="">"Any"</option>{states.into_iter().collect_view()}</select>
            </label>
            <label class="label">
                <span>"Subsystem"</span>
                <select class="field" name="subsystem"><option value="">"All"</option>{subsystems}</select>
            </label>
        </FilterForm>
    }
    .into_any()
}
