//! Which letters a filter selects: where to search for them, and which have to be read one by one.

use super::entry::{EVERY_STATE, Entry, in_key, time_key};
use super::index::{Count, Index};
use super::walk::{By, Range, Walk};
use crate::call_error::CallError;
use spillway_core::dead_letter::{DeadLetterFilter, DeadLetterStatus, SearchWords};
use spillway_core::ids::{EventType, Fingerprint};

/// Letters that are read one by one for one query. A search that no index helps stops there. It reports how
/// many it has found, and continues from there when the next page is requested.
pub(crate) const MAX_EXAMINED: usize = 10_000;
/// Letters that are read at once while searching.
const READ_AT_ONCE: usize = 400;

/// Where the letters of a filter are.
pub(crate) struct Plan {
    pub by: By,
    pub partitions: Vec<String>,
    /// `None` if it ends before it begins.
    pub range: Option<Range>,
    /// Whether the partitions hold others too.
    pub is_search: bool,
}

/// The states of a filter; all if it names none.
pub(crate) fn states(filter: &DeadLetterFilter) -> Vec<DeadLetterStatus> {
    let asked = |state: &&DeadLetterStatus| filter.states.is_empty() || filter.states.contains(state);
    DeadLetterStatus::ALL.iter().filter(asked).copied().collect()
}

/// Whether a counter counts letters of a filter. Time and words are left out, because a counter does not hold
/// them.
pub(crate) fn counts(filter: &DeadLetterFilter, count: &Count) -> bool {
    (filter.states.is_empty() || filter.states.contains(&count.state))
        && filter.fingerprint.as_ref().is_none_or(|fingerprint| *fingerprint == count.fingerprint)
        && filter.event_type.as_ref().is_none_or(|name| in_key(name) == count.event_type)
        && filter.class.is_none_or(|class| class == count.class)
}

/// The partitions of a group in some states.
pub(crate) fn group_partitions(fingerprint: &Fingerprint, states: &[&str], shards: u32) -> Vec<String> {
    let of_state = |state: &&str| {
        let state = (*state).to_owned();
        (0..shards.max(1)).map(move |shard| format!("{state}#{fingerprint}#{shard}"))
    };
    states.iter().flat_map(of_state).collect()
}

/// Finds the index with the fewest letters that do not match.
pub(crate) async fn plan(index: &Index, filter: &DeadLetterFilter) -> Result<Plan, CallError> {
    let (asked, shards) = (states(filter), index.names().shards);
    let range = range(filter);
    let has_words = filter.contains.is_some();
    let is_in_every_state = asked.len() == DeadLetterStatus::ALL.len();
    if is_in_every_state
        && filter.fingerprint.is_none()
        && filter.event_type.is_none()
        && filter.class.is_none()
    {
        let partitions = (0..shards.max(1)).map(|shard| format!("{EVERY_STATE}#{shard}")).collect();
        return Ok(Plan { by: By::Age, partitions, range, is_search: has_words });
    }
    let mut states: Vec<&str> = asked.into_iter().map(DeadLetterStatus::as_str).collect();
    if states.len() > 1 {
        // Partitions of a state without such letters are empty.
        let all = index.counts().await?;
        states
            .retain(|state| all.iter().any(|count| count.state.as_str() == *state && counts(filter, count)));
    }
    if let Some(fingerprint) = &filter.fingerprint {
        let partitions = group_partitions(fingerprint, &states, shards);
        let is_search = has_words || filter.event_type.is_some() || filter.class.is_some();
        return Ok(Plan { by: By::Group, partitions, range, is_search });
    }
    let buckets = |middle: String| {
        let of_state = |state: &&str| {
            (0..shards.max(1)).map(|shard| format!("{state}{middle}#{shard}")).collect::<Vec<_>>()
        };
        states.iter().flat_map(of_state).collect::<Vec<_>>()
    };
    if let Some(event_type) = &filter.event_type {
        let partitions = buckets(format!("#{}", in_key(event_type)));
        return Ok(Plan { by: By::Type, partitions, range, is_search: has_words || filter.class.is_some() });
    }
    if filter.class.is_some() {
        // A class has its groups, and each group its partitions.
        let all = index.counts().await?;
        let mut groups: Vec<_> = all.iter().filter(|count| counts(filter, count)).collect();
        groups.sort_by(|a, b| (a.state, &a.fingerprint).cmp(&(b.state, &b.fingerprint)));
        groups.dedup_by(|a, b| a.state == b.state && a.fingerprint == b.fingerprint);
        let partitions = groups
            .iter()
            .flat_map(|count| group_partitions(&count.fingerprint, &[count.state.as_str()], shards));
        return Ok(Plan { by: By::Group, partitions: partitions.collect(), range, is_search: has_words });
    }
    Ok(Plan { by: By::Time, partitions: buckets(String::new()), range, is_search: has_words })
}

