//! Metrics: a view for each stage, every metric of the catalogue.

mod data;
mod view;
mod words;

use crate::{
    components::{Title, load},
    context::use_page,
    ports::use_ports,
};
use data::{Data, stage};
use leptos::prelude::*;

/// The charts of one stage. `?stage=queue` selects it, `&compare=on` adds an earlier range.
#[component]
pub fn Metrics() -> impl IntoView {
    let (page, ports) = (use_page(), use_ports());
    let stage = stage(&page);
    view! {
        <Title text=format!("Metrics: {}", stage.title()) hidden=true />
        {load(async move { Data::read(stage, &page, &ports).await }, move |data| view::draw(stage, &data))}
    }
}
