//! Live refresh: fetches the page again and updates it in place.

use leptos::prelude::*;

/// Updates every `[data-live]` element of the page each `every_ms` milliseconds while `on`.
///
/// Only the server draws pages; this island fetches them again. It stops while the tab is hidden. While the server does
/// not answer, or the reader is signed out, the pauses grow and the page shows it. A page of another version of the
/// dashboard needs its own style sheet and scripts, so the browser loads it completely.
#[island]
pub fn Live(
    /// Milliseconds from one answer to the next request.
    every_ms: u32,
    /// Whether the reader has live refresh on.
    on: bool,
) -> impl IntoView {
    let (status, set_status) = signal(String::new());
    #[cfg(feature = "hydrate")]
    refresh::start(every_ms, on, set_status);
    #[cfg(not(feature = "hydrate"))]
    let _ = (every_ms, on, set_status);
    view! {
        <p class="live-status" class:shown=move || !status.read().is_empty() role="status">
            {move || status.get()}
        </p>
    }
}

#[cfg(feature = "hydrate")]
mod refresh {
    use crate::islands::{
        REFRESH, REFRESHED, dom,
        morph::{keeping_focus, morph},
    };
    use leptos::prelude::{Set, WriteSignal};
    use std::{cell::Cell, rc::Rc};
    use wasm_bindgen::{JsCast, JsValue, closure::Closure};
    use wasm_bindgen_futures::JsFuture;
    use web_sys::{
        AbortSignal, Document, DomParser, Element, Event, HtmlTextAreaElement, RequestCache, RequestInit,
        Response, SupportedType,
    };

    const ANSWER_WITHIN_MS: u32 = 10_000;
    const LONGEST_PAUSE_MS: u32 = 30_000;

    struct Refresh {
        every_ms: u32,
        on: bool,
        status: WriteSignal<String>,
        failures: Cell<u32>,
        fresh_at: Cell<f64>,
        timer: Cell<Option<i32>>,
        busy: Cell<bool>,
    }

    enum Failure {
        SignedOut,
        NoAnswer,
    }

    pub fn start(every_ms: u32, on: bool, status: WriteSignal<String>) {
        let refresh = Rc::new(Refresh {
            every_ms,
            on,
            status,
            failures: Cell::new(0),
            fresh_at: Cell::new(dom::now_ms()),
            timer: Cell::new(None),
            busy: Cell::new(false),
        });
        let document = dom::document();
        let on_visible = Rc::clone(&refresh);
        dom::listen::<Event>(&document, "visibilitychange", move |_| {
            if on_visible.on && !dom::document().hidden() {
                run(&on_visible);
            }
        });
        let on_request = Rc::clone(&refresh);
        dom::listen::<Event>(&document, REFRESH, move |_| run(&on_request));
        if on {
            schedule(&refresh);
        }
    }

    fn schedule(refresh: &Rc<Refresh>) {
        let pause = refresh.every_ms.saturating_mul(1 << refresh.failures.get().min(5)).min(LONGEST_PAUSE_MS);
        let again = Rc::clone(refresh);
        let timer = Closure::once_into_js(move || {
            again.timer.set(None);
            // Hidden: stop here. Becoming visible starts it again.
            if !dom::document().hidden() {
                run(&again);
            }
        });
        let set = dom::window().set_timeout_with_callback_and_timeout_and_arguments_0(
            timer.unchecked_ref(),
            pause.cast_signed(),
        );
        refresh.timer.set(set.ok());
    }

