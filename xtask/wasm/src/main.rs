//! Makes the files that the browser loads from the compiled wasm. It uses the version of wasm-bindgen in Cargo.lock.

#![expect(clippy::print_stderr, reason = "a command line tool writes to its standard streams")]

mod bundle;

use anyhow::{Context as _, Result};
use clap::Parser as _;
use std::path::PathBuf;

/// Make the files that the browser loads.
#[derive(clap::Parser)]
struct Arguments {
    #[command(flatten)]
    sources: bundle::Sources,
    /// Folder for the files
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Also write a compressed copy of each file
    #[arg(long)]
    compress: bool,
}

fn main() -> Result<()> {
    let Arguments { sources, out, compress } = Arguments::parse();
    let bundle = bundle::write(&sources, &out, compress).context("cannot make the browser's files")?;
    eprintln!("{bundle}");
    Ok(())
}
