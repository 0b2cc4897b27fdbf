//! Overview: whether events are lost, where they are stuck, and what to do.

mod data;
mod view;
mod words;

pub(crate) use view::verdict_card;

use crate::{
    components::{Title, load},
    context::use_page,
    ports::use_ports,
};
use data::Data;
use leptos::prelude::*;

/// The overview.
#[component]
pub fn Overview() -> impl IntoView {
    let (page, ports) = (use_page(), use_ports());
    view! {
        <Title text="Overview" hidden=true />
        {load(async move { Data::read(&page, &ports).await }, |data| view::draw(&data))}
    }
}
