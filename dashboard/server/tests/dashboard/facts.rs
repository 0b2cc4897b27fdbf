//! One meaning, one number: what is twice on a page is the same, in any state of the pipeline.

use crate::harness::{Dashboard, NOW, Setup};
use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use spillway_core::Pipeline;
use spillway_core::failure::FailureClass;
use spillway_core::ledger::Ledger;
use spillway_core::ports::{LedgerError, LedgerReader, QueueKind};
use spillway_dashboard_app::ports::Ports;
use spillway_dashboard_model::flow::{FlowSnapshots, FlowSources, QueueReader, QueueSnapshot};
use spillway_dashboard_model::{
    Freshness, MetricQuery, MetricReader, Period, ReadError, Reading, Series, TimeRange,
};
use spillway_testkit::letters;
use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// A pipeline whose state is made up from a number.
#[derive(Default)]
struct AnyState {
    seed: AtomicU64,
    /// Dead letters in the real archive.
    archived: AtomicU64,
}

impl AnyState {
    /// A number below a limit, always the same for this state and this name.
    fn number(&self, name: impl Hash, below: u64) -> u64 {
        let mut hasher = DefaultHasher::new();
        (self.seed.load(Ordering::Relaxed), name).hash(&mut hasher);
        hasher.finish() % below
    }

    /// Often nothing, otherwise a number that is nowhere else on the page.
    fn count(&self, name: &str) -> u64 {
        if self.number((name, "is none"), 3) == 0 { 0 } else { 100_000 + self.number(name, 900_000) }
    }

    fn now() -> Timestamp {
        NOW.parse().unwrap()
    }

    fn ledger(&self) -> Ledger {
        let places = Ledger {
            stored: self.count("stored"),
            queued: self.count("queued"),
            in_flight: self.count("in flight"),
            in_dlq: self.count("in dlq"),
            archived: self.archived.load(Ordering::Relaxed),
            replaying: self.count("replaying"),
            discarded: self.count("discarded"),
            ..Ledger::default()
        };
        let lost = if self.number("loses", 4) == 0 { self.number("lost", 100) } else { 0 };
        Ledger { accepted: places.accounted() + lost, ..places }
    }
}

#[async_trait]
impl LedgerReader for AnyState {
    async fn ledger(&self) -> Result<Ledger, LedgerError> {
        Ok(AnyState::ledger(self))
    }
}

#[async_trait]
impl QueueReader for AnyState {
    async fn snapshot(&self, queue: QueueKind) -> Result<QueueSnapshot, ReadError> {
        let ledger = AnyState::ledger(self);
        let is_primary = queue == QueueKind::Primary;
        // Replayed messages are in the queue too.
        let (visible, not_visible) = if is_primary {
            (ledger.queued, ledger.in_flight + ledger.replaying)
        } else {
            (ledger.in_dlq, 0)
        };
        let ago = |seconds: u64| Self::now() - SignedDuration::from_secs(seconds as i64);
        let some = (visible + not_visible > 0).then_some(());
        let attempts = self.number((is_primary, "attempts"), 20) as usize;
        let mut receive_counts = vec![0; attempts + 1];
        receive_counts[attempts] = (visible + not_visible) / 2;
        Ok(QueueSnapshot {
            visible,
            not_visible,
            delayed: 0,
            oldest_age_s: some.map_or(0, |()| self.number((is_primary, "age"), 4_000)),
            oldest_sent_at: some.map(|()| ago(self.number((is_primary, "oldest"), 20_000))),
            receive_counts: if is_primary { receive_counts } else { Vec::new() },
            first_dead_letter_at: some
                .map(|()| Self::now() + SignedDuration::from_secs(self.number("first", 10_000) as i64)),
        })
    }
}

#[async_trait]
impl MetricReader for AnyState {
    async fn read(
        &self,
        queries: &[MetricQuery],
        range: TimeRange,
        period: Period,
    ) -> Result<Reading, ReadError> {
        let series = queries.iter().map(|query| {
            let mut series = Series::empty(range, period);
            let kind = self.number((query, "kind"), 4);
            for (position, point) in series.points.iter_mut().enumerate() {
                *point = match kind {
                    0 => None,
                    1 => Some(0.0),
                    _ if self.number((query, position, "gap"), 5) == 0 => None,
                    _ => Some(self.number((query, position), 50_000) as f64 / 7.0),
                };
            }
            Arc::new(series)
        });
        Ok(Reading { series: series.collect(), freshness: Freshness { read_at: Self::now(), error: None } })
    }
}

