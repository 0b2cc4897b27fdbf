//! Browsing the index: lists, groups and ids. None of it lists the bucket.

use super::ends::{self, Noted, Part};
use super::entry::Entry;
use super::index::{Count, Index};
use super::search::{self, Extent, MAX_EXAMINED, Matches, Plan, plan, search};
use super::walk::{self, By, End, Found, Range};
use crate::call_error::CallError;
use futures::{StreamExt, TryStreamExt, stream};
use spillway_core::Timestamp;
use spillway_core::dead_letter::{DeadLetterFilter, DeadLetterGroup, DeadLetterStatus, Page};
use spillway_core::ids::{EventType, Fingerprint, MessageId};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Groups that are read concurrently.
const GROUPS_AT_ONCE: usize = 4;
/// Groups whose letters in a range of time are counted one by one. With more groups, the newest [`MAX_EXAMINED`] letters are
/// read instead.
const MAX_COUNTED: usize = 200;

/// Whether a text can be the place where a list ended: the key of a letter, which begins with a time.
pub(crate) fn is_cursor(text: &str) -> bool {
    time_in(text).is_some()
}

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
        let all = searched(index, filter).await?;
        let entries = all.entries.iter().take(want).cloned().collect();
        let found = Matches { entries, last: all.last.clone(), is_all: all.is_all, ..Matches::default() };
        (found, all.count)
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

/// A page of the groups by fingerprint, largest first.
///
/// Usually counters, and the ends of the page's groups, are enough. If the search has words, or asks for
/// one type of a group that has several, the newest [`MAX_EXAMINED`] letters are read.
pub(crate) async fn groups(
    index: &Index,
    filter: &DeadLetterFilter,
    after: Option<&str>,
    limit: usize,
) -> Result<Page<DeadLetterGroup>, CallError> {
    let counts = index.counts().await?;
    let matching: Vec<_> = counts.iter().filter(|count| search::counts(filter, count)).collect();
    let has_other_types = |count: &&Count| {
        counts
            .iter()
            .any(|other| other.fingerprint == count.fingerprint && other.event_type != count.event_type)
    };
    let Some(range) = plan(index, filter).await?.range else { return Ok(Page::of(Vec::new(), None, limit)) };
    let shards = index.names().shards;
    let mut counted = Counted::of(&matching);
    let is_whole = range == Range::default();
    if filter.contains.is_some()
        || (filter.event_type.is_some() && matching.iter().any(has_other_types))
        || (!is_whole && counted.len() > MAX_COUNTED)
    {
        return Ok(Page::of(searched_groups(index, filter).await?, after, limit));
    }
    if !is_whole {
        let (counted_now, range) = (&counted, &range);
        let numbers: Vec<u64> = stream::iter(0..counted.len())
            .map(|position| async move {
                let partitions = counted_now[position].partitions(shards);
                walk::count(index, By::Group, &partitions, range).await
            })
            .buffered(GROUPS_AT_ONCE)
            .try_collect()
            .await?;
        counted.iter_mut().zip(numbers).for_each(|(group, number)| group.count = number);
        counted.retain(|group| group.count > 0);
    }
    counted.sort_by(|a, b| b.count.cmp(&a.count).then(a.fingerprint.cmp(b.fingerprint)));
    let page = Page::of(counted, after, limit);
    let notes = Notes::read(index, filter, is_whole, &page.items, &counts).await?;
    let ends: Vec<Option<Ends>> = stream::iter(0..page.items.len())
        .map(|position| notes.ends_of(index, &page.items[position], &range))
        .buffered(GROUPS_AT_ONCE)
        .try_collect()
        .await?;
    let searched = ends.iter().flatten().filter(|(_, _, example)| example.is_none());
    let searched: Vec<MessageId> = searched.map(|(_, newest, _)| newest.id()).collect();
    let mut examples = index.entries(&searched).await?;
    let group = |(counted, ends): (&Counted<'_>, Option<Ends>)| {
        let (oldest, newest, example) = ends?;
        let example = example.or_else(|| examples.remove(&newest.id()))?;
        Some(as_group(counted, (&oldest, &newest), example))
    };
    let items = page.items.iter().zip(ends).filter_map(group).collect();
    Ok(Page { items, total: page.total, next: page.next })
}

/// A group as its counters know it.
struct Counted<'c> {
    fingerprint: &'c Fingerprint,
    /// The states of its letters.
    states: BTreeSet<DeadLetterStatus>,
    /// Its type, if all its letters have the same.
    event_type: Option<&'c str>,
    count: u64,
}

