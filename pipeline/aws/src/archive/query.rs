//! Browsing the index: lists, groups and ids. None of it lists the bucket.

use super::ends::{self, Noted};
use super::entry::Entry;
use super::index::{Count, Index};
use super::search::{self, Extent, MAX_EXAMINED, Matches, Plan, plan, search};
use super::walk::{self, By, Found, Range};
use crate::call_error::CallError;
use futures::{StreamExt, TryStreamExt, stream};
use spillway_core::Timestamp;
use spillway_core::dead_letter::{DeadLetterFilter, DeadLetterGroup, DeadLetterStatus, Page};
use spillway_core::ids::{EventType, Fingerprint, MessageId};
use std::collections::BTreeMap;

/// Groups that are read concurrently.
const GROUPS_AT_ONCE: usize = 4;

/// A page, newest first. The cursor is the key of the last letter that was read.
pub(crate) async fn list(
    index: &Index,
    filter: &DeadLetterFilter,
    after: Option<&str>,
    limit: usize,
) -> Result<Page<Entry>, CallError> {
    let plan = plan(index, filter).await?;
    let want = if limit == 0 { 0 } else { limit + 1 };
    let uncut = if after.is_none() { uncut(index, filter, &plan, want).await? } else { None };
    let (mut found, total) = if let Some(found) = uncut {
        let whole = Plan { range: Some(Range::default()), ..plan };
        (found, total(index, filter, &whole).await?)
    } else if !plan.is_search {
        let page = search(index, filter, &plan, after, Extent { want, ..Extent::default() });
        tokio::try_join!(page, total(index, filter, &plan))?
    } else if after.is_none() {
        let found =
            search(index, filter, &plan, None, Extent { want, examine: MAX_EXAMINED, ..Extent::default() })
                .await?;
        let total = found.count;
        (found, total)
    } else {
        let page = search(index, filter, &plan, after, Extent { want, ..Extent::default() });
        let all = search(index, filter, &plan, None, Extent { examine: MAX_EXAMINED, ..Extent::default() });
        let (page, all) = tokio::try_join!(page, all)?;
        (page, all.count)
    };
    let next = if limit == 0 {
        None
    } else if found.entries.len() > limit {
        found.entries.truncate(limit);
        found.entries.last().map(Entry::archived_key)
    } else if found.is_all {
        None
    } else {
        found.last
    };
    Ok(Page { items: found.entries, total, next })
}

/// The first page of all letters up to a time, if none is newer. Then the counters have the total, and no key needs to be
/// counted.
async fn uncut(
    index: &Index,
    filter: &DeadLetterFilter,
    plan: &Plan,
    want: usize,
) -> Result<Option<Matches>, CallError> {
    if plan.is_search || want == 0 || filter.from.is_some() || filter.to.is_none() || plan.range.is_none() {
        return Ok(None);
    }
    let open = Plan {
        by: plan.by,
        partitions: plan.partitions.clone(),
        range: Some(Range::default()),
        is_search: false,
    };
    let extent = Extent { want, only_matches: true, ..Extent::default() };
    let found = search(index, filter, &open, None, extent).await?;
    Ok((found.left_out == 0).then_some(found))
}

/// How many letters match: from the counters, or by counting keys if the filter has a range of time.
async fn total(index: &Index, filter: &DeadLetterFilter, plan: &Plan) -> Result<u64, CallError> {
    match &plan.range {
        None => Ok(0),
        Some(range) if *range == Range::default() => {
            let all = index.counts().await?;
            Ok(all.iter().filter(|count| search::counts(filter, count)).map(|count| count.count).sum())
        }
        Some(range) => walk::count(index, plan.by, &plan.partitions, range).await,
    }
}

/// The ids of those that match, newest first.
pub(crate) async fn ids(
    index: &Index,
    filter: &DeadLetterFilter,
    limit: usize,
) -> Result<Vec<MessageId>, CallError> {
    let plan = plan(index, filter).await?;
    let (mut ids, mut after): (Vec<MessageId>, Option<String>) = (Vec::new(), None);
    while ids.len() < limit {
        let extent = Extent { want: limit - ids.len(), ..Extent::default() };
        let found = search(index, filter, &plan, after.as_deref(), extent).await?;
        ids.extend(found.entries.into_iter().map(|entry| entry.id));
        if found.is_all || found.last.is_none() {
            break;
        }
        after = found.last;
    }
    Ok(ids)
}

/// Groups by fingerprint, largest first.
///
/// Usually counters and the ends of each group's partitions are enough. If the search has words, or asks for
/// one type of a group that has several, the newest [`MAX_EXAMINED`] letters are read.
pub(crate) async fn groups(
    index: &Index,
    filter: &DeadLetterFilter,
) -> Result<Vec<DeadLetterGroup>, CallError> {
    let counts = index.counts().await?;
    let matching: Vec<_> = counts.iter().filter(|count| search::counts(filter, count)).collect();
    let has_other_types = |count: &&Count| {
        counts
            .iter()
            .any(|other| other.fingerprint == count.fingerprint && other.event_type != count.event_type)
    };
    let mut groups = if filter.contains.is_some()
        || (filter.event_type.is_some() && matching.iter().any(has_other_types))
    {
        searched(index, filter).await?
    } else {
        counted(index, filter, &matching).await?
    };
    groups.sort_by(|a, b| b.count.cmp(&a.count).then(b.last_at.cmp(&a.last_at)));
    Ok(groups)
}

