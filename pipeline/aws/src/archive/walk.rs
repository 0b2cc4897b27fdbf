//! Walking through the index: many partitions, each sorted, as one list with the newest first.

use super::entry::EVERY_STATE;
use super::index::Index;
use crate::call_error::{CallError, call_error};
use crate::dynamo::item::{Item, text, text_of};
use aws_sdk_dynamodb::types::Select;
use futures::{StreamExt, TryStreamExt, stream};
use spillway_core::ids::MessageId;
use std::collections::{HashMap, VecDeque};

/// Queries that are under way at once.
const QUERIES_AT_ONCE: usize = 32;
/// Keys that one query asks for at least: a page of about 20 KB.
const FEWEST: usize = 16;
/// Keys that one query asks for if so many letters are taken at once: a page of about 300 KB. Who takes that many takes more.
const MOST: usize = 1_500;
const MANY: usize = 400;

/// Pages of a scan at most. The keys of [`super::index::FEW`] letters are on four.
const PAGES: usize = 5;

/// One of the table's indexes: all letters, or all of a state, of a group, or of a type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum By {
    Age,
    Time,
    Group,
    Type,
}

impl By {
    fn index(self) -> &'static str {
        match self {
            Self::Age => "by_age",
            Self::Time => "by_time",
            Self::Group => "by_group",
            Self::Type => "by_type",
        }
    }

    fn partition_key(self) -> &'static str {
        match self {
            Self::Age => "age_bucket",
            Self::Time => "time_bucket",
            Self::Group => "group_bucket",
            Self::Type => "type_bucket",
        }
    }
}

/// Which keys: from one to another, both included. Keys are times with ids, so any text that sorts between will do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Range {
    pub from: String,
    pub to: String,
}

impl Default for Range {
    /// All of them: a key begins with a digit.
    fn default() -> Self {
        Self { from: "0".to_owned(), to: "~".to_owned() }
    }
}

/// A dead letter's key in every index.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Found {
    pub archived_key: String,
}

impl Found {
    pub fn id(&self) -> MessageId {
        let id = self.archived_key.split_once('#').map_or("", |(_, id)| id);
        MessageId::new(id)
    }
}

/// The keys of all letters by partition, newest first: the partitions of [`By::Age`], [`By::Time`] and [`By::Group`].
pub(crate) type Keys = HashMap<String, Vec<Found>>;

/// Reads the keys of all letters; `None` if they are on too many pages, or if the caller may not scan.
///
/// # Errors
/// The scan failed, and its next try may not.
pub(crate) async fn scan(index: &Index) -> Result<Option<Keys>, CallError> {
    let call = index.client().scan().table_name(&index.names().table).index_name(By::Group.index());
    let mut pages = call.into_paginator().send();
    let (mut keys, mut read) = (Keys::new(), 0);
    while let Some(page) = pages.next().await {
        let page = match page.map_err(|error| call_error("Scan", &error)) {
            Ok(page) => page,
            Err(error) if error.decision.is_retryable() => return Err(error),
            Err(error) => {
                tracing::debug!(%error, "the keys of dead letters are read by partition, because a scan was refused");
                return Ok(None);
            }
        };
        read += 1;
        if read == PAGES && page.last_evaluated_key.is_some() {
            return Ok(None);
        }
        page.items().iter().try_for_each(|item| add(&mut keys, item)).ok_or_else(|| {
            CallError::contradiction("an index has a key of a dead letter that can't be read")
        })?;
    }
    keys.values_mut().for_each(|keys| keys.sort_unstable_by(|a, b| b.cmp(a)));
    Ok(Some(keys))
}

/// Adds the key in an item of [`By::Group`].
fn add(keys: &mut Keys, item: &Item) -> Option<()> {
    let group = text_of(item, By::Group.partition_key())?;
    let found = Found { archived_key: text_of(item, "archived_key")?.to_owned() };
    // `STATE#FINGERPRINT#SHARD`, of which follow `STATE#SHARD` and `all#SHARD`.
    let (state, shard) = (group.split_once('#')?.0, group.rsplit_once('#')?.1);
    for partition in [format!("{EVERY_STATE}#{shard}"), format!("{state}#{shard}"), group.to_owned()] {
        keys.entry(partition).or_default().push(found.clone());
    }
    Some(())
}

/// Those in a partition that are in a range, newest first.
fn within<'k>(
    keys: &'k Keys,
    partition: &String,
    range: &Range,
) -> impl DoubleEndedIterator<Item = &'k Found> {
    let is_in = |found: &&Found| found.archived_key >= range.from && found.archived_key <= range.to;
    keys.get(partition).into_iter().flatten().filter(is_in)
}

/// A list of the letters in some partitions of one index, newest first.
pub(crate) struct Walk<'i> {
    index: &'i Index,
    by: By,
    range: Range,
    partitions: Vec<Partition>,
}

struct Partition {
    name: String,
    read: VecDeque<Found>,
    next: Option<Item>,
    is_read: bool,
}

impl<'i> Walk<'i> {
    /// Begins at the newest.
    pub async fn new(
        index: &'i Index,
        by: By,
        partitions: &[String],
        range: Range,
    ) -> Result<Self, CallError> {
        let keys = index.keys(by).await?;
        let partition = |name: &String| Partition {
            name: name.clone(),
            read: keys.iter().flat_map(|keys| within(keys, name, &range)).cloned().collect(),
            next: None,
            is_read: keys.is_some(),
        };
        let partitions = partitions.iter().map(partition).collect();
        Ok(Self { index, by, range, partitions })
    }

