//! Keyboard shortcuts.

use leptos::prelude::*;

/// Single keys, as the help dialog (`#keys`) lists them: `/` search, `g` and a letter to go to a page (`a[data-go]`),
/// `j` and `k` in lists (`[data-row]`), `x` to select, `?` for help. The dialog can turn them off, for people who use
/// speech input. Also closes menus (`details.menu`) on Escape and on a click elsewhere.
#[island]
pub fn Keys() -> impl IntoView {
    #[cfg(feature = "hydrate")]
    browser::start();
}

#[cfg(feature = "hydrate")]
mod browser {
    use crate::islands::dom;
    use std::cell::Cell;
    use wasm_bindgen::JsCast;
    use web_sys::{
        Element, Event, HtmlDialogElement, HtmlElement, HtmlInputElement, KeyboardEvent, MouseEvent,
        ScrollIntoViewOptions, ScrollLogicalPosition,
    };

    /// Maximum time between `g` and the letter.
    const SEQUENCE_MS: f64 = 1_500.0;
    const OFF_COOKIE: &str = "spillway-keys";

    pub fn start() {
        let document = dom::document();
        if let Some(root) = document.document_element() {
            let shown = root.set_attribute("data-islands", "");
            debug_assert!(shown.is_ok(), "attributes can always be set");
        }
        let pressed_g = Cell::new(f64::NEG_INFINITY);
        dom::listen::<KeyboardEvent>(&document, "keydown", move |event| {
            if event.key() == "Escape" {
                close_menus(None);
                return;
            }
            let modified = event.ctrl_key() || event.meta_key() || event.alt_key() || event.is_composing();
            if modified || event.default_prevented() || dom::is_typing(&event) || is_off() {
                return;
            }
            let after_g = dom::now_ms() - pressed_g.replace(f64::NEG_INFINITY) < SEQUENCE_MS;
            let key = event.key();
            let done = match key.as_str() {
                letter if after_g && letter.len() == 1 && letter.as_bytes()[0].is_ascii_lowercase() => {
                    go(letter)
                }
                "g" => {
                    pressed_g.set(dom::now_ms());
                    true
                }
                "/" => search(),
                "j" => step(1),
                "k" => step(-1),
                "x" => select(),
                "Enter" => open(&event),
                "?" => help(),
                _ => false,
            };
            if done {
                event.prevent_default();
            }
        });
        dom::listen::<MouseEvent>(&document, "click", |event| {
            close_menus(dom::closest(&event, "details.menu").as_ref());
            if dom::closest(&event, "[data-open-keys]").is_some() {
                help();
            }
        });
        if let Some(switch) = dom::first("#keys [name=keys]") {
            let switch: HtmlInputElement = switch.unchecked_into();
            switch.set_checked(!is_off());
            let state = switch.clone();
            dom::listen::<Event>(&switch, "change", move |_| {
                dom::set_cookie(OFF_COOKIE, if state.checked() { "on" } else { "off" });
            });
        }
    }

    fn is_off() -> bool {
        dom::cookie(OFF_COOKIE).as_deref() == Some("off")
    }

    fn click(element: &Element) -> bool {
        element.unchecked_ref::<HtmlElement>().click();
        true
    }

    fn focus(element: &Element) -> bool {
        element.unchecked_ref::<HtmlElement>().focus().is_ok()
    }

    fn go(letter: &str) -> bool {
        dom::first(&format!("a[data-go=\"{letter}\"]")).is_some_and(|link| click(&link))
    }

    fn search() -> bool {
        dom::first("[data-search]").is_some_and(|field| focus(&field))
    }

    /// The row that has the focus or contains the focused element.
    fn current() -> Option<Element> {
        dom::document().active_element()?.closest("[data-row]").ok().flatten()
    }

    fn step(by: isize) -> bool {
        let rows = dom::all("[data-row]");
        let place = current().and_then(|current| rows.iter().position(|row| *row == current));
        let next = match place {
            Some(place) => place.saturating_add_signed(by).min(rows.len().saturating_sub(1)),
            None => 0,
        };
        let Some(row) = rows.get(next) else { return false };
        let options = ScrollIntoViewOptions::new();
        options.set_block(ScrollLogicalPosition::Nearest);
        row.scroll_into_view_with_scroll_into_view_options(&options);
        focus(row)
    }

    fn select() -> bool {
        let found = current().and_then(|row| row.query_selector("input[type=checkbox]").ok().flatten());
        found.is_some_and(|found| click(&found))
    }

    /// Enter on a row follows its first link. Links and buttons keep their default action.
    fn open(event: &KeyboardEvent) -> bool {
        let Some(row) = current() else { return false };
        let on_row =
            event.target().is_some_and(|target| target == *row.unchecked_ref::<web_sys::EventTarget>());
        on_row && row.query_selector("a[href]").ok().flatten().is_some_and(|link| click(&link))
    }

    fn help() -> bool {
        let Some(dialog) = dom::first("#keys") else { return false };
        let dialog: HtmlDialogElement = dialog.unchecked_into();
        dialog.open() || dialog.show_modal().is_ok()
    }

    fn close_menus(but: Option<&Element>) {
        for menu in dom::all("details.menu[open]") {
            if but != Some(&menu) {
                let had_focus = dom::document().active_element().is_some_and(|at| menu.contains(Some(&at)));
                let _closed = menu.remove_attribute("open");
                if had_focus
                    && but.is_none()
                    && let Ok(Some(summary)) = menu.query_selector("summary")
                {
                    focus(&summary);
                }
            }
        }
    }
}