/// A dashboard over any state, with the state.
async fn dashboard() -> (Dashboard, Arc<AnyState>) {
    let state = Arc::new(AnyState::default());
    let shared = Arc::clone(&state);
    let replace = move |ports: Ports| {
        let sources = FlowSources {
            pipeline: Pipeline { ledger: shared.clone(), ..ports.pipeline.clone() },
            queues: shared.clone(),
            metrics: shared.clone(),
            has_short_periods: true,
            host: None,
        };
        let flow = Arc::new(FlowSnapshots::new(sources, Duration::ZERO));
        Ports { flow, metrics: shared, ..ports }
    };
    let dashboard = Dashboard::open(Setup { replace: Box::new(replace), ..Setup::default() }).await;
    (dashboard.signed_in().await, state)
}

/// The text of a part of a page, without tags.
fn shown(html: &str) -> String {
    let mut text = String::new();
    for part in html.split('<') {
        text.push_str(part.split_once('>').map_or(part, |(_, shown)| shown));
    }
    text.trim().to_owned()
}

/// The marked numbers of a page, by name.
fn facts(page: &str) -> BTreeMap<String, Vec<String>> {
    let mut facts: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (position, _) in page.match_indices("data-fact=\"") {
        let element = page[..position].rsplit('<').next().unwrap().split(' ').next().unwrap();
        let (name, rest) = page[position + "data-fact=\"".len()..].split_once('"').unwrap();
        let inner = rest.split_once('>').unwrap().1;
        let inner = inner.split_once(&format!("</{element}>")).unwrap().0;
        facts.entry(name.to_owned()).or_default().push(shown(inner));
    }
    facts
}

/// Of how many facts a page had two or more.
static REPEATED: OnceLock<std::sync::Mutex<BTreeMap<String, u64>>> = OnceLock::new();

#[track_caller]
fn check(path: &str, seed: u64, page: &str, ledger: &Ledger) {
    let facts = facts(page);
    for (name, values) in &facts {
        assert!(values.iter().all(|value| value == &values[0]), "{path}, state {seed}: {name} is {values:?}");
        if values.len() > 1 {
            *REPEATED.get_or_init(Default::default).lock().unwrap().entry(name.clone()).or_default() += 1;
        }
    }
    // A number of the ledger is nowhere without its name.
    let main = shown(page.split_once("<main").unwrap().1);
    for (name, count) in [
        ("queued", ledger.queued),
        ("in-flight", ledger.in_flight),
        ("replaying", ledger.replaying),
        ("dead-letters", ledger.dead_lettered()),
        ("in-dlq", ledger.in_dlq),
        ("accepted", ledger.accepted),
    ] {
        let all = [
            ledger.queued,
            ledger.in_flight,
            ledger.replaying,
            ledger.dead_lettered(),
            ledger.in_dlq,
            ledger.accepted,
            ledger.stored,
            ledger.discarded,
        ];
        let is_unique = count >= 100_000 && all.iter().filter(|other| **other == count).count() == 1;
        if is_unique {
            let marked = facts.get(name).map_or(0, |values| values.len());
            let all = main.matches(&digits(count)).count();
            assert_eq!(
                all,
                marked,
                "{path}, state {seed}: {} is on the page without its name {name}",
                digits(count)
            );
        }
    }
}

fn digits(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::new();
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[tokio::test]
async fn every_number_that_is_twice_on_a_page_is_the_same() {
    let (dashboard, state) = dashboard().await;
    let paths =
        ["/", "/?range=1h", "/metrics?stage=queue", "/metrics?stage=dlq", "/metrics?stage=consumer&range=1h"];
    for seed in 0..150 {
        state.seed.store(seed, Ordering::Relaxed);
        if seed % 30 == 10 {
            let letter = letters::letter(seed as i64, "order.placed", FailureClass::Schema, "/amount: bad");
            letters::put(&*dashboard.pipeline.workers.sink, &[letter]).await;
            state.archived.fetch_add(1, Ordering::Relaxed);
        }
        for path in paths.iter().take(if seed % 5 == 0 { paths.len() } else { 1 }) {
            check(path, seed, &dashboard.page(path).await, &state.ledger());
        }
    }
    let repeated = REPEATED.get().unwrap().lock().unwrap();
    for name in [
        "accepted",
        "queued",
        "in-flight",
        "oldest",
        "dead-letters",
        "archived",
        "replaying",
        "first-dead-letter",
    ] {
        assert!(
            repeated.get(name).is_some_and(|pages| *pages > 10),
            "{name} is never on a page twice: {repeated:?}"
        );
    }
    assert!(repeated.keys().any(|name| name.starts_with("chart-")), "{repeated:?}");
}
