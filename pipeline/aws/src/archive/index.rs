//! The index of dead letters: its entries, and the counters and the ends of groups beside them.

use super::entry::{COUNTS, Entry, count_item_key, event_key, key, letter_id, shard};
use super::search::Matches;
use super::walk::{self, By, Keys};
use super::{IndexNames, ends};
use crate::call_error::{CallError, call_error};
use crate::dynamo::batch;
use crate::dynamo::item::{Item, item as dynamo_item, number, number_of, text, text_of};
use crate::dynamo::transact::{Action, Change, TransactionError, transact};
use crate::kept::Kept;
use aws_sdk_dynamodb::Client;
use futures::{StreamExt, stream};
use jiff::SignedDuration;
use spillway_core::dead_letter::{DeadLetterFilter, DeadLetterStatus};
use spillway_core::failure::FailureClass;
use spillway_core::ids::{EventId, Fingerprint, MessageId};
use spillway_core::ports::Clock;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

/// Dead letters in one transaction. With its replay's items each takes three actions. Each may also need a
/// counter of the state it leaves and one of the state it enters. New ones may need the counter of foreign letters. Discards
/// have an entry of the audit log for each instead of the replay's items. DynamoDB allows 100 actions.
pub(crate) const LETTERS_AT_ONCE: usize = 18;
/// The counter of letters that were put into a queue past the API.
const FOREIGN: &str = "foreign";
/// The keys of so many letters are read by a scan of few pages. With more, a query for each partition reads less.
pub(crate) const FEW: u64 = 20_000;
/// Transactions that are under way at once for one order.
pub(crate) const TRANSACTIONS_AT_ONCE: usize = 4;

/// The index in its table.
#[derive(Clone)]
pub(crate) struct Index {
    client: Client,
    names: IndexNames,
    recent: Option<Arc<Recent>>,
}

/// What was read a moment ago.
struct Recent {
    counters: Kept<Counters>,
    /// The keys of all letters; `None` in it if they are too many.
    keys: Kept<Option<Arc<Keys>>>,
    searched: Kept<Arc<Matches>, DeadLetterFilter>,
}

/// A dead letter before and after.
pub(crate) type Step = (Entry, Entry);

/// All counters, the parts of each summed up.
#[derive(Clone)]
struct Counters {
    counts: Arc<Vec<Count>>,
    /// Letters that were put into a queue past the API.
    foreign: u64,
}

/// One line of the counters: dead letters of one state, fingerprint and type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Count {
    pub state: DeadLetterStatus,
    pub fingerprint: Fingerprint,
    /// Empty for letters without a type.
    pub event_type: String,
    pub class: FailureClass,
    pub count: u64,
}

impl Index {
    pub fn new(client: Client, names: IndexNames) -> Self {
        Self { client, names, recent: None }
    }

    /// Reads the counters again after `keep`. Writes through this index, or a clone of it, are seen at once.
    pub fn keeping_counts(self, clock: Arc<dyn Clock>, keep: SignedDuration) -> Self {
        let recent = Recent {
            counters: Kept::new(Arc::clone(&clock), keep),
            keys: Kept::new(Arc::clone(&clock), keep),
            searched: Kept::new(clock, keep),
        };
        Self { recent: Some(Arc::new(recent)), ..self }
    }

    pub fn client(&self) -> &Client {
        &self.client
    }

    pub fn names(&self) -> &IndexNames {
        &self.names
    }

    pub async fn entry(&self, id: &MessageId) -> Result<Option<Entry>, CallError> {
        let call = self.client.get_item().table_name(&self.names.table).set_key(Some(key(id)));
        let output =
            call.consistent_read(true).send().await.map_err(|error| call_error("GetItem", &error))?;
        Ok(output.item.as_ref().and_then(Entry::read))
    }

    /// Entries by their ids; those that aren't there are left out.
    pub async fn entries(&self, ids: &[MessageId]) -> Result<HashMap<MessageId, Entry>, CallError> {
        let distinct: HashSet<_> = ids.iter().collect();
        let keys = distinct.into_iter().map(key).collect();
        let items = batch::get_all(&self.client, &self.names.table, keys).await?;
        Ok(items.iter().filter_map(Entry::read).map(|entry| (entry.id.clone(), entry)).collect())
    }

    /// The letters of an event, newest first.
    pub async fn of_event(&self, id: &EventId) -> Result<Vec<MessageId>, CallError> {
        // An index has no empty keys, and an event no empty id.
        if id.as_str().is_empty() {
            return Ok(Vec::new());
        }
        let mut items = self
            .client
            .query()
            .table_name(&self.names.table)
            .index_name("by_event")
            .scan_index_forward(false)
            .key_condition_expression("event_id = :id")
            .expression_attribute_values(":id", text(event_key(id.as_str())))
            .into_paginator()
            .items()
            .send();
        let mut ids = Vec::new();
        while let Some(item) = items.next().await {
            let item = item.map_err(|error| call_error("Query", &error))?;
            ids.extend(text_of(&item, "pk").and_then(letter_id));
        }
        Ok(ids)
    }

