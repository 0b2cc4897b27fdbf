//! The cost of Spillway in AWS: list prices × measured use.
//!
//! Prices, AWS's quotas, assumptions and the results of the benchmarks are files in `bench/cost/data`. [`model`]
//! computes the cost, [`tables`] writes the tables of docs/cost.md, and a test compares them with the document.

pub mod data;
pub mod document;
pub mod measured;
pub mod model;
pub mod tables;

use anyhow::{Context, Result};
use std::fs;
use std::path::Path;

/// The document, from the root of the workspace.
pub const DOCUMENT: &str = "docs/cost.md";
/// The command that updates the document.
pub const UPDATE: &str = "cargo run -p spillway-bench-cost -- update";

/// The current document, and the updated one.
pub fn document(root: &Path) -> Result<(String, String)> {
    let file = root.join(DOCUMENT);
    let found = fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
    let tables = tables::all(&data::Data::read(root)?)?;
    let expected = document::with_tables(&found, &tables)?;
    Ok((found, expected))
}
