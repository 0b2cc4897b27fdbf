//! Extracts the model's input from the benchmarks' results.

use crate::data::{Measured, Use};
use anyhow::{Context, Result};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::fs;
use std::path::Path;

/// The result of the benchmark `cold-start` for a warm ingest function.
#[derive(Deserialize)]
struct Ingest {
    event_bytes: f64,
    uses: Vec<Use>,
}

/// The results of the benchmark `consumer` for consumer and archiver.
#[derive(Deserialize)]
struct Batches {
    item_bytes: f64,
    write_units_per_event: f64,
    consumer: Vec<Use>,
    archiver: Vec<Use>,
    dead_letter_puts: f64,
    dead_letter_bytes: f64,
    dead_letter_write_units: f64,
}

/// Reads `cold-start.json` and `consumer.json` in a folder.
pub fn from_results(folder: &Path, when: &str) -> Result<Measured> {
    let ingest: Ingest = cost_of(folder, "cold-start")?;
    let batches: Batches = cost_of(folder, "consumer")?;
    Ok(Measured {
        measured: when.to_owned(),
        event_bytes: rounded(ingest.event_bytes),
        item_bytes: rounded(batches.item_bytes),
        write_units_per_event: rounded(batches.write_units_per_event),
        ingest: ingest.uses.into_iter().map(rounded_use).collect(),
        consumer: batches.consumer.into_iter().map(rounded_use).collect(),
        archiver: batches.archiver.into_iter().map(rounded_use).collect(),
        dead_letter_puts: rounded(batches.dead_letter_puts),
        dead_letter_bytes: rounded(batches.dead_letter_bytes),
        dead_letter_write_units: rounded(batches.dead_letter_write_units),
    })
}

fn cost_of<T: DeserializeOwned>(folder: &Path, benchmark: &str) -> Result<T> {
    let file = folder.join(format!("{benchmark}.json"));
    let missing = || format!("cannot read {}; run `cargo xtask bench {benchmark}` first", file.display());
    let mut value: Value = serde_json::from_str(&fs::read_to_string(&file).with_context(missing)?)?;
    let cost = value["results"]["details"]["cost"].take();
    serde_json::from_value(cost)
        .with_context(|| format!("{} has no figures for the cost model", file.display()))
}

fn rounded_use(used: Use) -> Use {
    Use {
        size: used.size,
        cpu_ms: rounded(used.cpu_ms),
        round_trips: rounded(used.round_trips.max(0.0)),
        calls: rounded(used.calls),
        log_bytes: rounded(used.log_bytes),
        answer_bytes: rounded(used.answer_bytes),
    }
}

/// Rounds to three decimals: further digits would differ in every run.
fn rounded(value: f64) -> f64 {
    (value * 1e3).round() / 1e3
}