    /// Adds new entries, all or none. The ids are distinct, and at most [`LETTERS_AT_ONCE`].
    pub async fn insert(&self, entries: &[Entry]) -> Result<(), TransactionError> {
        transact(&self.client, |tries| self.inserts(entries, tries)).await?;
        self.written(entries).await;
        Ok(())
    }

    /// What adds new entries, in this order; then what their counters need. [`Self::written`] follows the transaction.
    pub fn inserts(&self, entries: &[Entry], tries: usize) -> Vec<Action> {
        let insert = |entry: &Entry| Action::Insert {
            table: self.names.table.clone(),
            item: entry.item(self.names.shards),
            absent: "pk",
        };
        let mut actions: Vec<_> = entries.iter().map(insert).collect();
        actions.extend(self.counting(entries.iter().map(|entry| (entry, 1)), tries));
        actions.extend(self.counting_foreign(entries, tries));
        actions
    }

    /// Counts letters that were put into a queue past the API. They stay counted whatever becomes of them.
    fn counting_foreign(&self, entries: &[Entry], tries: usize) -> Option<Action> {
        let count = i64::try_from(entries.iter().filter(|entry| entry.is_foreign).count()).unwrap_or(0);
        let part = self.part(&entries.first()?.id, tries);
        let change = Change::default().add("n", count);
        (count > 0).then(|| Action::Change {
            table: self.names.table.clone(),
            key: count_item_key(part, FOREIGN),
            change,
        })
    }

    /// What turns entries into others, in this order; then what their counters need. [`Self::written`] follows the
    /// transaction.
    pub fn steps(&self, steps: &[Step], tries: usize) -> Vec<Action> {
        let change = |(before, after): &Step| Action::Change {
            table: self.names.table.clone(),
            key: key(&before.id),
            change: after.replace(before, self.names.shards),
        };
        let mut actions: Vec<_> = steps.iter().map(change).collect();
        let counted = steps.iter().flat_map(|(before, after)| [(before, -1), (after, 1)]);
        actions.extend(self.counting(counted, tries));
        actions
    }

