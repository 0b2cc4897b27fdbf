//! Numbers in short form, with the exact value in the tooltip.

use leptos::prelude::*;
use spillway_dashboard_charts::Unit;
use spillway_dashboard_model::flow::Fact;
use spillway_dashboard_words::grouped;

/// A measured value: short in the text, exact in the tooltip.
#[component]
pub fn Num(
    /// The value, in the unit. `None` and values that are not finite show as a dash.
    #[prop(into)]
    value: Option<f64>,
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

/// An exact count: `172,431`. With `href` it links to the counted items.
#[component]
pub fn Count(
    value: u64,
    /// Its name, if it may be on the page a second time: both must be the same.
    #[prop(optional)]
    fact: Option<Fact>,
    /// The page with the counted items.
    #[prop(optional, into)]
    href: Option<String>,
) -> impl IntoView {
    let fact = fact.map(Fact::name);
    let number = view! { <data class="num" data-fact=fact value=value.to_string()>{grouped(value)}</data> };
    match href {
        Some(href) => view! { <a class="num-link" href=href>{number}</a> }.into_any(),
        None => number.into_any(),
    }
}