    /// The next ones; fewer than requested only at the end.
    pub async fn take(&mut self, count: usize) -> Result<Vec<Found>, CallError> {
        let mut taken = Vec::with_capacity(count.min(1000));
        while taken.len() < count {
            let each = (count - taken.len()).div_ceil(self.partitions.len().max(1)) * 2;
            self.read_on(if count >= MANY { MOST } else { each }).await?;
            let Some(newest) = self
                .partitions
                .iter_mut()
                .filter(|p| !p.read.is_empty())
                .max_by(|a, b| a.read.front().cmp(&b.read.front()))
            else {
                break;
            };
            taken.extend(newest.read.pop_front());
        }
        Ok(taken)
    }

    /// Reads on in each partition of which nothing is left in memory.
    async fn read_on(&mut self, count: usize) -> Result<(), CallError> {
        let (index, by, range) = (self.index, self.by, &self.range);
        loop {
            let empty = self.partitions.iter_mut().filter(|partition| partition.wants_more());
            let reads: Vec<_> =
                empty.map(|partition| read(index, by, range, partition, count.max(FEWEST))).collect();
            if reads.is_empty() {
                return Ok(());
            }
            stream::iter(reads).buffer_unordered(QUERIES_AT_ONCE).try_collect::<Vec<()>>().await?;
        }
    }
}

impl Partition {
    fn wants_more(&self) -> bool {
        self.read.is_empty() && !self.is_read
    }
}

async fn read(
    index: &Index,
    by: By,
    range: &Range,
    partition: &mut Partition,
    count: usize,
) -> Result<(), CallError> {
    let output = query(index, by, &partition.name, range)
        .scan_index_forward(false)
        .limit(i32::try_from(count).unwrap_or(i32::MAX))
        .set_exclusive_start_key(partition.next.take())
        .send()
        .await
        .map_err(|error| call_error("Query", &error))?;
    let keys = output.items().iter().filter_map(|item| text_of(item, "archived_key"));
    partition.read.extend(keys.map(|key| Found { archived_key: key.to_owned() }));
    partition.next = output.last_evaluated_key;
    partition.is_read = partition.next.is_none();
    Ok(())
}

/// How many letters are in partitions of an index.
pub(crate) async fn count(
    index: &Index,
    by: By,
    partitions: &[String],
    range: &Range,
) -> Result<u64, CallError> {
    if let Some(keys) = index.keys(by).await? {
        let count = |partition| within(&keys, partition, range).count() as u64;
        return Ok(partitions.iter().map(count).sum());
    }
    let counts: Vec<u64> = stream::iter(0..partitions.len())
        .map(|position| count_one(index, by, &partitions[position], range))
        .buffer_unordered(QUERIES_AT_ONCE)
        .try_collect()
        .await?;
    Ok(counts.into_iter().sum())
}

async fn count_one(index: &Index, by: By, partition: &str, range: &Range) -> Result<u64, CallError> {
    let mut pages = query(index, by, partition, range).select(Select::Count).into_paginator().send();
    let mut count = 0;
    while let Some(page) = pages.next().await {
        count += u64::try_from(page.map_err(|error| call_error("Query", &error))?.count).unwrap_or(0);
    }
    Ok(count)
}

/// An end of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    Oldest,
    Newest,
}

impl End {
    /// The one of these that is at this end.
    pub fn of<T: Ord>(self, found: impl Iterator<Item = T>) -> Option<T> {
        match self {
            Self::Oldest => found.min(),
            Self::Newest => found.max(),
        }
    }
}

/// The letter at an end of partitions of an index.
pub(crate) async fn end(
    index: &Index,
    by: By,
    partitions: &[String],
    range: &Range,
    end: End,
) -> Result<Option<Found>, CallError> {
    if let Some(keys) = index.keys(by).await? {
        let found = partitions.iter().flat_map(|partition| within(&keys, partition, range));
        return Ok(end.of(found).cloned());
    }
    let found: Vec<Option<Found>> = stream::iter(0..partitions.len())
        .map(|position| end_of_one(index, by, &partitions[position], range, end))
        .buffer_unordered(QUERIES_AT_ONCE)
        .try_collect()
        .await?;
    Ok(end.of(found.into_iter().flatten()))
}

async fn end_of_one(
    index: &Index,
    by: By,
    partition: &str,
    range: &Range,
    end: End,
) -> Result<Option<Found>, CallError> {
    let call = query(index, by, partition, range).scan_index_forward(end == End::Oldest).limit(1);
    let output = call.send().await.map_err(|error| call_error("Query", &error))?;
    let key = output.items().first().and_then(|item| text_of(item, "archived_key"));
    Ok(key.map(|key| Found { archived_key: key.to_owned() }))
}

fn query(
    index: &Index,
    by: By,
    partition: &str,
    range: &Range,
) -> aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder {
    index
        .client()
        .query()
        .table_name(&index.names().table)
        .index_name(by.index())
        .key_condition_expression("#p = :p AND archived_key BETWEEN :from AND :to")
        .expression_attribute_names("#p", by.partition_key())
        .expression_attribute_values(":p", text(partition))
        .expression_attribute_values(":from", text(range.from.as_str()))
        .expression_attribute_values(":to", text(range.to.as_str()))
}