    /// Changes of counters. A count is the sum of its parts, so any part of a counter will do. The first
    /// letter decides which one. A retry takes another part, so that transactions that collided at one part
    /// don't collide again.
    fn counting<'e>(&self, entries: impl Iterator<Item = (&'e Entry, i64)>, tries: usize) -> Vec<Action> {
        let mut sums: BTreeMap<String, (i64, FailureClass)> = BTreeMap::new();
        let mut part = None;
        for (entry, by) in entries {
            part.get_or_insert_with(|| self.part(&entry.id, tries));
            sums.entry(entry.count_key()).or_insert((0, entry.class)).0 += by;
        }
        let part = part.unwrap_or(0);
        let count = |(name, (by, class)): (String, (i64, FailureClass))| Action::Change {
            table: self.names.table.clone(),
            key: count_item_key(part, &name),
            change: Change::default().add("n", by).set("class", text(class.as_str())),
        };
        sums.into_iter().filter(|(_, (by, _))| *by != 0).map(count).collect()
    }

    /// Which part of the counters a transaction takes.
    pub fn part(&self, first: &MessageId, tries: usize) -> u32 {
        let shards = self.names.shards.max(1);
        (shard(first, shards) + u32::try_from(tries).unwrap_or(0)) % shards
    }

    /// Takes many steps, with the actions that belong to each chunk of them. Returns the steps that were
    /// taken. A letter that another writer changed meanwhile is left alone.
    ///
    /// # Errors
    /// Nothing was taken. If some steps were taken, the failed ones are only logged, and can be requested
    /// again.
    pub async fn take(
        &self,
        steps: Vec<Step>,
        with: impl Fn(&[Step], usize) -> Vec<Action> + Send + Sync,
    ) -> Result<Vec<Entry>, CallError> {
        let chunks: Vec<_> = steps.chunks(LETTERS_AT_ONCE).map(<[Step]>::to_vec).collect();
        let with = &with;
        let results: Vec<_> = stream::iter(chunks)
            .map(|chunk| self.take_chunk(chunk, with))
            .buffered(TRANSACTIONS_AT_ONCE)
            .collect()
            .await;
        let mut taken = Vec::new();
        let mut last_error = None;
        for result in results {
            match result {
                Ok(some) => taken.extend(some),
                Err(error) => last_error = Some(error),
            }
        }
        match last_error {
            Some(error) if taken.is_empty() => Err(error),
            Some(error) => {
                tracing::warn!(error = %error, done = taken.len(), "an order for many dead letters was only partly done");
                Ok(taken)
            }
            None => Ok(taken),
        }
    }

    /// Takes some steps at once.
    pub async fn take_chunk(
        &self,
        mut steps: Vec<Step>,
        with: impl Fn(&[Step], usize) -> Vec<Action> + Send + Sync,
    ) -> Result<Vec<Entry>, CallError> {
        while !steps.is_empty() {
            let actions = |tries| {
                let mut actions = self.steps(&steps, tries);
                actions.extend(with(&steps, tries));
                actions
            };
            match transact(&self.client, actions).await {
                Ok(()) => break,
                Err(TransactionError::Conditions(failed))
                    if failed.iter().any(|&position| position < steps.len()) =>
                {
                    let mut position = 0;
                    steps.retain(|_| {
                        position += 1;
                        !failed.contains(&(position - 1))
                    });
                }
                Err(TransactionError::Conditions(_)) => {
                    return Err(CallError::contradiction(
                        "the log of a replay has another state for one of its messages",
                    ));
                }
                Err(TransactionError::Call(error)) if error.decision.may_have_happened() => {
                    return self.happened(steps, error).await;
                }
                Err(TransactionError::Call(error)) => return Err(error),
            }
        }
        let taken: Vec<Entry> = steps.into_iter().map(|(_, after)| after).collect();
        self.written(&taken).await;
        Ok(taken)
    }

    /// After a transaction whose connection broke: finds out from the current items whether it was done.
    async fn happened(&self, steps: Vec<Step>, error: CallError) -> Result<Vec<Entry>, CallError> {
        let ids: Vec<_> = steps.iter().map(|(_, after)| after.id.clone()).collect();
        let now = self.entries(&ids).await?;
        if steps.iter().all(|(_, after)| now.get(&after.id) == Some(&after.written())) {
            Ok(steps.into_iter().map(|(_, after)| after).collect())
        } else {
            Err(error)
        }
    }

    /// What follows a transaction that wrote these entries.
    pub async fn written(&self, entries: &[Entry]) {
        ends::note(self, entries).await;
        self.forget().await;
    }

    /// What follows an order of an operator that took letters out of a state. These are their entries before it.
    pub async fn left(&self, entries: &[Entry]) {
        ends::left(self, entries).await;
    }

    /// What follows a transaction that wrote entries and left each within the ends that are noted.
    pub async fn forget(&self) {
        if let Some(recent) = &self.recent {
            recent.counters.forget().await;
            recent.keys.forget().await;
            recent.searched.forget().await;
        }
    }

    /// How many letters each counter has.
    pub async fn counts(&self) -> Result<Arc<Vec<Count>>, CallError> {
        Ok(self.counters().await?.counts)
    }

    /// How many letters were put into a queue past the API.
    pub async fn foreign(&self) -> Result<u64, CallError> {
        Ok(self.counters().await?.foreign)
    }

    async fn counters(&self) -> Result<Counters, CallError> {
        match &self.recent {
            Some(recent) => recent.counters.get(self.read_counters()).await,
            None => self.read_counters().await,
        }
    }

    /// The keys of all letters, if they are few. Then a page costs one scan, and not a query for each partition of each state
    /// and group.
    pub async fn keys(&self, by: By) -> Result<Option<Arc<Keys>>, CallError> {
        let Some(recent) = self.recent.as_ref().filter(|_| by != By::Type) else { return Ok(None) };
        let read = async {
            let letters: u64 = self.counts().await?.iter().map(|count| count.count).sum();
            Ok(if letters <= FEW { walk::scan(self).await?.map(Arc::new) } else { None })
        };
        recent.keys.get(read).await
    }

    async fn read_counters(&self) -> Result<Counters, CallError> {
        let parts = self.count_items().await?;
        let mut sums: BTreeMap<String, (i64, FailureClass)> = BTreeMap::new();
        for item in &parts {
            let name = text_of(item, "sk").and_then(|key| key.split_once('#'));
            let (Some((_, name)), Some(n)) = (name, number_of(item, "n")) else { continue };
            let class = text_of(item, "class").and_then(FailureClass::parse);
            let sum = sums.entry(name.to_owned()).or_insert((0, FailureClass::ConsumerCrash));
            *sum = (sum.0 + n, class.unwrap_or(sum.1));
        }
        let foreign = sums.remove(FOREIGN).map_or(0, |(n, _)| u64::try_from(n).unwrap_or(0));
        let counts = sums.into_iter().filter_map(|(name, (n, class))| count(&name, n, class)).collect();
        Ok(Counters { counts: Arc::new(counts), foreign })
    }

    /// The result of a search of letters one by one. A page asks for a list and for the groups of the same search.
    pub async fn searched(
        &self,
        filter: &DeadLetterFilter,
        search: impl Future<Output = Result<Matches, CallError>>,
    ) -> Result<Arc<Matches>, CallError> {
        let search = async { search.await.map(Arc::new) };
        match &self.recent {
            Some(recent) => recent.searched.answer(filter.clone(), search).await,
            None => search.await,
        }
    }

    async fn count_items(&self) -> Result<Vec<Item>, CallError> {
        self.items_of(COUNTS).await
    }

    /// Adds what the counters of an older version say to those that are read now. These had a partition for each part. Each
    /// is emptied in the transaction that adds it, so none counts twice, and a function of the older version that still runs
    /// loses no count: the next call adds that.
    pub async fn adopt_counts(&self) -> Result<(), CallError> {
        let table = &self.names.table;
        for part in 0..self.names.shards.max(1) {
            let partition = format!("count#{part}");
            for item in self.items_of(&partition).await? {
                let (Some(name), Some(n)) = (text_of(&item, "sk"), number_of(&item, "n")) else { continue };
                if n == 0 {
                    continue;
                }
                let emptied = Action::Change {
                    table: table.clone(),
                    key: dynamo_item([("pk", text(partition.as_str())), ("sk", text(name))]),
                    change: Change::default().set("n", number(0)).if_is("n", number(n)),
                };
                let class = item.get("class").cloned();
                let added = Change::default().add("n", n);
                let added = Action::Change {
                    table: table.clone(),
                    key: count_item_key(part, name),
                    change: class.into_iter().fold(added, |change, class| change.set("class", class)),
                };
                match transact(&self.client, |_| vec![emptied.clone(), added.clone()]).await {
                    // Another program changed it meanwhile, or adopted it too: what is left is for the next call.
                    Ok(()) | Err(TransactionError::Conditions(_)) => {}
                    Err(TransactionError::Call(error)) => return Err(error),
                }
            }
        }
        self.forget().await;
        Ok(())
    }

    async fn items_of(&self, partition: &str) -> Result<Vec<Item>, CallError> {
        let pages = self
            .client
            .query()
            .table_name(&self.names.table)
            .key_condition_expression("pk = :pk")
            .expression_attribute_values(":pk", text(partition))
            .consistent_read(true)
            .into_paginator()
            .items()
            .send();
        pages.collect::<Result<Vec<_>, _>>().await.map_err(|error| call_error("Query", &error))
    }
}

