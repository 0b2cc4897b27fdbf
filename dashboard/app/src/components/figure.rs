//! A chart with title, value, legend, help and table.

use super::DataTable;
use crate::charts::fact;
use crate::context::{Page, encode, use_page};
use jiff::Timestamp;
use leptos::prelude::*;
use spillway_dashboard_charts::{Drawn, Hover, LegendItem};
use std::sync::Arc;

/// A chart: title, current value, drawing, legend, help behind “?”, and the same numbers as a table.
///
/// The table appears only with `?table=ID`, because twelve tables would make the page ten times as long.
#[component]
pub fn Figure(
    /// Its id in the page and in the URL, unique on the page.
    #[prop(into)]
    id: String,
    #[prop(into)] title: String,
    /// The newest value, with its unit.
    #[prop(optional_no_strip)]
    current: Option<String>,
    /// Which value that is, in a word or two, such as `p99` or `in 5 min`.
    #[prop(optional_no_strip)]
    current_note: Option<String>,
    /// The name of that value, if it is on the page a second time: both must be the same.
    #[prop(optional_no_strip)]
    current_fact: Option<String>,
    /// What it means and where it comes from.
    #[prop(into)]
    help: String,
    /// The drawing, shared by all viewers.
    drawn: Arc<Drawn>,
    /// The drawing for a phone, if the first is too wide for one.
    #[prop(optional_no_strip)]
    narrow: Option<Arc<Drawn>>,
    /// The series, if there is more than one.
    #[prop(optional)]
    legend: Vec<LegendItem>,
    /// Links to what happened in this range: traces, dead letters.
    #[prop(optional)]
    children: Option<Children>,
) -> impl IntoView {
    let page = use_page();
    let wants_table = page.parameter("table") == Some(&id);
    let table_link = if wants_table {
        (page.with(&[("table", None)]), "Hide the table")
    } else {
        (page.with(&[("table", Some(&id))]), "As a table")
    };
    let href = format!("{}#{}", table_link.0, encode(&id));
    let label = format!("{}: {title}", table_link.1);
    let table = wants_table.then(|| table(&title, &drawn.hover, &page));
    let (heading, heading_id) = (title.clone(), format!("{id}-title"));
    let described = format!("{title}. Use the arrow keys to read single values.");
    let plot = |drawn: &Drawn, class: &'static str| {
        view! {
            <div
                class=class
                tabindex="0"
                role="group"
                aria-label=described.clone()
                data-series=drawn.series_json.clone()
                inner_html=drawn.svg.clone()
            ></div>
        }
    };
    let plots = match &narrow {
        None => plot(&drawn, "plot").into_any(),
        Some(narrow) => {
            view! { {plot(&drawn, "plot chart-when-wide")} {plot(narrow, "plot chart-when-narrow")} }
                .into_any()
        }
    };
    let legend = legend.into_iter().map(|item| legend_item(&id, item)).collect_view();
    view! {
        <figure class="figure" id=id.clone() data-key=id aria-labelledby=heading_id.clone()>
            <figcaption class="figure-head">
                <h3 class="figure-title" id=heading_id.clone()>{heading}</h3>
                {current_note.map(|note| view! { <span class="figure-note">{note}</span> })}
                {current.map(|current| view! { <span class="figure-current num" data-fact=current_fact>{current}</span> })}
                <details class="help menu">
                    <summary aria-label=format!("About {title}")>"?"</summary>
                    <p class="help-text">{help}</p>
                </details>
            </figcaption>
            {plots}
            <div class="figure-foot">
                <ul class="legend">
                    {legend}
                </ul>
                {children.map(|children| children())}
                <a class="figure-table-link" href=href aria-label=label>{table_link.1}</a>
            </div>
            {table}
        </figure>
    }
}

fn legend_item(chart: &str, item: LegendItem) -> impl IntoView + use<> {
    let fact = fact(chart, &item.name);
    view! {
        <li>
            <span class=item.class></span>
            {item.name}
            {item.latest.map(|latest| view! { <span class="num">" "<span data-fact=fact>{latest}</span></span> })}
        </li>
    }
}

fn table(title: &str, hover: &Hover, page: &Page) -> impl IntoView + use<> {
    let names: Vec<String> = hover.s.iter().map(|series| series.n.clone()).collect();
    let year = |at: Timestamp| at.to_zoned(page.zone.clone()).year();
    let is_this_year = [hover.t[0], hover.t[1]]
        .iter()
        .all(|at| Timestamp::from_second(*at).is_ok_and(|at| year(at) == year(page.now)));
    let format = if is_this_year { "%-d %b %H:%M" } else { "%-d %b %Y %H:%M" };
    let rows: Vec<(String, Vec<String>)> = (0..hover.len())
        .rev()
        .map(|index| {
            let at = Timestamp::from_second(hover.time(index)).unwrap_or_default();
            let time = at.to_zoned(page.zone.clone()).strftime(format).to_string();
            let value =
                |series| hover.value(series, index).map_or_else(|| "–".to_owned(), |v| hover.unit.exact(v));
            (time, (0..hover.s.len()).map(value).collect())
        })
        .collect();
    let head = view! {
        <th scope="col">"Time"</th>
        {names.into_iter().map(|name| view! { <th scope="col" class="number">{name}</th> }).collect_view()}
    };
    let rows = rows.into_iter().map(|(time, values)| {
        view! {
            <tr>
                <th scope="row">{time}</th>
                {values.into_iter().map(|v| view! { <td class="number">{v}</td> }).collect_view()}
            </tr>
        }
    });
    let rows = rows.collect_view();
    view! {
        <DataTable label=format!("{title}, as a table") class="table-scroll figure-table" head=head.into_any()>
            {rows}
        </DataTable>
    }
}
