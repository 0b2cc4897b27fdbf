//! `spillway dlq groups`.

use super::explained::Explained;
use super::selection::Filters;
use crate::answer::ExitStatus;
use crate::backend::Backend;
use crate::console::{BOLD, Console, paint};
use crate::text::{self, number};
use crate::values;
use clap::Args;
use serde::Serialize;
use spillway_core::Timestamp;
use spillway_core::dead_letter::{DeadLetterFilter, DeadLetterGroup, DeadLetterStatus};
use spillway_core::failure::shortened;

const LONG_HELP: &str = "\
Only dead letters that wait in the archive. Each group is explained by its newest dead letter, and counted over its newest 1,000.

With --json: {\"group_total\", \"groups\": [a group as dlq list has it, with \"explanation\" and \"spread\" as dlq show has \
them]}.";

/// Bytes of a group's message.
const MAX_FAILURE: usize = 300;
/// Each group takes several reads.
const MOST: std::ops::RangeInclusive<u64> = 1..=100;

/// Options of `dlq groups`.
#[derive(Clone, Debug, Args)]
#[command(after_help = LONG_HELP)]
pub struct Options {
    /// Maximum number of groups, the largest; 100 at most
    #[arg(long, default_value = "10", value_name = "N", value_parser = values::within::<u32>(MOST))]
    limit: u32,
    #[command(flatten)]
    filters: Filters,
}

/// The JSON document that `--json` prints.
#[derive(Debug, Serialize)]
struct Groups {
    group_total: u64,
    groups: Vec<Group>,
}

#[derive(Debug, Serialize)]
struct Group {
    #[serde(flatten)]
    group: DeadLetterGroup,
    #[serde(flatten)]
    explained: Explained,
}

/// Runs the command.
pub async fn run(options: &Options, backend: &Backend, console: &mut Console) -> anyhow::Result<ExitStatus> {
    let (archive, now) = (&backend.pipeline.archive, backend.pipeline.clock.now());
    let filter = options.filters.filter(&[DeadLetterStatus::Archived], now);
    let page = archive.groups(&filter, None, options.limit as usize).await?;
    let mut groups = Vec::new();
    for group in page.items {
        // It may have left the archive since.
        let Some(letter) = archive.get(&group.example).await? else { continue };
        let only = DeadLetterFilter { fingerprint: Some(group.fingerprint.clone()), ..filter.clone() };
        let explained = Explained::in_group(&letter, Some(&group), &only, backend).await?;
        groups.push(Group { group, explained });
    }
    let groups = Groups { group_total: page.total, groups };
    match console.json() {
        true => console.document(&groups)?,
        false => print(&groups, now, console)?,
    }
    Ok(ExitStatus::Ok)
}

fn print(list: &Groups, now: Timestamp, console: &mut Console) -> anyhow::Result<()> {
    if list.groups.is_empty() {
        return console.line("No dead letters wait in the archive, or none match");
    }
    for Group { group, explained } in &list.groups {
        let event_type = group.event_type.as_ref().map_or("several types", |event_type| event_type.as_str());
        let failure = shortened(&group.message, MAX_FAILURE);
        let headline = format!("{} {event_type}: {failure}", number(group.count));
        console.line(&paint(BOLD, &text::clean(&headline)))?;
        let mut fields = vec![
            ("group", group.fingerprint.to_string()),
            ("last", text::time(now, group.last_at)),
            ("example", group.example.to_string()),
        ];
        fields.extend(explained.fields(now));
        console.fields(&fields)?;
        console.line("")?;
    }
    let shown = list.groups.len() as u64;
    if shown < list.group_total {
        let of = number(list.group_total);
        console.line(&format!("{} of {of} groups shown, the largest; more with --limit", number(shown)))?;
    }
    Ok(())
}