fn count(name: &str, n: i64, class: FailureClass) -> Option<Count> {
    let mut parts = name.splitn(3, '#');
    Some(Count {
        state: parts.next()?.parse().ok()?,
        fingerprint: Fingerprint::new(parts.next()?),
        event_type: parts.next()?.to_owned(),
        class,
        count: u64::try_from(n).ok().filter(|n| *n > 0)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fake::FakeAws;
    use crate::testing::letter;

    #[tokio::test]
    async fn counts_of_an_older_version_are_adopted_once() {
        let fake = FakeAws::new();
        let names = IndexNames { table: "index".to_owned(), ops_table: "ops".to_owned(), shards: 8 };
        let index = Index::new(fake.clients().dynamodb(), names);
        let entry = Entry::of(&letter("m-1", "e-1"));
        index.insert(std::slice::from_ref(&entry)).await.unwrap();
        let older = |part: u32, name: &str, n: i64| Action::Change {
            table: "index".to_owned(),
            key: dynamo_item([("pk", text(format!("count#{part}"))), ("sk", text(name))]),
            change: Change::default().add("n", n).set("class", text(entry.class.as_str())),
        };
        let name = entry.count_key();
        let written = [older(0, &name, 5), older(3, &name, -2), older(7, FOREIGN, 4), older(1, &name, 0)];
        transact(index.client(), |_| written.to_vec()).await.unwrap();
        let total = async || index.counts().await.unwrap().iter().map(|count| count.count).sum::<u64>();
        assert_eq!((total().await, index.foreign().await.unwrap()), (1, 0));
        for _ in 0..2 {
            index.adopt_counts().await.unwrap();
            assert_eq!((total().await, index.foreign().await.unwrap()), (4, 4));
        }
        // A function of the older version archived another one meanwhile.
        transact(index.client(), |_| vec![older(0, &name, 1)]).await.unwrap();
        index.adopt_counts().await.unwrap();
        assert_eq!((total().await, index.counts().await.unwrap()[0].class), (5, entry.class));
    }
}