async fn counted(
    index: &Index,
    filter: &DeadLetterFilter,
    counts: &[&Count],
) -> Result<Vec<DeadLetterGroup>, CallError> {
    let Some(range) = plan(index, filter).await?.range else { return Ok(Vec::new()) };
    let mut by_group: BTreeMap<&Fingerprint, Vec<&Count>> = BTreeMap::new();
    for count in counts {
        by_group.entry(&count.fingerprint).or_default().push(count);
    }
    let by_group: Vec<_> = by_group.into_iter().collect();
    let noted = noted(index, filter, &range, &by_group).await?;
    let groups: Vec<Option<DeadLetterGroup>> = stream::iter(0..by_group.len())
        .map(|position| {
            let (fingerprint, counts) = &by_group[position];
            let noted = noted.iter().find(|noted| noted.group == **fingerprint);
            group(index, fingerprint, counts, &range, noted)
        })
        .buffered(GROUPS_AT_ONCE)
        .try_collect()
        .await?;
    Ok(groups.into_iter().flatten().collect())
}

/// The notes about the ends of groups, if the filter asks for all letters that wait.
async fn noted(
    index: &Index,
    filter: &DeadLetterFilter,
    range: &Range,
    groups: &[(&Fingerprint, Vec<&Count>)],
) -> Result<Vec<Noted>, CallError> {
    let is_noted = filter.states == [DeadLetterStatus::Archived] && *range == Range::default();
    if !is_noted || groups.is_empty() {
        return Ok(Vec::new());
    }
    ends::noted(index, &groups.iter().map(|(fingerprint, _)| *fingerprint).collect::<Vec<_>>()).await
}

async fn group(
    index: &Index,
    fingerprint: &Fingerprint,
    counts: &[&Count],
    range: &Range,
    noted: Option<&Noted>,
) -> Result<Option<DeadLetterGroup>, CallError> {
    if let Some((oldest, newest, entry)) = noted.and_then(Noted::ends) {
        let count = counts.iter().map(|count| count.count).sum();
        return Ok(Some(as_group(fingerprint, counts, count, (&oldest, &newest), entry)));
    }
    let states: Vec<_> = counts.iter().map(|count| count.state.as_str()).collect();
    let mut partitions = search::group_partitions(fingerprint, &states, index.names().shards);
    partitions.sort_unstable();
    partitions.dedup();
    let ends = walk::ends(index, By::Group, &partitions, range);
    let (ends, count) = if *range == Range::default() {
        (ends.await?, counts.iter().map(|count| count.count).sum())
    } else {
        tokio::try_join!(ends, walk::count(index, By::Group, &partitions, range))?
    };
    let Some((oldest, newest)) = ends else { return Ok(None) };
    if let Some(noted) = noted {
        ends::correct(index, noted, &oldest, &newest).await;
    }
    let Some(entry) = index.entry(&newest.id()).await? else { return Ok(None) };
    Ok(Some(as_group(fingerprint, counts, count, (&oldest, &newest), entry)))
}

/// A group whose newest letter has this entry.
fn as_group(
    fingerprint: &Fingerprint,
    counts: &[&Count],
    count: u64,
    (oldest, newest): (&Found, &Found),
    entry: Entry,
) -> DeadLetterGroup {
    let mut types = counts.iter().map(|count| &count.event_type);
    let first = types.next().filter(|name| !name.is_empty());
    let same = first.filter(|first| types.all(|name| name == *first));
    DeadLetterGroup {
        fingerprint: fingerprint.clone(),
        class: entry.class,
        message: entry.message,
        event_type: same.map(|name| EventType::new(name.as_str())),
        count,
        first_at: time_in(&oldest.archived_key).unwrap_or(entry.archived_at),
        last_at: time_in(&newest.archived_key).unwrap_or(entry.archived_at),
        example: newest.id(),
    }
}

fn time_in(key: &str) -> Option<Timestamp> {
    key.split_once('#')?.0.parse().ok()
}

async fn searched(index: &Index, filter: &DeadLetterFilter) -> Result<Vec<DeadLetterGroup>, CallError> {
    let plan = Plan { is_search: true, ..plan(index, filter).await? };
    let extent = Extent { want: MAX_EXAMINED, examine: MAX_EXAMINED, ..Extent::default() };
    let found = search(index, filter, &plan, None, extent).await?;
    let mut groups: BTreeMap<Fingerprint, DeadLetterGroup> = BTreeMap::new();
    // Newest first, so the first of a group is its example, and the last its oldest.
    for entry in found.entries {
        let group = groups.entry(entry.fingerprint.clone()).or_insert_with(|| DeadLetterGroup {
            fingerprint: entry.fingerprint.clone(),
            class: entry.class,
            message: entry.message.clone(),
            event_type: entry.event_type.clone(),
            count: 0,
            first_at: entry.archived_at,
            last_at: entry.archived_at,
            example: entry.id.clone(),
        });
        group.count += 1;
        group.first_at = entry.archived_at;
        if group.event_type != entry.event_type {
            group.event_type = None;
        }
    }
    Ok(groups.into_values().collect())
}
