//! A group of charts on a page.

use super::{ChartGroup, ShownChart};
use crate::{
    components::{ErrorState, Figure, Icon, Sign, Time},
    context::{Page, use_page},
};
use leptos::prelude::*;
use spillway_dashboard_model::ReadError;
use std::sync::Arc;

/// Charts in a grid, three per row on a wide screen. Shows a notice when the numbers are old.
#[component]
pub fn ChartGrid(
    group: ChartGroup,
    /// The link below a chart: its text and its target.
    link: fn(&ShownChart, &Page) -> Option<(String, String)>,
) -> impl IntoView {
    let page = use_page();
    let read_at = group.freshness.read_at;
    let stale = group.freshness.error.map(|error| {
        view! {
            <p class="stale-note charts-stale" role="status">
                <Icon sign=Sign::Warning />
                <span>"Numbers from " <Time at=read_at absolute=true /> ": " {error.to_string()} ". The page retries automatically."</span>
            </p>
        }
    });
    let figures = group.charts.into_iter().map(|chart| figure(chart, link, &page)).collect_view();
    view! {
        {stale}
        <div class="charts">{figures}</div>
    }
}

fn figure(
    chart: ShownChart,
    link: fn(&ShownChart, &Page) -> Option<(String, String)>,
    page: &Page,
) -> impl IntoView + use<> {
    let more = link(&chart, page).map(|(words, href)| view! { <a class="figure-link" href=href>{words}</a> });
    let ShownChart { entry, drawn, legend, current } = chart;
    let (current, note, fact) = match current {
        Some(current) => (current.value, current.note, current.fact),
        // An empty element would change the height of the chart's head.
        None => ("no data".to_owned(), None, None),
    };
    let help = format!("{} In CloudWatch: {}.", entry.help, entry.metric_names());
    view! {
        <Figure id=entry.key title=entry.title current=Some(current) current_note=note current_fact=fact help=help drawn=Arc::clone(&drawn) legend=legend>
            {more}
        </Figure>
    }
}

/// Replaces the charts when their numbers cannot be read.
#[component]
pub fn UnreadCharts(
    /// Why.
    error: ReadError,
) -> impl IntoView {
    let detail = match &error {
        ReadError::Throttled => {
            "The source of the numbers throttles requests. The page retries automatically.".to_owned()
        }
        ReadError::Unavailable { reason } => format!("{reason}. The page retries automatically."),
    };
    view! { <ErrorState title="The metrics cannot be read now." retry=true>{detail}</ErrorState> }
}
