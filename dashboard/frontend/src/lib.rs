//! The dashboard's entry point in the browser: it only pulls in the islands.

// Without this line the linker drops the islands, the build succeeds, and every page is dead.
use spillway_dashboard_app as _;

/// Called once before the islands are brought to life.
#[wasm_bindgen::prelude::wasm_bindgen]
pub fn hydrate() {
    leptos::mount::hydrate_islands();
}
