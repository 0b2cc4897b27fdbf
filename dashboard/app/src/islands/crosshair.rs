//! Crosshair: one vertical line over all charts of the page, and a tooltip with the values.

use leptos::prelude::*;

/// Follows the pointer, or the arrow keys while a chart has the focus, over every `[data-series]`. That attribute has a
/// [`spillway_dashboard_charts::Hover`] as JSON and contains an SVG with the same view box. All charts show the same
/// time. Lines and tooltip are in a separate layer, so a live refresh of the charts does not remove them.
#[island]
pub fn Crosshair() -> impl IntoView {
    #[cfg(feature = "hydrate")]
    browser::start();
    view! {
        <div class="crosshair" aria-hidden="true"></div>
        <p class="crosshair-said" role="status"></p>
    }
}

#[cfg(feature = "hydrate")]
mod browser {
    use crate::islands::{REFRESHED, dom, times};
    use spillway_dashboard_charts::{Hover, Reading};
    use std::{
        cell::{Cell, RefCell},
        rc::Rc,
    };
    use wasm_bindgen::JsCast;
    use web_sys::{DomRect, Element, Event, HtmlElement, KeyboardEvent, PointerEvent};

    const PLOTS: &str = "[data-series]";
    const DAY_S: i64 = 86_400;

    #[derive(Default)]
    struct Crosshair {
        /// The selected time, in Unix seconds.
        moment: Cell<Option<i64>>,
        /// The selected chart; the others follow it.
        plot: RefCell<Option<Element>>,
        /// The numbers of each chart, parsed once after each change.
        read: RefCell<Vec<(String, Rc<Hover>)>>,
    }

    pub fn start() {
        let crosshair = Rc::new(Crosshair::default());
        let document = dom::document();

        let at = Rc::clone(&crosshair);
        dom::listen::<PointerEvent>(&document, "pointermove", move |event| {
            match dom::closest(&event, PLOTS) {
                Some(plot) => at.point(plot, f64::from(event.client_x())),
                None => at.hide(),
            }
        });
        let at = Rc::clone(&crosshair);
        dom::listen::<PointerEvent>(&document, "pointerdown", move |event| {
            if let Some(plot) = dom::closest(&event, PLOTS) {
                at.point(plot, f64::from(event.client_x()));
            }
        });
        let at = Rc::clone(&crosshair);
        dom::listen::<Event>(&document, "pointerleave", move |_| at.hide());
        let at = Rc::clone(&crosshair);
        dom::listen::<Event>(&document, "focusout", move |event| {
            if dom::closest(&event, PLOTS).is_some() {
                at.hide();
            }
        });
        let at = Rc::clone(&crosshair);
        dom::listen::<KeyboardEvent>(&document, "keydown", move |event| {
            if at.key(&event) {
                event.prevent_default();
            }
        });
        for (target, event) in [(document.as_ref(), REFRESHED), (dom::window().as_ref(), "resize")] {
            let at = Rc::clone(&crosshair);
            dom::listen::<Event>(target, event, move |_| at.draw());
        }
        // Scrolling any box moves the charts under the layer.
        let at = Rc::clone(&crosshair);
        dom::listen::<Event>(&document, "scroll", move |_| at.draw());
    }

    impl Crosshair {
        fn point(&self, plot: Element, client_x: f64) {
            let Some(hover) = self.hover(&plot) else { return };
            let area = plot_area(&plot);
            let across = (client_x - area.left()) / area.width().max(1.0) * f64::from(hover.w);
            let Some(index) = hover.index_at(across) else { return };
            self.moment.set(Some(hover.time(index)));
            self.plot.replace(Some(plot));
            self.draw();
        }

        /// Moves by one point, by ten with shift, or to either end. Returns whether it handled the key.
        fn key(&self, event: &KeyboardEvent) -> bool {
            let Some(plot) = dom::closest(event, PLOTS) else { return false };
            let Some(hover) = self.hover(&plot) else { return false };
            let Some(last) = hover.len().checked_sub(1) else { return false };
            let here = self.moment.get().and_then(|moment| hover.index_near(moment)).unwrap_or(last);
            let by = if event.shift_key() { 10 } else { 1 };
            let index = match event.key().as_str() {
                "ArrowLeft" => here.saturating_sub(by),
                "ArrowRight" => (here + by).min(last),
                "Home" => 0,
                "End" => last,
                "Escape" => {
                    self.hide();
                    return true;
                }
                _ => return false,
            };
            self.moment.set(Some(hover.time(index)));
            self.plot.replace(Some(plot));
            self.draw();
            self.say(&hover.reading(index), hover.t);
            true
        }

        fn hide(&self) {
            if self.moment.take().is_some() {
                self.plot.replace(None);
                self.draw();
            }
        }

        /// The numbers of a chart, cached because parsing them at every move of the pointer would be slow.
        fn hover(&self, plot: &Element) -> Option<Rc<Hover>> {
            let json = plot.get_attribute("data-series")?;
            if let Some((_, hover)) = self.read.borrow().iter().find(|(known, _)| *known == json) {
                return Some(Rc::clone(hover));
            }
            let hover = Rc::new(Hover::from_json(&json).ok()?);
            let mut read = self.read.borrow_mut();
            // A page has a few dozen charts at most. Refreshes make older entries obsolete.
            if read.len() >= 64 {
                read.clear();
            }
            read.push((json, Rc::clone(&hover)));
            Some(hover)
        }

