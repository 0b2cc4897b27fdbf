//! Selection: shows the number of selected messages on the buttons.

use leptos::prelude::*;

/// Works in every `form[data-selection]`. It counts the checked boxes named `ids[]` (or `id`). `[data-select-all]`
/// checks them all, and a click with shift checks a range. Each button shows its `data-none`, `data-one` or
/// `data-many`, with the number for `{n}`. Without this island the form works as well, but the buttons show no number.
#[island]
pub fn Selection() -> impl IntoView {
    #[cfg(feature = "hydrate")]
    browser::start();
}

#[cfg(feature = "hydrate")]
mod browser {
    use crate::islands::{REFRESHED, dom};
    use spillway_dashboard_words::grouped;
    use std::{cell::RefCell, rc::Rc};
    use wasm_bindgen::JsCast;
    use web_sys::{Element, Event, HtmlButtonElement, HtmlInputElement, MouseEvent};

    const BOXES: &str = "input[type=checkbox][name=id], input[type=checkbox][name='ids[]']";

    pub fn start() {
        update_all();
        let document = dom::document();
        dom::listen::<Event>(&document, REFRESHED, |_| update_all());
        dom::listen::<Event>(&document, "change", |event| {
            let Some(form) = dom::closest(&event, "form[data-selection]") else { return };
            if let Some(all) = dom::closest(&event, "[data-select-all]") {
                let checked = all.unchecked_ref::<HtmlInputElement>().checked();
                boxes(&form).iter().for_each(|one| one.set_checked(checked));
            }
            update(&form);
        });
        // When the reader returns to a page, the browser restores the boxes without an event.
        dom::listen::<Event>(&dom::window(), "pageshow", |_| update_all());

        let last: Rc<RefCell<Option<HtmlInputElement>>> = Rc::default();
        dom::listen::<MouseEvent>(&document, "click", move |event| {
            let Some(clicked) = dom::closest(&event, BOXES) else { return };
            let clicked: HtmlInputElement = clicked.unchecked_into();
            if event.shift_key()
                && let Some(from) = last.borrow().as_ref()
            {
                select_range(from, &clicked);
            }
            last.replace(Some(clicked));
        });
    }

    fn boxes(form: &Element) -> Vec<HtmlInputElement> {
        dom::all_in(form, BOXES).into_iter().map(JsCast::unchecked_into).collect()
    }

    /// Sets every box between two to the state of the second.
    fn select_range(from: &HtmlInputElement, to: &HtmlInputElement) {
        let Ok(Some(form)) = to.closest("form[data-selection]") else { return };
        let boxes = boxes(&form);
        let place = |one: &HtmlInputElement| boxes.iter().position(|other| other == one);
        if let (Some(a), Some(b)) = (place(from), place(to)) {
            boxes[a.min(b)..=a.max(b)].iter().for_each(|one| one.set_checked(to.checked()));
        }
    }

    fn update_all() {
        dom::all("form[data-selection]").iter().for_each(update);
    }

    fn update(form: &Element) {
        let boxes = boxes(form);
        let count = boxes.iter().filter(|one| one.checked()).count();
        if let Ok(Some(all)) = form.query_selector("[data-select-all]") {
            let all: HtmlInputElement = all.unchecked_into();
            all.set_checked(count > 0 && count == boxes.len());
            all.set_indeterminate(count > 0 && count < boxes.len());
        }
        for button in dom::all_in(form, "button[data-many]") {
            let template = match count {
                0 => "data-none",
                1 => "data-one",
                _ => "data-many",
            };
            if let Some(template) = button.get_attribute(template) {
                let text = template.replace("{n}", &grouped(count as u64));
                if button.text_content().as_deref() != Some(&text) {
                    button.set_text_content(Some(&text));
                }
            }
            button.unchecked_ref::<HtmlButtonElement>().set_disabled(count == 0);
        }
        for output in dom::all_in(form, "[data-selected-count]") {
            output.set_text_content(Some(&grouped(count as u64)));
        }
    }
}
