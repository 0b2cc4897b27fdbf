//! `spillway dlq release`.

use super::selection::{Selected, Selection};
use crate::answer::{CommandError, ExitStatus};
use crate::backend::Backend;
use crate::console::{BOLD, Console, paint};
use crate::target::Actor;
use crate::text;
use clap::Args;
use serde::Serialize;
use serde_json::json;
use spillway_core::dead_letter::{DeadLetterState, DeadLetterStatus};
use spillway_core::ids::{MessageId, ReplayId};
use spillway_core::replay::ReplayItemState;
use std::collections::{BTreeMap, HashMap, HashSet};

const LONG_HELP: &str = "\
A replay ends for a dead letter when its event is stored or back in the archive. If somebody purged a queue, or the \
retention of a message ran out, neither ever happens. This command puts such dead letters back into the archive, so that \
they can be replayed again. The audit log has each of them. The pipeline does the same by itself after 29 days: no message \
exists for longer.

A dead letter whose message still exists stays in its replay, and so does one that the replay has not put back yet. --force \
releases all the same. In AWS it is always needed: SQS's queues cannot be searched, so you have to know that the messages are \
gone. If a message exists after all, nothing is lost or stored twice, but its replay counts it as back in the archive, also \
if its event is stored later.

With --json: {\"released\": [ids], \"refused\": number of those that were not being replayed, \"kept\": [{\"id\", \"reason\"}]}.

Exit code 1: nothing was released.";

/// Options of `dlq release`.
#[derive(Clone, Debug, Args)]
#[command(after_help = LONG_HELP)]
pub struct Options {
    /// Don't ask for confirmation when filters chose the dead letters
    #[arg(long)]
    yes: bool,
    /// Also release dead letters whose messages exist, or may exist
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    actor: Actor,
    #[command(flatten)]
    selection: Selection,
}

/// A dead letter that stays in its replay.
#[derive(Debug, Serialize)]
struct Kept {
    id: MessageId,
    reason: &'static str,
}

/// Items of a replay, or dead letters, that are read at once.
const AT_ONCE: usize = 1000;
/// Dead letters that are named for each reason; the JSON names all.
const NAMED: usize = 5;

/// Runs the command.
pub async fn run(options: &Options, backend: &Backend, console: &mut Console) -> anyhow::Result<ExitStatus> {
    let Selected { mut ids, named } = options.selection.resolve(DeadLetterStatus::Replaying, backend).await?;
    let kept = if options.force { Vec::new() } else { not_gone(&ids, backend).await? };
    let stay: HashSet<_> = kept.iter().map(|kept| &kept.id).collect();
    ids.retain(|id| !stay.contains(id));
    let chosen = text::count(ids.len() as u64, "dead letter");
    if !ids.is_empty() && !named && !options.yes {
        match console.ask(&format!("Release {chosen}?"))? {
            Some(true) => {}
            Some(false) => {
                console.note("Nothing was released.");
                return Ok(ExitStatus::No);
            }
            None => {
                let what = format!("this would release {chosen}: add --yes to confirm");
                return Err(CommandError::Usage(what).into());
            }
        }
    }
    let done = backend.pipeline.replayer().release(&ids, &options.actor.name()).await?;
    let refused = ids.len() - done.len();
    if console.json() {
        console.document(&json!({"released": done, "refused": refused, "kept": kept}))?;
    } else {
        let released = text::count(done.len() as u64, "dead letter");
        console.line(&paint(BOLD, &format!("{released} back in the archive")))?;
        if refused > 0 {
            let not = text::were(refused, "not being replayed");
            console.line(&format!("  {not} and did not change"))?;
        }
        print_kept(&kept, console)?;
        if !done.is_empty() {
            console.hint("  Replay them again with: spillway dlq replay ID…")?;
        }
    }
    Ok(if done.is_empty() { ExitStatus::No } else { ExitStatus::Ok })
}

/// The dead letters whose messages are not known to be gone.
async fn not_gone(ids: &[MessageId], backend: &Backend) -> anyhow::Result<Vec<Kept>> {
    let mut replaying = Vec::new();
    for some in ids.chunks(AT_ONCE) {
        let letters = backend.pipeline.archive.get_brief(some).await?;
        replaying.extend(letters.into_iter().flatten().filter_map(|letter| match letter.state {
            DeadLetterState::Replaying { replay_id } => Some((letter.id, replay_id)),
            _ => None,
        }));
    }
    if replaying.is_empty() {
        return Ok(Vec::new());
    }
    // The replays are read before the queues: what was put back before that is in a queue now, or has ended.
    let mut waiting = HashMap::new();
    for (_, replay) in &replaying {
        if !waiting.contains_key(replay) {
            waiting.insert(replay.clone(), waiting_of(replay, backend).await?);
        }
    }
    let in_queues = backend.pipeline.events.replays_in_queues().await?;
    let reason = |id: &MessageId, replay: &ReplayId| match &in_queues {
        _ if waiting[replay].contains(id) => Some("the replay has not put it back yet"),
        Some(found) => found.contains(id).then_some("its message is in a queue"),
        None => Some("its message may be in a queue, and SQS's queues cannot be searched"),
    };
    let kept = replaying.into_iter().filter_map(|(id, replay)| {
        let reason = reason(&id, &replay)?;
        Some(Kept { id, reason })
    });
    Ok(kept.collect())
}

/// The dead letters that a replay has not put back yet.
async fn waiting_of(replay: &ReplayId, backend: &Backend) -> anyhow::Result<HashSet<MessageId>> {
    let (mut waiting, mut after) = (HashSet::new(), None::<String>);
    loop {
        let page = backend.pipeline.replays.items(replay, after.as_deref(), AT_ONCE).await?;
        let items = page.items.into_iter().filter(|item| item.state == ReplayItemState::Waiting);
        waiting.extend(items.map(|item| item.dead_letter));
        after = page.next;
        if after.is_none() {
            return Ok(waiting);
        }
    }
}

fn print_kept(kept: &[Kept], console: &mut Console) -> anyhow::Result<()> {
    let mut by_reason: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for Kept { id, reason } in kept {
        by_reason.entry(reason).or_default().push(id.as_str());
    }
    for (reason, ids) in &by_reason {
        let more = if ids.len() > NAMED { " and more" } else { "" };
        let named = text::clean(&ids[..ids.len().min(NAMED)].join(", "));
        let stay = text::count(ids.len() as u64, "dead letter");
        console.line(&format!("  {stay} not released, because {reason}: {named}{more}"))?;
    }
    if !kept.is_empty() {
        console.line("  Release these all the same with --force")?;
    }
    Ok(())
}
