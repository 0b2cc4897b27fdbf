//! Times: updates "4 min ago" between refreshes, and sends the browser's time zone to the server.

use leptos::prelude::*;

/// Rewrites `time[data-relative]` every few seconds. If the reader chose local times, a cookie has the browser's zone.
/// The server then writes all times in that zone, also in charts.
#[island]
pub fn Times() -> impl IntoView {
    #[cfg(feature = "hydrate")]
    browser::start();
}

#[cfg(feature = "hydrate")]
pub use browser::{time_in_zone, time_of_day};

#[cfg(feature = "hydrate")]
mod browser {
    use crate::islands::{REFRESH, REFRESHED, dom};
    use js_sys::{Date, Intl, Object, Reflect};
    use wasm_bindgen::{JsCast, JsValue, closure::Closure};
    use web_sys::Event;

    const EVERY_MS: i32 = 5_000;
    /// The cookie with the IANA name of the browser's zone; the server reads it.
    const ZONE_COOKIE: &str = "spillway-zone";

    pub fn start() {
        zone_hint();
        rewrite();
        dom::listen::<Event>(&dom::document(), REFRESHED, |_| rewrite());
        let tick = Closure::<dyn FnMut()>::new(rewrite);
        let set = dom::window()
            .set_interval_with_callback_and_timeout_and_arguments_0(tick.as_ref().unchecked_ref(), EVERY_MS);
        debug_assert!(set.is_ok(), "timers can always be set");
        tick.forget();
    }

    fn rewrite() {
        for element in dom::all("time[data-relative]") {
            let Some(moment) = element.get_attribute("datetime") else { continue };
            let moment = Date::parse(&moment);
            if moment.is_finite() {
                let text =
                    spillway_dashboard_words::relative(((dom::now_ms() - moment) / 1000.0).round() as i64);
                if element.text_content().as_deref() != Some(&text) {
                    element.set_text_content(Some(&text));
                }
            }
        }
    }

    /// Refreshes the page if the server has drawn it in a different zone.
    fn zone_hint() {
        let Some(zone) = own_zone() else { return };
        if dom::cookie(ZONE_COOKIE).as_deref() == Some(&zone) {
            return;
        }
        dom::set_cookie(ZONE_COOKIE, &zone);
        let wants_local = root_attribute("data-times").as_deref() == Some("local");
        if wants_local && root_attribute("data-zone").as_deref() != Some(&zone) {
            dom::announce(REFRESH);
        }
    }

    fn own_zone() -> Option<String> {
        let format = Intl::DateTimeFormat::new(&js_sys::Array::new(), &Object::new());
        let zone =
            Reflect::get(&format.resolved_options(), &JsValue::from_str("timeZone")).ok()?.as_string()?;
        // A cookie takes it without encoding.
        zone.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/_+-".contains(&byte)).then_some(zone)
    }

    fn root_attribute(name: &str) -> Option<String> {
        dom::document().document_element()?.get_attribute(name)
    }

    /// A time of day such as `14:02`, in the page's zone.
    pub fn time_of_day(at_ms: f64) -> String {
        time_in_zone(at_ms, &[("hour", "2-digit"), ("minute", "2-digit")])
    }

    /// A time in the page's zone, with the requested parts.
    pub fn time_in_zone(at_ms: f64, parts: &[(&str, &str)]) -> String {
        let zone = root_attribute("data-zone").unwrap_or_else(|| "UTC".to_owned());
        let options = Object::new();
        let set = |name: &str, value: &str| {
            let set = Reflect::set(&options, &JsValue::from_str(name), &JsValue::from_str(value));
            debug_assert!(set.is_ok(), "a plain object accepts properties");
        };
        set("timeZone", &zone);
        set("hourCycle", "h23");
        for (name, value) in parts {
            set(name, value);
        }
        Date::new(&JsValue::from_f64(at_ms)).to_locale_string("en-GB", &options).into()
    }
}
