//! Buttons that copy a text.

use leptos::prelude::*;

/// A click on `button[data-copy]` puts the text of the element with that id into the clipboard, and says so on the button.
/// Without this island there are no such buttons, and the text can be selected.
#[island]
pub fn CopyButtons() -> impl IntoView {
    #[cfg(feature = "hydrate")]
    browser::start();
}

#[cfg(feature = "hydrate")]
mod browser {
    use crate::islands::dom;
    use js_sys::{Function, Promise, Reflect};
    use wasm_bindgen::{JsCast, JsValue, closure::Closure};
    use web_sys::{Element, MouseEvent};

    /// How long a button says what it has done.
    const SAID_MS: i32 = 2_000;

    pub fn start() {
        dom::listen::<MouseEvent>(&dom::document(), "click", |event| {
            let Some(button) = dom::closest(&event, "button[data-copy]") else { return };
            let Some(id) = button.get_attribute("data-copy") else { return };
            let Some(text) = dom::document().get_element_by_id(&id).and_then(|of| of.text_content()) else {
                return;
            };
            wasm_bindgen_futures::spawn_local(async move {
                let done = match write(&text) {
                    Some(written) => wasm_bindgen_futures::JsFuture::from(written).await.is_ok(),
                    None => false,
                };
                say(&button, if done { "Copied" } else { "Select it to copy" });
            });
        });
    }

    /// `navigator.clipboard.writeText(text)`. A browser has it only for pages of this machine or over TLS.
    fn write(text: &str) -> Option<Promise> {
        let member = |of: &JsValue, name: &str| Reflect::get(of, &name.into()).ok();
        let clipboard = member(&member(&dom::window(), "navigator")?, "clipboard")?;
        let write: Function = member(&clipboard, "writeText")?.dyn_into().ok()?;
        write.call1(&clipboard, &text.into()).ok()?.dyn_into().ok()
    }

    fn say(button: &Element, words: &str) {
        let Some(before) = button.text_content().filter(|text| text != words) else { return };
        button.set_text_content(Some(words));
        let button = button.clone();
        let back = Closure::once_into_js(move || button.set_text_content(Some(&before)));
        let set = dom::window()
            .set_timeout_with_callback_and_timeout_and_arguments_0(back.unchecked_ref(), SAID_MS);
        debug_assert!(set.is_ok(), "timers can always be set");
    }
}
