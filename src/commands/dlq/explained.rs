//! Why a dead letter failed, and where its group comes from, as `dlq show` and `dlq groups` say it.

use crate::backend::Backend;
use crate::text::{self, Cell, Table};
use serde::Serialize;
use spillway_core::Timestamp;
use spillway_core::dead_letter::{
    DeadLetter, DeadLetterFilter, DeadLetterGroup, DeadLetterStatus, Shares, Spread,
};
use spillway_core::explain::{Compared, Explanation, FailingPlace};
use spillway_core::schema::SchemaSource;

/// Dead letters of a group that are counted by source, version and hour: the newest. In AWS they are read with ten calls.
const COUNTED: usize = 1_000;

/// Why a dead letter failed.
#[derive(Debug, Serialize)]
pub struct Explained {
    pub explanation: Explanation,
    /// Where its group comes from; null if it does not wait in the archive.
    pub spread: Option<Spread>,
    #[serde(skip)]
    since: Option<Timestamp>,
}

impl Explained {
    /// Of one dead letter.
    pub async fn of(letter: &DeadLetter, backend: &Backend) -> anyhow::Result<Self> {
        let filter = DeadLetterFilter {
            states: vec![DeadLetterStatus::Archived],
            fingerprint: Some(letter.fingerprint.clone()),
            ..DeadLetterFilter::default()
        };
        let archive = &backend.pipeline.archive;
        let group = match letter.state.status() {
            DeadLetterStatus::Archived => archive.groups(&filter, None, 1).await?.items.pop(),
            _ => None,
        };
        Self::in_group(letter, group.as_ref(), &filter, backend).await
    }

    /// Of one of a group. `filter` selects the group's dead letters.
    pub async fn in_group(
        letter: &DeadLetter,
        group: Option<&DeadLetterGroup>,
        filter: &DeadLetterFilter,
        backend: &Backend,
    ) -> anyhow::Result<Self> {
        let pipeline = &backend.pipeline;
        let schemas = pipeline.schemas.current().await;
        let good = match letter.event_type.as_ref().filter(|_| Explanation::compares(letter)) {
            // Without the event store there is no comparison, and the rest is as true.
            Some(event_type) => pipeline.stored.example(event_type).await.ok().flatten(),
            None => None,
        };
        let spread = match group {
            Some(_) => Some(pipeline.archive.spread(filter, COUNTED).await?),
            None => None,
        };
        let since = group.map(|group| group.first_at);
        let explanation =
            Explanation::of(letter, &schemas, good.as_ref(), since.unwrap_or(letter.archived_at));
        Ok(Self { explanation, spread, since })
    }

    /// What is known, as lines for people.
    pub fn fields(&self, now: Timestamp) -> Vec<(&'static str, String)> {
        let Explanation { place, expected, schema, advice, .. } = &self.explanation;
        let mut fields = Vec::new();
        if let Some(place) = place {
            fields.push(("fails at", fails_at(place)));
            fields.push(("value", value(place)));
        }
        if let Some(expected) = expected {
            let text = format!("{}, by {}#{}", expected.text(), expected.file, expected.pointer);
            fields.push(("expected", text));
        }
        fields.extend(schema.as_ref().map(|schema| ("schema", source(schema, now))));
        if let Some(spread) = &self.spread {
            let since = self.since.map(|since| text::time(now, since)).unwrap_or_default();
            fields.extend(spread.text(&since).map(|text| ("from", text)));
            fields.extend(shares("sender's schema", &spread.data_schemas));
            fields.extend(shares("consumer", &spread.versions));
        }
        let evidence = advice.evidence.as_ref().map(|evidence| evidence.text(|at| text::time(now, at)));
        let advice = [Some(advice.text.to_owned()), evidence].into_iter().flatten();
        fields.push(("do", advice.collect::<Vec<_>>().join(" ")));
        fields
    }
}

fn fails_at(place: &FailingPlace) -> String {
    match place.pointer.as_str() {
        "" => "the whole body".to_owned(),
        pointer => pointer.to_owned(),
    }
}

fn value(place: &FailingPlace) -> String {
    let mut text = String::new();
    if let Some(missing) = &place.missing {
        text.push_str(&format!("\"{missing}\" is missing in "));
    }
    if !place.unexpected.is_empty() {
        let names: Vec<_> = place.unexpected.iter().map(|name| format!("\"{name}\"")).collect();
        text.push_str(&format!("{} not allowed: ", names.join(", ")));
    }
    text.push_str(&place.value);
    match place.json_type {
        Some(json_type) => format!("{text} ({json_type})"),
        None => text,
    }
}

fn source(schema: &SchemaSource, now: Timestamp) -> String {
    let what = if schema.is_shared { "all schemas deployed" } else { "changed" };
    let changed = schema.changed_at.map(|at| format!(", {what} {}", text::time(now, at)));
    format!("{}, version {}{}", schema.file, schema.version, changed.unwrap_or_default())
}

/// The values of one property with their numbers, if any is known.
fn shares(name: &'static str, shares: &Shares) -> Option<(&'static str, String)> {
    let mut parts: Vec<_> =
        shares.top.iter().map(|share| format!("{} ({})", share.value, text::number(share.count))).collect();
    if parts.is_empty() {
        return None;
    }
    for (count, what) in [(shares.others, "others"), (shares.unknown, "not known")] {
        if count > 0 {
            parts.push(format!("{what} ({})", text::number(count)));
        }
    }
    Some((name, parts.join(", ")))
}

/// The last good event beside a dead letter, as a table. What differs has a mark.
pub fn table(compared: &Compared) -> Table {
    let mut table = Table::with_header(&["", "place", "this message", "good event"]).wrapping();
    let shown = |value: &Option<String>| value.clone().unwrap_or_else(|| "not there".to_owned());
    for row in &compared.rows {
        let mark = match (row.is_failing, row.differs) {
            (true, _) => "fails",
            (false, true) => "differs",
            (false, false) => "",
        };
        let cells = [mark.to_owned(), row.pointer.clone(), shown(&row.here), shown(&row.there)];
        table.row(cells.into_iter().map(Cell::text).collect());
    }
    table
}
