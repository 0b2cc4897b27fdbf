//! The dashboard's entry point in the browser: it only pulls in the islands.

// Without this line the linker drops the islands. The build succeeds, but pages have no scripts.
use spillway_dashboard_app as _;

/// The loader calls it once before hydration.
#[wasm_bindgen::prelude::wasm_bindgen]
pub fn hydrate() {
    leptos::mount::hydrate_islands();
}
