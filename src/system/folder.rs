//! The files of the data folder: deletes them, or fills the folder with the demo's history.

use crate::demo;
use anyhow::{Context as _, Result, bail};
use spillway_core::ports::Clock as _;
use spillway_embedded::alarms::WatchOptions;
use spillway_embedded::db::{DATABASE, DataFolder};
use spillway_embedded::telemetry::FILE_NAME as TELEMETRY;
use spillway_embedded::{OpenError, RealClock};
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// This file is in a data folder while its history is being made.
const UNFINISHED: &str = "history.unfinished";

/// Deletes a data folder's own files, and no others.
pub fn empty(folder: &Path) -> Result<()> {
    if !folder.exists() {
        return Ok(());
    }
    let is_ours = [DATABASE, UNFINISHED].iter().any(|name| folder.join(name).exists())
        || std::fs::read_dir(folder)?.next().is_none();
    if !is_ours {
        bail!(
            "{} has files but no Spillway data, so it was not changed: choose another folder",
            folder.display()
        );
    }
    // Fails if a pipeline runs on the folder.
    drop(DataFolder::own(folder).or_else(|error| match error {
        OpenError::Version { .. } => DataFolder::lock(folder),
        other => Err(other),
    })?);
    for name in [DATABASE, TELEMETRY] {
        for suffix in ["", "-wal", "-shm"] {
            delete(&folder.join(format!("{name}{suffix}")))?;
        }
    }
    keep_history(folder)
}

/// Fills a folder with the demo's history if it is empty, or if its earlier history was interrupted. Breaks off when the
/// process is asked to end.
pub async fn make_history(
    folder: &Path,
    alarms: &WatchOptions,
    asked_to_end: impl Future<Output = ()>,
) -> Result<ControlFlow<()>> {
    let unfinished = folder.join(UNFINISHED);
    if unfinished.exists() {
        // Without this, an incomplete history would be used as a whole day.
        empty(folder)?;
    }
    if folder.join(DATABASE).exists() {
        return Ok(ControlFlow::Continue(()));
    }
    std::fs::create_dir_all(folder)
        .and_then(|()| std::fs::write(&unfinished, ""))
        .with_context(|| format!("cannot write {}", unfinished.display()))?;
    say("Creating 24 h of history in virtual time …\n");
    let (data, now, alarms) = (folder.to_path_buf(), RealClock.now(), alarms.clone());
    let stop = Arc::new(AtomicBool::new(false));
    let is_stopped = Arc::clone(&stop);
    let progress = move |share: f64| {
        say(&format!("\r{:3.0} %", share * 100.0));
        match is_stopped.load(Ordering::Relaxed) {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        }
    };
    // Log lines for events that fail on purpose would hide the progress.
    let made = move || {
        tracing::subscriber::with_default(tracing::subscriber::NoSubscriber::new(), || {
            demo::make(&data, now, alarms, &progress)
        })
    };
    let mut made = tokio::task::spawn_blocking(made);
    let ended = tokio::select! {
        ended = &mut made => ended,
        () = asked_to_end => {
            stop.store(true, Ordering::Relaxed);
            made.await
        }
    };
    let end = ended.context("history ended unexpectedly")??;
    say("\n");
    match end {
        ControlFlow::Continue(()) => keep_history(folder)?,
        ControlFlow::Break(()) => {
            say("Stopped. The history is not complete; the next start makes it again.\n")
        }
    }
    Ok(end)
}

/// Removes the mark of an unfinished history.
pub fn keep_history(folder: &Path) -> Result<()> {
    delete(&folder.join(UNFINISHED))
}

/// Deletes a file if it exists.
fn delete(file: &Path) -> Result<()> {
    match std::fs::remove_file(file) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot delete {}", file.display()))
        }
        _ => Ok(()),
    }
}

/// Prints the progress. A missing reader is not an error.
fn say(text: &str) {
    use std::io::Write as _;
    let _ = std::io::stderr().write_all(text.as_bytes());
}
