//! Reads the data of the list.

use super::{Filters, Shown, Why, carried};
use crate::context::Page;
use jiff::Timestamp;
use spillway_core::{
    dead_letter::{self, DeadLetter, DeadLetterGroup},
    failure::Reason,
    ids::{Fingerprint, MessageId},
    ports::ArchiveError,
};
use spillway_dashboard_charts::sparkline;
use spillway_dashboard_model::Reads;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Messages on one page of the list.
pub const PAGE: usize = 50;
/// Groups on one page of the list.
pub const GROUPS: usize = 20;
/// The parameter of the URL with the place in the list of groups.
pub const GROUPS_AFTER: &str = "groups";
/// With more messages than this, small charts would make the page slow.
const MAX_IN_SPARKS: u64 = 20_000;
/// Points of a group's small chart.
const SPARK_POINTS: i64 = 16;

/// The data of the page.
pub struct List {
    /// The filters of the page.
    pub filters: Filters,
    /// The query for links to single messages.
    pub carried: String,
    /// One page of the groups that match, largest first.
    pub groups: dead_letter::Page<DeadLetterGroup>,
    /// The largest group; `None` if it is on another page.
    pub largest: Option<DeadLetterGroup>,
    /// One page of the messages.
    pub page: dead_letter::Page<DeadLetter>,
    /// The number of dead letters in each state. With filters, only the shown state has a number, because each count
    /// would read the whole archive.
    pub counts: Vec<(Shown, Option<u64>)>,
    /// How many more match without the range.
    pub outside: u64,
    /// The reason why a group's newest message would fail again; `None` if it passes the checks.
    pub forecasts: HashMap<MessageId, Option<Reason>>,
    /// A small chart for each group: when its messages were dead-lettered. With more than one page of groups there are none.
    pub sparks: HashMap<Fingerprint, String>,
    /// Why the newest message of the chosen group failed.
    pub why: Option<Why>,
    /// The options of the type filter.
    pub types: BTreeSet<String>,
    /// When the last replay ended, shown if no dead letter waits.
    pub last_replay: Option<Timestamp>,
}

impl List {
    pub async fn read(page: &Page, reads: &Reads) -> Result<Self, ArchiveError> {
        let filters = Filters::of(page);
        let filter = filters.to_list_filter(page);
        let groups_after = page.parameter(GROUPS_AFTER);
        let groups = dead_letter::Page::clone(&*reads.groups(&filter, groups_after, GROUPS).await?);
        let largest = groups.items.first().filter(|_| groups_after.is_none()).cloned();
        // A search looks at every dead letter. If it found no group, a second look finds no message.
        let list = match filter.contains.is_some() && groups.total == 0 {
            true => dead_letter::Page { items: Vec::new(), total: 0, next: None },
            false => dead_letter::Page::clone(&*reads.list(&filter, page.parameter("after"), PAGE).await?),
        };
        let mut counts = Vec::with_capacity(Shown::EVERY.len());
        for shown in Shown::EVERY.iter().copied() {
            let count = match shown == filters.shown {
                true => Some(list.total),
                false if filters.is_narrow() => None,
                false => Some(reads.count(&Filters { shown, ..Filters::default() }.to_filter()).await?),
            };
            counts.push((shown, count));
        }
        let outside = if filters.from.is_some() || filters.to.is_some() {
            let unlimited = Filters { from: None, to: None, ..filters.clone() };
            reads.count(&unlimited.to_filter()).await?.saturating_sub(list.total)
        } else {
            0
        };
        let waiting = [Shown::Waiting, Shown::All].contains(&filters.shown);
        let forecasts = if waiting { forecasts(reads, &groups.items).await? } else { HashMap::new() };
        let sparks = match reads.limits().sparks {
            true => sparks(reads, &filters, &groups, page.now).await?,
            false => HashMap::new(),
        };
        let mut types: BTreeSet<String> = list
            .items
            .iter()
            .filter_map(|letter| letter.event_type.as_ref())
            .map(ToString::to_string)
            .collect();
        types.extend(
            groups.items.iter().filter_map(|group| group.event_type.as_ref()).map(ToString::to_string),
        );
        let why = match groups.items.first().filter(|_| filters.group.is_some()) {
            Some(group) => Why::of_group(group, &filter, reads).await?,
            None => None,
        };
        let last_replay = if groups.total == 0 { last_replay(reads).await? } else { None };
        Ok(Self {
            filters,
            carried: carried(page),
            groups,
            largest,
            page: list,
            counts,
            outside,
            forecasts,
            sparks,
            why,
            types,
            last_replay,
        })
    }
}