fn range(filter: &DeadLetterFilter) -> Option<Range> {
    let whole = Range::default();
    let from = filter.from.map_or(whole.from, time_key);
    let to = filter.to.map_or(whole.to, time_key);
    (from <= to).then_some(Range { from, to })
}

pub(crate) fn matches(filter: &DeadLetterFilter, entry: &Entry) -> bool {
    let time = time_key(entry.archived_at);
    (filter.states.is_empty() || filter.states.contains(&entry.state.status()))
        && filter.fingerprint.as_ref().is_none_or(|fingerprint| *fingerprint == entry.fingerprint)
        && filter.class.is_none_or(|class| class == entry.class)
        && filter
            .event_type
            .as_deref()
            .is_none_or(|name| entry.event_type.as_ref().map(EventType::as_str) == Some(name))
        && filter.from.is_none_or(|from| time >= time_key(from))
        && filter.to.is_none_or(|to| time < time_key(to))
        && filter.contains.as_ref().is_none_or(|words| {
            let event_id = entry.event_id.as_deref().unwrap_or_default();
            SearchWords::new(words).are_in([entry.message.as_str(), event_id, entry.id.as_str()])
        })
}

/// The result of a search.
#[derive(Default)]
pub(crate) struct Matches {
    /// The newest that match, as many as were wanted.
    pub entries: Vec<Entry>,
    /// All that match among those that were read.
    pub count: u64,
    /// All that were read and do not match.
    pub left_out: u64,
    /// The last that was read.
    pub last: Option<String>,
    /// Whether there is nothing after it.
    pub is_all: bool,
}

/// How far to search.
#[derive(Clone, Copy, Default)]
pub(crate) struct Extent {
    /// As many entries are wanted.
    pub want: usize,
    /// After that the search only counts, until it has read this number of entries.
    pub examine: usize,
    /// Whether to stop at the first entries that do not match.
    pub only_matches: bool,
}

/// Looks at the letters of a plan, newest first, from after a key on.
pub(crate) async fn search(
    index: &Index,
    filter: &DeadLetterFilter,
    plan: &Plan,
    after: Option<&str>,
    extent: Extent,
) -> Result<Matches, CallError> {
    let mut found = Matches::default();
    let Some(mut range) = plan.range.clone() else {
        return Ok(Matches { is_all: true, ..found });
    };
    if let Some(after) = after
        && after < range.to.as_str()
    {
        range.to = after.to_owned();
    }
    if range.from > range.to {
        return Ok(Matches { is_all: true, ..found });
    }
    if extent.want == 0 && extent.examine == 0 {
        return Ok(found);
    }
    let mut walk = Walk::new(index, plan.by, &plan.partitions, range).await?;
    let mut examined = 0;
    loop {
        let missing = extent.want.saturating_sub(found.entries.len());
        let step = if missing > 0 && !plan.is_search {
            missing.min(READ_AT_ONCE)
        } else if missing > 0 || examined < extent.examine {
            READ_AT_ONCE
        } else {
            return Ok(found);
        };
        if examined >= MAX_EXAMINED && plan.is_search {
            return Ok(found);
        }
        let keys = walk.take(step).await?;
        if keys.is_empty() {
            found.is_all = true;
            return Ok(found);
        }
        examined += keys.len();
        found.last = keys.last().map(|key| key.archived_key.clone());
        let ids: Vec<_> = keys
            .iter()
            .filter(|key| Some(key.archived_key.as_str()) != after)
            .map(super::walk::Found::id)
            .collect();
        let mut entries = index.entries(&ids).await?;
        for entry in ids.iter().filter_map(|id| entries.remove(id)) {
            if matches(filter, &entry) {
                found.count += 1;
                if found.entries.len() < extent.want {
                    found.entries.push(entry);
                }
            } else {
                found.left_out += 1;
            }
        }
        if extent.only_matches && found.left_out > 0 {
            return Ok(found);
        }
    }
}
