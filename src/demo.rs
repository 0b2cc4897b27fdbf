//! Demo data: a day of history made in virtual time by the real code, and light live traffic.

mod history;
mod traffic;

pub use history::make;
pub use traffic::run as run_traffic;

use std::path::Path;

/// A fact recorded in a data folder: some or all of its data is artificial.
pub const DEMO: &str = "demo";

/// Mean rate of the shop's events, by history and live traffic alike.
pub const EVENTS_PER_S: f64 = 1.0;

/// Writes the shop's schemas into a folder, unless the folder exists: the user's edits are kept.
pub fn write_schemas(folder: &Path) -> std::io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    std::fs::create_dir_all(folder)?;
    spillway_traffic::schema_files()
        .iter()
        .try_for_each(|(name, text)| std::fs::write(folder.join(name), text))
}