impl<'c> Counted<'c> {
    fn of(counts: &[&'c Count]) -> Vec<Self> {
        let mut by_group: BTreeMap<&Fingerprint, Vec<&Count>> = BTreeMap::new();
        for count in counts {
            by_group.entry(&count.fingerprint).or_default().push(count);
        }
        let group = |(fingerprint, counts): (&'c Fingerprint, Vec<&'c Count>)| {
            let states = counts.iter().map(|count| count.state).collect();
            let mut types = counts.iter().map(|count| count.event_type.as_str());
            let first = types.next().filter(|name| !name.is_empty());
            let event_type = first.filter(|first| types.all(|name| name == *first));
            Self { fingerprint, states, event_type, count: counts.iter().map(|count| count.count).sum() }
        };
        by_group.into_iter().map(group).collect()
    }

    /// The partitions in which its letters are.
    fn partitions(&self, shards: u32) -> Vec<String> {
        let states: Vec<&str> = self.states.iter().map(|state| state.as_str()).collect();
        search::group_partitions(self.fingerprint, &states, shards)
    }

    /// The parts to which its letters belong.
    fn parts(&self) -> BTreeSet<Part> {
        self.states.iter().map(|state| Part::of(*state)).collect()
    }
}

/// The notes about the ends of a page's groups. Without a range of time they save the search for them. None are needed if all
/// keys are known.
struct Notes {
    noted: Option<Vec<Noted>>,
    /// Parts of groups that also have letters in other states than the filter's. What a search finds is no end of them.
    wider: Vec<(Fingerprint, Part)>,
}

/// The oldest and the newest letter of a group, with the entry of the newest if it was read already.
type Ends = (Found, Found, Option<Entry>);

impl Notes {
    async fn read(
        index: &Index,
        filter: &DeadLetterFilter,
        is_whole: bool,
        groups: &[Counted<'_>],
        counts: &[Count],
    ) -> Result<Self, CallError> {
        if !is_whole || groups.is_empty() || index.keys(By::Group).await?.is_some() {
            return Ok(Self { noted: None, wider: Vec::new() });
        }
        let parts: Vec<(&Fingerprint, Part)> = groups
            .iter()
            .flat_map(|group| group.parts().into_iter().map(move |part| (group.fingerprint, part)))
            .collect();
        let states = search::states(filter);
        let others = counts.iter().filter(|count| !states.contains(&count.state));
        let wider = others.map(|count| (count.fingerprint.clone(), Part::of(count.state))).collect();
        Ok(Self { noted: Some(ends::noted(index, &parts, &states).await?), wider })
    }

    async fn ends_of(
        &self,
        index: &Index,
        group: &Counted<'_>,
        range: &Range,
    ) -> Result<Option<Ends>, CallError> {
        let mut ends: Option<Ends> = None;
        for part in group.parts() {
            let Some((oldest, newest, entry)) = self.ends_of_part(index, group, part, range).await? else {
                continue;
            };
            ends = Some(match ends {
                None => (oldest, newest, entry),
                Some((first, last, other)) if last > newest => (first.min(oldest), last, other),
                Some((first, _, _)) => (first.min(oldest), newest, entry),
            });
        }
        Ok(ends)
    }

    async fn ends_of_part(
        &self,
        index: &Index,
        group: &Counted<'_>,
        part: Part,
        range: &Range,
    ) -> Result<Option<Ends>, CallError> {
        let of_part = |noted: &&Noted| noted.group == *group.fingerprint && noted.part == part;
        let note = self.noted.iter().flatten().find(of_part);
        let (oldest, newest) = (note.and_then(Noted::oldest), note.and_then(Noted::newest));
        if let (Some(oldest), Some((newest, entry))) = (&oldest, &newest) {
            return Ok(Some((oldest.clone(), newest.clone(), Some(entry.clone()))));
        }
        let states: Vec<&str> = group
            .states
            .iter()
            .filter(|state| Part::of(**state) == part)
            .map(|state| state.as_str())
            .collect();
        let partitions = search::group_partitions(group.fingerprint, &states, index.names().shards);
        let oldest = match oldest {
            Some(oldest) => Some(oldest),
            None => walk::end(index, By::Group, &partitions, range, End::Oldest).await?,
        };
        let (newest, entry) = match newest {
            Some((newest, entry)) => (Some(newest), Some(entry)),
            None => (walk::end(index, By::Group, &partitions, range, End::Newest).await?, None),
        };
        let Some((oldest, newest)) = oldest.zip(newest) else { return Ok(None) };
        let is_wider = self.wider.iter().any(|(of, other)| of == group.fingerprint && *other == part);
        if self.noted.is_some() && !is_wider {
            ends::correct(index, (group.fingerprint, part), note, (&oldest, &newest)).await;
        }
        Ok(Some((oldest, newest, entry)))
    }
}

/// A group whose newest letter has this entry.
fn as_group(counted: &Counted<'_>, (oldest, newest): (&Found, &Found), entry: Entry) -> DeadLetterGroup {
    DeadLetterGroup {
        fingerprint: counted.fingerprint.clone(),
        class: entry.class,
        message: entry.message,
        event_type: counted.event_type.map(EventType::new),
        count: counted.count,
        first_at: time_in(&oldest.archived_key).unwrap_or(entry.archived_at),
        last_at: time_in(&newest.archived_key).unwrap_or(entry.archived_at),
        example: newest.id(),
    }
}

fn time_in(key: &str) -> Option<Timestamp> {
    key.split_once('#')?.0.parse().ok()
}

/// The newest letters that match, which are read one by one.
async fn searched(index: &Index, filter: &DeadLetterFilter) -> Result<Arc<Matches>, CallError> {
    let search = async {
        let plan = Plan { is_search: true, ..plan(index, filter).await? };
        let extent = Extent { want: MAX_EXAMINED, examine: MAX_EXAMINED, ..Extent::default() };
        search(index, filter, &plan, None, extent).await
    };
    index.searched(filter, search).await
}

async fn searched_groups(
    index: &Index,
    filter: &DeadLetterFilter,
) -> Result<Vec<DeadLetterGroup>, CallError> {
    let found = searched(index, filter).await?;
    let mut groups: BTreeMap<Fingerprint, DeadLetterGroup> = BTreeMap::new();
    // Newest first, so the first of a group is its example, and the last its oldest.
    for entry in &found.entries {
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
    let mut groups: Vec<_> = groups.into_values().collect();
    groups.sort_by(|a, b| b.count.cmp(&a.count).then(b.last_at.cmp(&a.last_at)));
    Ok(groups)
}
