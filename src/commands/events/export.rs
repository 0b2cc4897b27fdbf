//! `spillway events export`.

use super::selection::{COSTS, Filters, cut, read};
use crate::answer::ExitStatus;
use crate::backend::Backend;
use crate::console::Console;
use crate::json_text;
use crate::values;
use clap::Args;
use spillway_core::ports::StoredOrder;

const LONG_HELP: &str = "\
Each line is an event as CloudEvents JSON, the text that was accepted: numbers and the order of members do not change, only \
line breaks and spaces between tokens are left out. Events are printed while they are read. \"spillway send --ndjson\" takes \
such lines.

  spillway events export --type order.placed --since 24h > orders.ndjson";

/// Options of `events export`.
#[derive(Clone, Debug, Args)]
#[command(after_help = format!("{LONG_HELP}\n\n{COSTS}"))]
pub struct Options {
    /// Maximum number of events [default: all]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    limit: Option<u64>,
    /// Continue where another export ended
    #[arg(long, value_name = "NEXT", value_parser = values::some_text)]
    after: Option<String>,
    /// Print the newest first
    #[arg(long)]
    newest_first: bool,
    #[command(flatten)]
    filters: Filters,
}

/// Runs the command.
pub async fn run(options: &Options, backend: &Backend, console: &mut Console) -> anyhow::Result<ExitStatus> {
    let order = if options.newest_first { StoredOrder::NewestFirst } else { StoredOrder::OldestFirst };
    let limit = options.limit.map_or(usize::MAX, |limit| usize::try_from(limit).unwrap_or(usize::MAX));
    let end = read(&options.filters, order, options.after.as_deref(), limit, backend, |part| {
        part.iter().try_for_each(|event| {
            let line = match json_text::as_it_is(&event.body) {
                Some(json) => json_text::on_one_line(&json),
                // Nothing in the store is no JSON, as long as nobody else writes there.
                None => serde_json::to_string(&event.body)?,
            };
            console.json_line(&line)
        })
    })
    .await?;
    match &end.next {
        Some(next) if end.is_cut => Ok(cut(&options.filters, next, console)),
        Some(next) => {
            console.note(&format!("More events follow: continue with --after {next}"));
            Ok(ExitStatus::Ok)
        }
        None => Ok(ExitStatus::Ok),
    }
}
