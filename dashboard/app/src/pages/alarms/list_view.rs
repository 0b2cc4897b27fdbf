//! The list of all alarms.

use super::{
    changes::{self, changes},
    digest::digest,
    list::{Filters, Listed, STATES, Sections, subsystems, tally},
    row, unreadable, words,
};
use crate::{
    components::{EmptyState, StatusSentence, Title, load},
    context::{Page, use_page},
};
use leptos::prelude::*;
use spillway_dashboard_model::alarms::{AlarmChanges, AlarmSource, AlarmsNow, Digest, RuleName};
use spillway_dashboard_model::{ReadError, TimeRange};
use std::sync::Arc;

struct Data {
    now: AlarmsNow,
    changes: Result<AlarmChanges, ReadError>,
    digest: Option<Digest>,
}

impl Data {
    async fn read(page: &Page, alarms: &dyn AlarmSource) -> Result<Self, ReadError> {
        let range = TimeRange::new(page.range.from, page.range.to)
            .unwrap_or_else(|_| TimeRange::last(jiff::SignedDuration::ZERO, page.range.to));
        let changes = alarms.changes(None, range, changes::limit(page));
        let (now, changes, digest) = futures::join!(alarms.now(), changes, alarms.digest());
        Ok(Self { now: now?, changes, digest: digest.ok().flatten() })
    }
}

/// All alarms. `?tier=high&state=alarm&subsystem=queue` narrows them.
#[component]
pub fn Alarms() -> impl IntoView {
    let page = use_page();
    let alarms = expect_context::<Arc<dyn AlarmSource>>();
    let content = load(async move { Data::read(&page, &*alarms).await }, |data| match &*data {
        Ok(data) => draw(data),
        Err(error) => unreadable(error),
    });
    view! {
        <Title text="Alarms" hidden=true />
        {content}
    }
}

fn draw(data: &Data) -> AnyView {
    let page = use_page();
    let now = &data.now;
    let (tone, text, more) = words::overall(now, page.now);
    let filters = Filters::of(&page);
    let sections = Sections::of(now, &filters, page.range.from);
    let content = if sections.is_empty() {
        let all = page.with(&[("tier", None), ("state", None), ("subsystem", None)]);
        view! { <EmptyState title="No alarm matches these filters."><a href=all>"Show all of them"</a> "."</EmptyState> }
            .into_any()
    } else {
        view! {
            {loud("cleared", "Cleared in this range", &sections.cleared, &page)}
            {quiet(&sections, &filters, now.evaluated_at.is_some(), &page)}
        }
        .into_any()
    };
    let changed = match &data.changes {
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
        <section class="answer" aria-label="How the alarms are">
            <StatusSentence tone=tone>{text}</StatusSentence>
            {more.map(|more| view! { <p class="answer-todo">{more}</p> })}
            {hours(now, &page)}
        </section>
        {loud("active", "Active", &sections.active, &page)}
        {data.digest.as_ref().map(|one| digest(one, now, &page))}
        {filter_form(&filters, now, &page)}
        {content}
        <section class="section" aria-labelledby="alarm-changes">
            <h2 id="alarm-changes">"Last changes"</h2>
            {changed}
        </section>
    }
    .into_any()
}

/// That low alarms are not told now, and from when on they are.
fn hours(now: &AlarmsNow, page: &Page) -> Option<AnyView> {
    let hours = now.hours.as_ref().filter(|hours| !hours.is_open(page.now))?;
    let opens = hours
        .next_opening(page.now)
        .map_or_else(String::new, |opens| format!(" until {}", words::moment(opens, page.now, &page.zone)));
    let text =
        format!("Outside business hours: low alarms are held back{opens}. High ones are told at once.");
    Some(view! { <p class="answer-todo">{text}</p> }.into_any())
}

fn loud(id: &'static str, title: &'static str, alarms: &[Listed<'_>], page: &Page) -> AnyView {
    if alarms.is_empty() {
        return ().into_any();
    }
    let rows = alarms.iter().map(|alarm| row::row(alarm, page)).collect_view();
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
        let rows = group.iter().map(|alarm| row::quiet(alarm, page)).collect_view();
        let (title, tally) = (words::subsystem(name), tally(group));
        view! {
            <details class="quiet-group" open=open data-key=(*name).to_owned()>
                <summary><span class="quiet-title">{title.clone()}</span> " " <span class="quiet">{tally}</span></summary>
                <div class="table-scroll" tabindex="0" role="region" aria-label=format!("{title}, quiet alarms")>
                    <table class="table">
                        <thead>
                            <tr>
                                <th scope="col">"State"</th>
                                <th scope="col" class="wide">"Alarm"</th>
                                <th scope="col">"Tier"</th>
                                <th scope="col">"Last alarm"</th>
                            </tr>
                        </thead>
                        <tbody>{rows}</tbody>
                    </table>
                </div>
            </details>
        }
    });
    let groups = groups.collect_view();
    if sections.quiet.is_empty() {
        return ().into_any();
    }
    view! {
        <section class="section" aria-labelledby="quiet-alarms">
            <h2 id="quiet-alarms">{if is_evaluated { "Quiet" } else { "All rules" }}</h2>
            {groups}
        </section>
    }
    .into_any()
}

fn filter_form(filters: &Filters, now: &AlarmsNow, page: &Page) -> AnyView {
    let option = |value: &str, label: String, selected: bool| {
        view! { <option value=value.to_owned() selected=selected>{label}</option> }
    };
    let tiers = [("high", "High"), ("low", "Low")].map(|(value, label)| {
        let selected = filters.tier.is_some_and(|tier| tier.to_string() == value);
        option(value, label.to_owned(), selected)
    });
    let states = STATES.map(|(value, state)| {
        let label = words::state(state).to_owned();
        option(value, label, filters.state == Some(state))
    });
    let subsystems = subsystems(now)
        .into_iter()
        .map(|name| option(name, words::subsystem(name), filters.subsystem.as_deref() == Some(name)))
        .collect_view();
    // What else the page is about stays: a form's own query replaces the address's.
    let kept = page
        .query
        .iter()
        .filter(|(name, _)| ["range", "from", "to", "zone"].contains(&name.as_str()))
        .map(|(name, value)| view! { <input type="hidden" name=name.clone() value=value.clone() /> })
        .collect_view();
    let clear = filters.is_narrow().then(|| {
        let href = page.with(&[("tier", None), ("state", None), ("subsystem", None)]);
        view! { <a class="button" href=href>"Clear the filters"</a> }
    });
    view! {
        <form class="filters alarm-filters" method="get" action="/alarms" role="search" aria-label="Filter alarms">
            {kept}
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
            <button class="button">"Filter"</button>
            {clear}
        </form>
    }
    .into_any()
}
