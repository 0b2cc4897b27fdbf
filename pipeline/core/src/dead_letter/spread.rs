//! Where the dead letters of a group come from.

use super::DeadLetter;
use crate::Timestamp;
use serde::{Deserialize, Serialize};
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// Values of one property that are listed.
const LISTED: usize = 5;
/// Hours that are listed at most, the newest.
const HOURS: usize = 48;
/// Seconds of an hour.
const HOUR: i64 = 3_600;

/// How dead letters spread over sources, versions and hours.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spread {
    /// How many there are.
    pub total: u64,
    /// How many of them were counted: the newest.
    pub counted: u64,
    /// By the `source` of their events.
    pub sources: Shares,
    /// By the `dataschema` of their events: the version of the schema by which the sender made them.
    pub data_schemas: Shares,
    /// By the version of the consumer in which they failed.
    pub versions: Shares,
    /// By the hour in which they were archived, oldest first: at most the newest 48 hours that have any.
    pub hours: Vec<Hour>,
}

/// How many have each value of one property.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shares {
    /// The most frequent values, at most five, the most frequent first.
    pub top: Vec<Share>,
    /// How many have another value.
    pub others: u64,
    /// How many have none, or none that is known.
    pub unknown: u64,
}

/// How many have a value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Share {
    /// The value.
    pub value: String,
    /// How many have it.
    pub count: u64,
}

/// How many were archived in an hour.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hour {
    /// When it began.
    pub at: Timestamp,
    /// How many.
    pub count: u64,
}

impl Spread {
    /// Counts dead letters, which are the newest of `total`.
    pub fn of(letters: &[DeadLetter], total: u64) -> Self {
        let mut counting = Counting::default();
        for letter in letters {
            let source = letter.key.as_ref().map(|key| key.source.as_str());
            let version = letter.last_failure().map(|failure| failure.version.as_str());
            let schema = letter.glance().data_schema;
            counting.add(source, schema.as_deref(), version, letter.archived_at);
        }
        counting.spread(total)
    }

    /// The value that all that were counted have in common.
    pub fn only(&self, shares: &Shares) -> Option<String> {
        match shares.top.as_slice() {
            [share] if share.count == self.counted => Some(share.value.clone()),
            _ => None,
        }
    }

    /// Where they come from, in one sentence: `100 % from /shop/checkout since 16:03.` `since` is the time of the first of the
    /// group, as its reader has it. `None` if no source is known.
    pub fn text(&self, since: &str) -> Option<String> {
        let share = self.sources.top.first()?;
        let percent = match share.count * 100 {
            _ if share.count == self.counted => 100,
            hundredfold => (hundredfold / self.counted.max(1)).min(99),
        };
        let part = match self.counted < self.total {
            true => format!(" of the newest {}", self.counted),
            false => String::new(),
        };
        Some(format!("{percent} %{part} from {} since {since}.", share.value))
    }
}

/// Counts dead letters by their properties, one by one.
#[derive(Debug, Default)]
pub struct Counting {
    counted: u64,
    sources: BTreeMap<String, u64>,
    data_schemas: BTreeMap<String, u64>,
    versions: BTreeMap<String, u64>,
    hours: BTreeMap<i64, u64>,
}

impl Counting {
    /// Adds one. Empty texts are as good as none.
    pub fn add(
        &mut self,
        source: Option<&str>,
        data_schema: Option<&str>,
        version: Option<&str>,
        archived_at: Timestamp,
    ) {
        self.counted += 1;
        for (counts, value) in [
            (&mut self.sources, source),
            (&mut self.data_schemas, data_schema),
            (&mut self.versions, version),
        ] {
            let Some(value) = value.filter(|value| !value.is_empty()) else { continue };
            match counts.get_mut(value) {
                Some(count) => *count += 1,
                None => drop(counts.insert(value.to_owned(), 1)),
            }
        }
        *self.hours.entry(archived_at.as_second().div_euclid(HOUR)).or_default() += 1;
    }

    /// The result. `total` is how many there are.
    pub fn spread(self, total: u64) -> Spread {
        let counted = self.counted;
        let shares = |counts: BTreeMap<String, u64>| {
            let known: u64 = counts.values().sum();
            let mut top: Vec<_> = counts
                .into_iter()
                .map(|(value, count)| Share { value: crate::explain::excerpt(&value), count })
                .collect();
            top.sort_by_key(|share| Reverse(share.count));
            top.truncate(LISTED);
            let listed: u64 = top.iter().map(|share| share.count).sum();
            Shares { top, others: known - listed, unknown: counted - known }
        };
        let left_out = self.hours.len().saturating_sub(HOURS);
        let hours =
            self.hours.into_iter().skip(left_out).filter_map(|(hour, count)| {
                Some(Hour { at: Timestamp::from_second(hour * HOUR).ok()?, count })
            });
        Spread {
            total: total.max(counted),
            counted,
            sources: shares(self.sources),
            data_schemas: shares(self.data_schemas),
            versions: shares(self.versions),
            hours: hours.collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn a_group_from_one_source_is_said_to_be() {
        let mut counting = Counting::default();
        for minute in ["16:03", "16:59", "17:00"] {
            counting.add(Some("/shop/checkout"), None, Some("v1"), at(&format!("2026-03-10T{minute}:00Z")));
        }
        let spread = counting.spread(3);
        assert_eq!(spread.text("16:03").unwrap(), "100 % from /shop/checkout since 16:03.");
        assert_eq!(spread.only(&spread.versions).as_deref(), Some("v1"));
        assert_eq!((spread.data_schemas.unknown, spread.data_schemas.top.len()), (3, 0));
        let hours: Vec<_> = spread.hours.iter().map(|hour| (hour.at, hour.count)).collect();
        assert_eq!(hours, [(at("2026-03-10T16:00:00Z"), 2), (at("2026-03-10T17:00:00Z"), 1)]);
    }

    #[test]
    fn a_share_is_never_rounded_up_to_all_and_a_sample_is_called_one() {
        let mut counting = Counting::default();
        for number in 0..200 {
            let source = if number == 0 { "/b" } else { "/a" };
            counting.add(Some(source), None, None, at("2026-03-10T16:03:00Z"));
        }
        let spread = counting.spread(4_000);
        assert_eq!(spread.text("16:03").unwrap(), "99 % of the newest 200 from /a since 16:03.");
        assert_eq!(Spread::default().text("16:03"), None);
    }

    #[test]
    fn however_many_values_and_hours_there_are_few_are_listed() {
        let mut counting = Counting::default();
        for number in 0..1_000 {
            let source = format!("/{number}\u{202e}{}", "x".repeat(10_000));
            let time = Timestamp::from_second(number * HOUR).unwrap();
            counting.add(Some(&source), Some(""), None, time);
        }
        let spread = counting.spread(1_000);
        assert_eq!((spread.sources.top.len(), spread.sources.others), (5, 995));
        assert_eq!(spread.hours.len(), HOURS);
        assert_eq!(spread.data_schemas.unknown, 1_000);
        let text = serde_json::to_string(&spread).unwrap();
        assert!(text.len() < 8_000 && !text.contains('\u{202e}'), "{}", text.len());
    }
}