async fn last_replay(reads: &Reads) -> Result<Option<Timestamp>, ArchiveError> {
    Ok(reads.replays(1).await?.first().and_then(|replay| replay.ended_at))
}

async fn forecasts(
    reads: &Reads,
    groups: &[DeadLetterGroup],
) -> Result<HashMap<MessageId, Option<Reason>>, ArchiveError> {
    let checked = groups.iter().take(reads.limits().checked_groups);
    let examples: Vec<MessageId> = checked.map(|group| group.example.clone()).collect();
    let forecasts = reads.forecasts(&examples).await?;
    Ok(forecasts.into_iter().map(|forecast| (forecast.id, forecast.would_fail)).collect())
}

/// Counts each group's messages by time, from the first message to now, if all groups are on one page.
async fn sparks(
    reads: &Reads,
    filters: &Filters,
    groups: &dead_letter::Page<DeadLetterGroup>,
    now: Timestamp,
) -> Result<HashMap<Fingerprint, String>, ArchiveError> {
    if groups.total != groups.items.len() as u64 {
        return Ok(HashMap::new());
    }
    let groups = &groups.items;
    let total: u64 = groups.iter().map(|group| group.count).sum();
    let Some(first) = groups.iter().map(|group| group.first_at).min() else { return Ok(HashMap::new()) };
    let Some(buckets) = buckets(first, filters.to.unwrap_or(now)) else { return Ok(HashMap::new()) };
    if total > MAX_IN_SPARKS {
        return Ok(HashMap::new());
    }
    let mut points: BTreeMap<Fingerprint, Vec<Option<f64>>> = BTreeMap::new();
    for (index, (from, to)) in buckets.into_iter().enumerate() {
        let bucket = Filters { from: Some(from), to: Some(to), ..filters.clone() };
        for group in &reads.groups(&bucket.to_filter(), None, GROUPS).await?.items {
            let line = points
                .entry(group.fingerprint.clone())
                .or_insert_with(|| vec![Some(0.0); SPARK_POINTS as usize]);
            line[index] = Some(group.count as f64);
        }
    }
    Ok(points.into_iter().map(|(group, line)| (group, sparkline(&line, 96, 20))).collect())
}

/// Equal intervals from the first to the last time, including the last; `None` if they would be shorter than a second.
fn buckets(first: Timestamp, last: Timestamp) -> Option<Vec<(Timestamp, Timestamp)>> {
    let (from, to) = (first.as_second(), last.as_second() + 1);
    let step = (to - from).checked_div(SPARK_POINTS).filter(|step| *step >= 1)? + 1;
    // From the end backwards, so that the last interval has full length.
    let end = |index: i64| Timestamp::from_second(to - (SPARK_POINTS - index) * step).ok();
    (0..SPARK_POINTS).map(|index| Some((end(index)?, end(index + 1)?))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_charts_cover_the_whole_time() {
        let [first, last] = ["2026-03-10T13:40:00Z", "2026-03-10T14:05:00.5Z"].map(|at| at.parse().unwrap());
        let buckets = buckets(first, last).unwrap();
        assert_eq!(buckets.len(), SPARK_POINTS as usize);
        assert!(buckets[0].0 <= first && buckets.last().unwrap().1 > last);
        assert!(buckets.windows(2).all(|pair| pair[0].1 == pair[1].0));
        assert_eq!(super::buckets(first, first), None, "one time has no chart");
    }
}