    fn run(refresh: &Rc<Refresh>) {
        if refresh.busy.replace(true) {
            return;
        }
        if let Some(timer) = refresh.timer.take() {
            dom::window().clear_timeout_with_handle(timer);
        }
        let refresh = Rc::clone(refresh);
        wasm_bindgen_futures::spawn_local(async move {
            let outcome = fetch().await;
            refresh.busy.set(false);
            match outcome {
                Ok(page) if files(&page) != files(&dom::document()) && !is_typing_a_text() => {
                    // The reader loses nothing, and a page that does not load is no reason to try again.
                    let _loading = dom::window().location().reload();
                    return;
                }
                Ok(page) if files(&page) != files(&dom::document()) => {
                    mark_stale(true);
                    refresh.status.set("Spillway was updated. Send or clear your text to go on.".to_owned());
                }
                Ok(page) => {
                    keeping_focus(|| apply(&page));
                    refresh.failures.set(0);
                    refresh.fresh_at.set(dom::now_ms());
                    mark_stale(false);
                    refresh.status.set(String::new());
                }
                Err(failure) => {
                    refresh.failures.set(refresh.failures.get() + 1);
                    match failure {
                        Failure::SignedOut => {
                            mark_stale(true);
                            let how = "Signed out. Reload the page to see how to sign in again.";
                            refresh.status.set(how.to_owned());
                        }
                        // A single lost answer is normal.
                        Failure::NoAnswer if refresh.failures.get() == 1 => {}
                        Failure::NoAnswer => {
                            mark_stale(true);
                            let since = clock(refresh.fresh_at.get());
                            refresh.status.set(format!("Stale since {since}, reconnecting"));
                        }
                    }
                }
            }
            if refresh.on {
                schedule(&refresh);
            }
        });
    }

    async fn fetch() -> Result<Document, Failure> {
        let no_answer = |_: JsValue| Failure::NoAnswer;
        let options = RequestInit::new();
        options.set_cache(RequestCache::NoStore);
        options.set_signal(Some(&AbortSignal::timeout_with_u32(ANSWER_WITHIN_MS)));
        let address = dom::window().location().href().map_err(no_answer)?;
        let answer =
            dom::window().fetch_with_str_and_init(address.split('#').next().unwrap_or_default(), &options);
        let answer: Response = JsFuture::from(answer).await.map_err(no_answer)?.unchecked_into();
        match answer.status() {
            401 => return Err(Failure::SignedOut),
            // A page with an error is current, too.
            status if status < 500 => {}
            _ => return Err(Failure::NoAnswer),
        }
        let text = JsFuture::from(answer.text().map_err(no_answer)?).await.map_err(no_answer)?;
        let parser = DomParser::new().map_err(no_answer)?;
        let page = parser
            .parse_from_string(&text.as_string().unwrap_or_default(), SupportedType::TextHtml)
            .map_err(no_answer)?;
        // Something else may answer on this port.
        let is_ours = page.query_selector("main[data-live]").is_ok_and(|main| main.is_some());
        if is_ours { Ok(page) } else { Err(Failure::NoAnswer) }
    }

    /// The style sheet and the scripts of a page. Each name has the hash of the content.
    fn files(page: &Document) -> Vec<String> {
        let found = page.query_selector_all("head link[rel=stylesheet], head script[src]");
        let address = |element: Element| element.get_attribute("href").or(element.get_attribute("src"));
        found.map(dom::list).unwrap_or_default().into_iter().filter_map(address).collect()
    }

    /// Whether the reader has written something that a reload would lose.
    fn is_typing_a_text() -> bool {
        let has_text = |field: &Element| {
            field.dyn_ref::<HtmlTextAreaElement>().is_some_and(|field| !field.value().is_empty())
        };
        dom::all("textarea").iter().any(has_text)
    }

    fn apply(page: &Document) {
        let document = dom::document();
        let title = page.title();
        if document.title() != title {
            document.set_title(&title);
        }
        // The server may have learned the browser's zone only now.
        let roots = (document.document_element(), page.document_element());
        if let (Some(old), Some(new)) = roots
            && let Some(zone) = new.get_attribute("data-zone")
        {
            let _set = old.set_attribute("data-zone", &zone);
        }
        for old in dom::all("[data-live]") {
            let name = old.get_attribute("data-live").unwrap_or_default();
            let new = page.query_selector(&format!("[data-live=\"{name}\"]"));
            if let Ok(Some(new)) = new {
                morph(&old, &new);
            }
        }
        dom::announce(REFRESHED);
    }

    /// The style sheet dims stale pages.
    fn mark_stale(stale: bool) {
        if let Some(root) = dom::document().document_element() {
            let set = Element::toggle_attribute_with_force(&root, "data-stale", stale);
            debug_assert!(set.is_ok(), "attributes can always be set");
        }
    }

    /// The time of day, as the page shows times.
    fn clock(at_ms: f64) -> String {
        crate::islands::times::time_of_day(at_ms)
    }
}
