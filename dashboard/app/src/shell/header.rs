//! The header: navigation, range and switches.

use super::range_menu::RangeMenu;
use crate::{
    badges::{Badges, words},
    components::{Icon, Sign, load},
    context::{Page, use_page},
    ports::use_ports,
    preferences::{Theme, Times},
};
use leptos::prelude::*;
use spillway_dashboard_model::flow::Fact;
use spillway_dashboard_pages::{Badge, Navigation, PAGES, PageEntry};
use spillway_dashboard_words::{counted, grouped};
use std::sync::Arc;

#[component]
pub fn Header() -> impl IntoView {
    let page = use_page();
    let ports = use_ports();
    let environment = Arc::clone(&ports.environment);
    let home = page.href("/", "");
    let links = Arc::clone(&page);
    let nav = load(async move { Badges::read(&ports).await }, move |badges| {
        let listed = PAGES.iter().filter_map(|entry| Some((entry, entry.navigation?)));
        listed.map(|(entry, place)| nav_link(entry, place, &links, &badges)).collect_view()
    });
    let demo = environment.demo.then(|| {
        view! { <span class="demo-label" title="Demo data, made by the real code in virtual time">"Demo"<span class="wide-only">" data"</span></span> }
    });
    view! {
        <header class="header">
            <a class="product" href=home>
                <Icon sign=Sign::Dam />
                <span>"Spillway"</span>
            </a>
            <span class="environment">{environment.name.clone()}</span>
            {demo}
            <nav class="nav" aria-label="Pages" data-live="nav">
                <ul>{nav}</ul>
            </nav>
            <div class="header-tools">
                <RangeMenu />
                <Switches />
            </div>
        </header>
    }
}

fn nav_link(entry: &PageEntry, place: Navigation, page: &Page, badges: &Badges) -> impl IntoView + use<> {
    let here = entry.is_above(&page.path).then_some("page");
    let badge = place.badge.and_then(|badge| Some((badges.count(badge)?, words(badge))));
    let badge = badge.filter(|(count, _)| *count > 0).map(|(count, (one, many))| {
        let label = counted(count, one, many);
        let number = grouped(count);
        let fact = (place.badge == Some(Badge::DeadLetters)).then(|| Fact::Archived.name());
        view! {
            <span class="nav-count" title=label.clone()>
                <span aria-hidden="true" data-fact=fact>{number}</span>
                <span class="visually-hidden">{label.clone()}</span>
            </span>
        }
    });
    view! {
        <li>
            <a href=page.href(entry.path, "") aria-current=here data-go=place.key.to_string()>
                {place.label}
                {badge}
            </a>
        </li>
    }
}

/// The switches for live refresh, zone and theme. They are plain forms, which work without JavaScript, and set cookies.
#[component]
fn Switches() -> impl IntoView {
    let page = use_page();
    let preferences = &page.preferences;
    let live_next = if preferences.live { "off" } else { "on" };
    // The style sheet shows the one that is true: scripts may be missing, or the server may not answer.
    let live_text = if preferences.live {
        view! {
            <span class="live-on">"live"</span>
            <span class="live-stale">"stale"</span>
            <span class="live-none">"not live"</span>
        }
        .into_any()
    } else {
        "paused".into_any()
    };
    let live_title = if preferences.live {
        "Live refresh is on. Pause it."
    } else {
        "Live refresh is paused. Turn it on."
    };
    let local = preferences.times == Times::Local;
    let times_next = if local { Times::Utc } else { Times::Local };
    let times_text = if local {
        page.now.to_zoned(page.zone.clone()).strftime("%Z").to_string()
    } else {
        "UTC".to_owned()
    };
    let times_title =
        if local { "Times are local. Show UTC." } else { "Times are in UTC. Show local times." };
    let themes = Theme::ALL.map(|theme| {
        let label = match theme {
            Theme::System => "System",
            Theme::Light => "Light",
            Theme::Dark => "Dark",
        };
        let pressed = if preferences.theme == theme { "true" } else { "false" };
        view! { <button name="theme" value=theme.name() aria-pressed=pressed>{label}</button> }
    });
    view! {
        <form class="switches" method="post" action="/settings" data-live="switches">
            <input type="hidden" name="back" value=page.here() />
            <button
                class="switch live-switch"
                name="live"
                value=live_next
                title=live_title
                aria-pressed=if preferences.live { "true" } else { "false" }
                aria-label="Live refresh"
            >
                {live_text}
                <span class="live-dot" aria-hidden="true"></span>
            </button>
            <button class="switch" name="times" value=times_next.name() title=times_title>
                <span class="visually-hidden">"Times in "</span>
                {times_text}
            </button>
            <details class="menu">
                <summary class="switch" title="Theme">
                    <Icon sign=Sign::Contrast />
                    <span class="visually-hidden">"Theme"</span>
                </summary>
                <div class="menu-panel theme-menu">{themes.into_iter().collect_view()}</div>
            </details>
        </form>
    }
}
