//! A dead letter's body beside that of the last good event of its type.

use super::{FailingPlace, excerpt};
use crate::Timestamp;
use crate::event::{json, raw};
use crate::failure::{printable, shortened};
use crate::ids::EventKey;
use crate::ports::StoredEvent;
use serde::Serialize;
use serde_json::value::RawValue;
use std::collections::{HashMap, HashSet};

/// Rows at most.
const MAX_ROWS: usize = 24;
/// Items of an array on either side of the failing one.
const ITEMS_AROUND: usize = 3;
/// Bytes of a place.
const MAX_POINTER: usize = 120;
/// What of the envelope can say that another sender or version sent it.
const ENVELOPE: [&str; 3] = ["source", "dataschema", "datacontenttype"];

/// Two bodies, one place a row: parts of the envelope, then what is around the failing place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Compared {
    /// The good event.
    pub event: EventKey,
    /// When it was stored.
    pub stored_at: Timestamp,
    /// The places, in the order of the dead letter. At most 24: with more, those that differ come first.
    pub rows: Vec<Row>,
    /// Places that were left out.
    pub left_out: usize,
}

/// One place in two bodies.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Row {
    /// JSON Pointer into the body, of at most 120 bytes.
    pub pointer: String,
    /// The value in the dead letter, of at most 200 bytes. `None` if it has none.
    pub here: Option<String>,
    /// The value in the good event.
    pub there: Option<String>,
    /// Whether one of them has no value here, or one of another JSON type. Values of one type may differ in every event.
    pub differs: bool,
    /// Whether this is the failing place.
    pub is_failing: bool,
}

impl Compared {
    pub(super) fn of(body: &str, place: Option<&FailingPlace>, good: &StoredEvent) -> Self {
        let (here, there) = (raw::document(body), raw::document(&good.body));
        let data = ["data".to_owned()];
        let (around, failing) = place.map_or((&data[..], None), container);
        let mut rows = Vec::new();
        for name in ENVELOPE.into_iter().filter(|_| !around.is_empty()) {
            let [a, b] = [here, there].map(|whole| whole.and_then(|whole| raw::child(whole, name)));
            if a.is_some() || b.is_some() {
                rows.push(Row::of(&[name], a, b, false));
            }
        }
        let (here, there) = (members_at(here, around), members_at(there, around));
        let unexpected = place.map(|place| place.unexpected.as_slice()).unwrap_or_default();
        let (last_here, last_there) = (by_name(&here), by_name(&there));
        for name in names(&here, &there, failing) {
            let is_failing = failing == Some(name) || unexpected.iter().any(|other| other == name);
            let path: Vec<&str> = around.iter().map(String::as_str).chain([name]).collect();
            let (a, b) = (last_here.get(name).copied(), last_there.get(name).copied());
            rows.push(Row::of(&path, a, b, is_failing));
        }
        let left_out = rows.len().saturating_sub(MAX_ROWS);
        if left_out > 0 {
            rows.sort_by_key(|row| (!row.is_failing, !row.differs));
            rows.truncate(MAX_ROWS);
        }
        Self { event: good.key.clone(), stored_at: good.stored_at, rows, left_out }
    }
}

impl Row {
    fn of(path: &[&str], a: Option<&RawValue>, b: Option<&RawValue>, is_failing: bool) -> Self {
        let shown = |value: Option<&RawValue>| value.map(|value| excerpt(value.get()));
        let is_envelope = matches!(path, [name] if ENVELOPE.contains(name));
        let differs = match is_envelope {
            true => a.map(RawValue::get) != b.map(RawValue::get),
            false => a.map(raw::json_type) != b.map(raw::json_type),
        };
        let pointer = printable(&shortened(&json::pointer(path), MAX_POINTER));
        Self { pointer, here: shown(a), there: shown(b), differs, is_failing }
    }
}

/// What to compare: the path of an object or array, and the failing member of it.
fn container(place: &FailingPlace) -> (&[String], Option<&str>) {
    if let Some(missing) = &place.missing {
        return (&place.path, Some(missing));
    }
    let last = place.path.last().map(String::as_str);
    if !place.unexpected.is_empty() && !place.unexpected.iter().any(|name| Some(name.as_str()) == last) {
        return (&place.path, None);
    }
    match place.path.split_last() {
        Some((last, rest)) => (rest, Some(last)),
        None => (&[], None),
    }
}

/// The members of an object or the items of an array, by their numbers, at a path.
fn members_at<'a>(whole: Option<&'a RawValue>, path: &[String]) -> Vec<(String, &'a RawValue)> {
    let Some(whole) = whole else { return Vec::new() };
    let Some(value) = path.iter().try_fold(whole, |value, part| raw::child(value, part)) else {
        return Vec::new();
    };
    match raw::open(value) {
        Some(raw::Opened::Object(members)) => members,
        Some(raw::Opened::Array(items)) => {
            items.into_iter().enumerate().map(|(number, item)| (number.to_string(), item)).collect()
        }
        Some(raw::Opened::Leaf) | None => Vec::new(),
    }
}

/// Of members with one name the last.
fn by_name<'a, 'm>(members: &'m [(String, &'a RawValue)]) -> HashMap<&'m str, &'a RawValue> {
    members.iter().map(|(name, value)| (name.as_str(), *value)).collect()
}

/// All names, each once: those of the dead letter in its order, then the others. Of an array only the items around the failing
/// one.
fn names<'m>(
    here: &'m [(String, &RawValue)],
    there: &'m [(String, &RawValue)],
    failing: Option<&'m str>,
) -> Vec<&'m str> {
    let index = failing.and_then(|name| name.parse::<usize>().ok());
    // The names of an array's items are their numbers.
    let index =
        index.filter(|index| here.get(*index).is_some_and(|(name, _)| Some(name.as_str()) == failing));
    let is_near = |name: &str| match index {
        Some(index) => name.parse::<usize>().is_ok_and(|other| other.abs_diff(index) <= ITEMS_AROUND),
        None => true,
    };
    let mut seen = HashSet::new();
    let all = here.iter().chain(there).map(|(name, _)| name.as_str()).chain(failing);
    all.filter(|name| is_near(name) && seen.insert(*name)).collect()
}
