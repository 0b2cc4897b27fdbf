//! Numbers as people read them, with the exact value a hover away.

use leptos::prelude::*;
use spillway_dashboard_charts::Unit;
use spillway_dashboard_words::grouped;

/// A measured value: short to read, exact in the tooltip.
#[component]
pub fn Num(
    /// The value, in the unit. `None` and what is not finite show as a dash.
    #[prop(into)]
    value: Option<f64>,
    /// What it measures.
    unit: Unit,
) -> impl IntoView {
    match value.filter(|value| value.is_finite()) {
        Some(value) => {
            let (short, exact) = (unit.format(value), unit.exact(value));
            let title = (short != exact).then_some(exact);
            view! { <data class="num" value=value.to_string() title=title>{short}</data> }.into_any()
        }
        None => view! { <span class="num none" title="no data">"–"</span> }.into_any(),
    }
}

/// How many there are, to the last one: `172,431`. With `href` it leads to what it counts.
#[component]
pub fn Count(
    /// The number.
    value: u64,
    /// Where the things are that it counts.
    #[prop(optional, into)]
    href: Option<String>,
) -> impl IntoView {
    let number = view! { <data class="num" value=value.to_string()>{grouped(value)}</data> };
    match href {
        Some(href) => view! { <a class="num-link" href=href>{number}</a> }.into_any(),
        None => number.into_any(),
    }
}
