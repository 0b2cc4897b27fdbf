//! Helpers for the browser's DOM interface.

use wasm_bindgen::{JsCast, closure::Closure};
use web_sys::{Document, Element, Event, EventTarget, HtmlDocument, NodeList, Window};

/// The window. Islands run only in browsers.
pub fn window() -> Window {
    leptos::prelude::window()
}

pub fn document() -> Document {
    leptos::prelude::document()
}

/// Unix time in milliseconds, by the browser's clock.
pub fn now_ms() -> f64 {
    js_sys::Date::now()
}

/// Adds a listener that stays until the page is left. It ignores events of another type: browsers that fill in a form
/// send a `keydown` that is no `KeyboardEvent` and has no key.
pub fn listen<E: JsCast>(target: &EventTarget, event: &str, mut handle: impl FnMut(E) + 'static) {
    let closure = Closure::<dyn FnMut(Event)>::new(move |event: Event| {
        if let Ok(event) = event.dyn_into::<E>() {
            handle(event);
        }
    });
    let added = target.add_event_listener_with_callback(event, closure.as_ref().unchecked_ref());
    debug_assert!(added.is_ok(), "listeners can always be added");
    closure.forget();
}

/// Dispatches an event on the document.
pub fn announce(event: &str) {
    if let Ok(event) = Event::new(event) {
        // These events are never cancelled.
        let _delivered = document().dispatch_event(&event);
    }
}

/// All elements that match, in document order.
pub fn all(selector: &str) -> Vec<Element> {
    document().query_selector_all(selector).map(list).unwrap_or_default()
}

/// All elements below `root` that match, in document order.
pub fn all_in(root: &Element, selector: &str) -> Vec<Element> {
    root.query_selector_all(selector).map(list).unwrap_or_default()
}

/// The elements of a list of nodes.
pub fn list(found: NodeList) -> Vec<Element> {
    (0..found.length()).filter_map(|index| found.item(index)?.dyn_into().ok()).collect()
}

/// The first element that matches.
pub fn first(selector: &str) -> Option<Element> {
    document().query_selector(selector).ok().flatten()
}

/// The closest ancestor (or itself) of the event's target that matches.
pub fn closest(event: &Event, selector: &str) -> Option<Element> {
    event.target()?.dyn_into::<Element>().ok()?.closest(selector).ok().flatten()
}

/// Whether the event comes from a field for text or a choice, which handles keys itself.
pub fn is_typing(event: &Event) -> bool {
    closest(event, "input:not([type=checkbox]):not([type=radio]), textarea, select, [contenteditable]")
        .is_some()
}

/// A cookie's value, undecoded.
pub fn cookie(name: &str) -> Option<String> {
    let all = document().dyn_into::<HtmlDocument>().ok()?.cookie().ok()?;
    all.split(';').find_map(|pair| pair.trim().strip_prefix(name)?.strip_prefix('=').map(str::to_owned))
}

/// Sets a cookie for a year.
pub fn set_cookie(name: &str, value: &str) {
    if let Ok(document) = document().dyn_into::<HtmlDocument>() {
        // A browser that refuses cookies shows UTC, which is what the server falls back to.
        let _kept =
            document.set_cookie(&format!("{name}={value}; path=/; max-age=31536000; samesite=strict"));
    }
}