        /// Draws lines and tooltip from scratch, because there is little to draw.
        fn draw(&self) {
            let Some(layer) = dom::first(".crosshair") else { return };
            layer.set_text_content(None);
            let Some(moment) = self.moment.get() else { return };
            let pointed = self.plot.borrow();
            for plot in dom::all(PLOTS) {
                let Some(hover) = self.hover(&plot) else { continue };
                let Some(index) = hover.index_near(moment) else { continue };
                let reading = hover.reading(index);
                // A chart of another range has no point at this time.
                if (reading.time - moment).abs() > hover.step.max(1) {
                    continue;
                }
                let area = plot_area(&plot);
                if area.width() < 1.0 {
                    continue;
                }
                let place = Place::of(&hover, &area, &reading);
                mark(&layer, &place, &reading);
                if pointed.as_ref().is_some_and(|pointed| *pointed == plot) {
                    tooltip(&layer, &place, &reading, hover.t);
                }
            }
        }

        /// For screen readers: the values as a sentence, when keys move the crosshair.
        fn say(&self, reading: &Reading, range: [i64; 2]) {
            if let Some(said) = dom::first(".crosshair-said") {
                let values = reading.rows.iter().map(|row| format!("{} {}", row.name, row.text));
                let text =
                    format!("{}: {}", when(reading.time, range), values.collect::<Vec<_>>().join(", "));
                said.set_text_content(Some(&text));
            }
        }
    }

    /// The box of the SVG on the screen.
    fn plot_area(plot: &Element) -> DomRect {
        let drawings = dom::all_in(plot, "svg");
        // A page may have a chart twice, for wide and narrow screens. One of them is visible.
        let shown = drawings.iter().map(Element::get_bounding_client_rect).find(|area| area.width() > 0.0);
        shown.unwrap_or_else(|| plot.get_bounding_client_rect())
    }

    struct Place {
        x: f64,
        top: f64,
        bottom: f64,
        scale: f64,
        origin: f64,
    }

    impl Place {
        fn of(hover: &Hover, area: &DomRect, reading: &Reading) -> Self {
            let scale = area.width() / f64::from(hover.w.max(1));
            let [_, top, _, bottom] = hover.rect.map(|edge| f64::from(edge) * scale + area.top());
            Self { x: area.left() + reading.x * scale, top, bottom, scale, origin: area.top() }
        }
    }

    fn mark(layer: &Element, place: &Place, reading: &Reading) {
        if let Some(line) = add(layer, "div", "crosshair-line") {
            move_to(&line, place.x, place.top);
            let _set = line.style().set_property("height", &px(place.bottom - place.top));
        }
        for row in &reading.rows {
            if let Some(y) = row.y
                && let Some(dot) = add(layer, "div", &format!("crosshair-dot {}", row.class))
            {
                move_to(&dot, place.x, place.origin + y * place.scale);
            }
        }
    }

    fn tooltip(layer: &Element, place: &Place, reading: &Reading, range: [i64; 2]) {
        let Some(tip) = add(layer, "div", "crosshair-tip") else { return };
        if let Some(time) = add(&tip, "p", "crosshair-time") {
            time.set_text_content(Some(&when(reading.time, range)));
        }
        for row in &reading.rows {
            let Some(line) = add(&tip, "p", "crosshair-row") else { continue };
            let _key = add(&line, "span", &format!("chart-key {}", row.class));
            for (text, class) in [(&row.name, "crosshair-name"), (&row.text, "crosshair-value")] {
                if let Some(part) = add(&line, "span", class) {
                    part.set_text_content(Some(text));
                }
            }
        }
        let size = tip.get_bounding_client_rect();
        // The window's own width includes a scroll bar, which would cover the tooltip.
        let width =
            dom::document().document_element().map_or(f64::MAX, |page| f64::from(page.client_width()));
        let right = place.x + 12.0;
        let fits = right + size.width() < width;
        let left = if fits { right } else { (place.x - 12.0 - size.width()).max(4.0) };
        move_to(&tip, left, (place.top - 4.0).max(4.0));
    }

    fn add(parent: &Element, tag: &str, class: &str) -> Option<HtmlElement> {
        let element = dom::document().create_element(tag).ok()?;
        element.set_class_name(class);
        parent.append_child(&element).ok()?;
        element.dyn_into().ok()
    }

    /// The content security policy allows properties that scripts set; they are not inline styles.
    fn move_to(element: &HtmlElement, x: f64, y: f64) {
        let _set = element.style().set_property("transform", &format!("translate({},{})", px(x), px(y)));
    }

    fn px(length: f64) -> String {
        format!("{}px", length.round() as i32)
    }

    fn when(time: i64, range: [i64; 2]) -> String {
        let mut parts = vec![("hour", "2-digit"), ("minute", "2-digit")];
        if range[1] - range[0] > DAY_S / 2 {
            parts.extend([("weekday", "short"), ("day", "numeric"), ("month", "short")]);
        }
        let year = |at_ms: f64| times::time_in_zone(at_ms, &[("year", "numeric")]);
        if year(time as f64 * 1000.0) != year(dom::now_ms()) {
            parts.extend([("day", "numeric"), ("month", "short"), ("year", "numeric")]);
        }
        times::time_in_zone(time as f64 * 1000.0, &parts)
    }
}
