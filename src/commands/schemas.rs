//! `spillway schemas`: the schemas that the consumer checks, and those that can't be used.

use crate::answer::{CommandError, ExitStatus};
use crate::backend::{self, Backend};
use crate::console::{BOLD, Console, paint};
use crate::listing::{Column, Field};
use crate::text::{self, Cell, Table};
use clap::{Args, Subcommand};
use serde::Serialize;
use spillway_core::ports::Schemas as _;
use spillway_core::schema::{SchemaError, SchemaSet};
use spillway_embedded::schemas::SchemaFolder;
use std::path::PathBuf;
use std::sync::Arc;

/// What to do with the schemas.
#[derive(Clone, Debug, Subcommand)]
pub enum Command {
    /// Check the schemas, and name each file that can't be used
    Check(Options),
    /// List the event types that have a schema
    List(Options),
}

impl Command {
    /// Whether it prints a list.
    pub fn is_list(&self) -> bool {
        matches!(self, Self::List(_))
    }
}

const LONG_HELP: &str = "\
With --json: {\"types\": [type], \"problems\": [{\"file\", \"reason\"}]}.";

/// Where the schemas are.
#[derive(Clone, Debug, Args)]
#[command(after_help = LONG_HELP)]
pub struct Options {
    /// Folder with schemas, TYPE.json for each event type [default: the schemas of the pipeline]
    folder: Option<PathBuf>,
}

/// The JSON document that `--json` prints.
#[derive(Debug, Serialize)]
struct Document<'s> {
    types: Vec<&'s str>,
    problems: Vec<Problem>,
}

#[derive(Debug, Serialize)]
struct Problem {
    file: String,
    reason: String,
}

impl From<&SchemaError> for Problem {
    fn from(error: &SchemaError) -> Self {
        Self { file: error.path().display().to_string(), reason: error.to_string() }
    }
}

fn columns<'s>() -> [Column<&'s str>; 1] {
    [Column { name: "type", title: None, field: |event_type| Field::text(event_type) }]
}

/// Runs the command. A folder that is named needs no pipeline.
pub async fn run(
    command: &Command,
    open: impl AsyncFnOnce() -> anyhow::Result<Backend>,
    console: &mut Console,
) -> anyhow::Result<ExitStatus> {
    let (Command::Check(options) | Command::List(options)) = command;
    let set: Arc<SchemaSet> = match &options.folder {
        Some(folder) => {
            let opened = SchemaFolder::open(folder);
            opened.map_err(|error| CommandError::Usage(error.to_string()))?.current().await
        }
        None => open().await?.pipeline.schemas.current().await,
    };
    let problems = set.problems().into_iter().map(Problem::from).collect();
    let document = Document { types: set.types(), problems };
    if console.json() {
        console.document(&document)?;
    }
    let status = if document.problems.is_empty() { ExitStatus::Ok } else { ExitStatus::No };
    match command {
        Command::Check(_) => {
            if !console.json() {
                print_check(&document, console)?;
            }
            Ok(status)
        }
        Command::List(_) => {
            if console.tsv() {
                console.items(&columns(), &document.types, backend::clock().now())?;
            } else if !console.json() {
                print_list(&document, console)?;
            }
            Ok(ExitStatus::Ok)
        }
    }
}

fn print_check(document: &Document<'_>, console: &mut Console) -> anyhow::Result<()> {
    let usable = text::count(document.types.len() as u64, "schema");
    let unusable = document.problems.len() as u64;
    if unusable == 0 {
        return console.line(&format!("{usable}, and all can be used"));
    }
    let files = text::count(unusable, "file");
    console.line(&paint(BOLD, &format!("{files} can't be used; {usable} in use")))?;
    let mut table = Table::default().wrapping();
    for problem in &document.problems {
        table.row(vec![Cell::text(&problem.reason)]);
    }
    console.table(&table)
}

fn print_list(document: &Document<'_>, console: &mut Console) -> anyhow::Result<()> {
    if document.types.is_empty() {
        console.line("No event type has a schema")?;
    }
    for event_type in &document.types {
        console.line(&text::clean(event_type))?;
    }
    if !document.problems.is_empty() {
        let files = text::count(document.problems.len() as u64, "file");
        console.hint(&format!("{files} can't be used: see spillway schemas check"))?;
    }
    Ok(())
}
