//! How long the verdict takes to be right: each fault, for shares of the events, with much and with little traffic, in virtual
//! time. docs/verdicts.md has the results.

#![expect(clippy::unwrap_used, reason = "test code")]

use jiff::Timestamp;
use spillway_core::ports::{AuditEntry, AuditNote, Schemas};
use spillway_core::schema::{FixedSchemas, SchemaSet};
use spillway_core::settings::PipelineSettings;
use spillway_dashboard_embedded::Sources;
use spillway_dashboard_model::catalogue::Stage;
use spillway_dashboard_model::flow::{Cause, Outcomes, RecentOutcomes, Verdict, VerdictState};
use spillway_embedded::faults::{Fault, FaultKind};
use spillway_embedded::simulate::{Simulation, SimulationOptions, in_virtual_time};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// The verdict must be right this many seconds after the fault begins, or after the third event that it affects.
const LIMIT_S: i64 = 30;
/// It must see the end this many seconds after it, or after the third event that follows.
const LIMIT_OF_END_S: i64 = 60;
/// A row that takes longer than this, in seconds, has failed.
const GIVE_UP_S: i64 = 6 * 3_600;

/// A kind of fault, with the stage whose outcomes it changes and the cause that the verdict must name.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    StoreOutage,
    StoreThrottle,
    StoreLatency,
    ConsumerCrash,
    QueueOutage,
    ArchiverOutage,
}

const KINDS: [Kind; 6] = [
    Kind::StoreOutage,
    Kind::StoreThrottle,
    Kind::StoreLatency,
    Kind::ConsumerCrash,
    Kind::QueueOutage,
    Kind::ArchiverOutage,
];
const SHARES: [f64; 3] = [1.0, 0.5, 0.05];
/// A name, and the time between two events.
const TRAFFIC: [(&str, Duration); 3] = [
    ("100/s", Duration::from_millis(10)),
    ("1/s", Duration::from_secs(1)),
    ("1/min", Duration::from_secs(60)),
];

impl Kind {
    /// The fault, for a share of the events. `of_capacity` is the share of the capacity that traffic uses.
    fn fault(self, share: f64, of_capacity: f64) -> FaultKind {
        match self {
            Self::StoreOutage => FaultKind::StoreOutage { share },
            Self::StoreThrottle => FaultKind::StoreThrottle { capacity: (1.0 - share) * of_capacity },
            Self::StoreLatency => FaultKind::StoreLatency { added: Duration::from_millis(500), share },
            Self::ConsumerCrash => FaultKind::ConsumerCrash { probability: share },
            Self::QueueOutage => FaultKind::QueueOutage { share },
            Self::ArchiverOutage => FaultKind::ArchiverOutage { share },
        }
    }

    fn expected(self) -> (Stage, Cause) {
        match self {
            Self::StoreOutage | Self::StoreThrottle | Self::StoreLatency => (Stage::Table, Cause::Table),
            Self::ConsumerCrash => (Stage::Consumer, Cause::Consumer),
            Self::QueueOutage => (Stage::Api, Cause::Queue),
            Self::ArchiverOutage => (Stage::Archiver, Cause::Archiver),
        }
    }

    /// How many events of a period it affected.
    fn affected(self, of: &Outcomes) -> u64 {
        if self == Self::StoreLatency { of.slow } else { of.failed + of.throttled }
    }

    /// Whether a state is right while the fault is on.
    fn is_right(self, share: f64, state: VerdictState) -> bool {
        let states: &[VerdictState] = match self {
            // Slow is not failing.
            Self::StoreLatency => &[VerdictState::Degrading],
            // Each retry is one more write, so a table throttles a larger share than it lacks. Crashes are by chance.
            Self::StoreThrottle | Self::ConsumerCrash if share < 1.0 => {
                &[VerdictState::Degrading, VerdictState::Failing]
            }
            _ if share < 0.1 => &[VerdictState::Degrading],
            _ => &[VerdictState::Failing],
        };
        states.contains(&state)
    }
}

/// What was measured, in seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Measured {
    /// From the beginning of the fault until it has affected three events.
    third: i64,
    /// From the beginning until the verdict is right.
    right: i64,
    /// How often the verdict was called healthy while the fault was on, after it was right.
    healthy: usize,
    /// From the end of the fault until the third event after it.
    third_after: i64,
    /// From the end until the verdict says that it is over.
    over: i64,
}

/// A pipeline with traffic, and its verdict.
struct Bench {
    simulation: Simulation,
    sources: Sources,
    kind: Kind,
    gap: Duration,
    next_event: Timestamp,
    sent: u64,
}

impl Bench {
    async fn open(folder: &Path, clock: spillway_embedded::VirtualClock, kind: Kind, gap: Duration) -> Self {
        let mut settings = PipelineSettings::default();
        if kind == Kind::StoreThrottle {
            settings.write_capacity_units = CAPACITY / gap.as_secs_f64();
        }
        let options = SimulationOptions { settings, schemas: schemas(), faults: Vec::new(), seed: 1 };
        let mut simulation = Simulation::open(folder, clock, options).await.unwrap();
        simulation.start();
        let sources = Sources::of(&simulation.pipeline.ports, &simulation.pipeline.local);
        let next_event = simulation.now();
        Self { simulation, sources, kind, gap, next_event, sent: 0 }
    }

    fn now(&self) -> Timestamp {
        self.simulation.now()
    }

    fn since(&self, from: Timestamp) -> i64 {
        (self.now().duration_since(from).as_secs_f64()).round() as i64
    }

    /// Lets time pass, with traffic. For an archiver, every event breaks its schema.
    async fn run(&mut self, length: Duration) {
        let end = self.now() + length;
        while self.next_event < end {
            let wait = self.next_event.duration_since(self.now());
            self.simulation.sleep(Duration::try_from(wait).unwrap_or_default()).await;
            let amount = if self.kind == Kind::ArchiverOutage { "\"9.90\"" } else { "9.90" };
            self.sent += 1;
            self.simulation.send(format!(
                r#"{{"specversion":"1.0","id":"e{}","source":"/test","type":"order.placed","data":{{"amount":{amount}}}}}"#,
                self.sent
            ));
            self.next_event += self.gap;
        }
        let rest = end.duration_since(self.now());
        self.simulation.sleep(Duration::try_from(rest).unwrap_or_default()).await;
    }

    async fn start_fault(&self, kind: FaultKind) {
        let fault = Fault { kind, from: self.now(), until: None };
        let entry = self.entry(fault.kind.name());
        self.simulation.pipeline.local.faults.start(fault, entry).await.unwrap();
    }

    fn entry(&self, fault: &str) -> AuditEntry {
        let note = AuditNote { at: self.now(), by: "ada".to_owned(), action: "fault", detail: String::new() };
        note.about(fault)
    }

    /// The events that the fault affected since a time.
    async fn affected(&self, since: Timestamp) -> u64 {
        let names = &self.simulation.pipeline.ports.names;
        let outcomes = RecentOutcomes::read(&*self.sources.metrics, names, self.now()).await.unwrap();
        let since = since.as_second() - 5;
        let periods = outcomes.of(self.kind.expected().0).iter().filter(|of| of.start >= since);
        periods.map(|of| self.kind.affected(of)).sum()
    }

    /// The state of the incident with the expected cause. Nothing may be lost, and no other cause may be named.
    async fn state(&self) -> VerdictState {
        let flow = self.sources.flow.snapshot().await.unwrap();
        assert_eq!(flow.ledger.unaccounted(), 0);
        let verdict = Verdict::of(&flow);
        let cause = self.kind.expected().1;
        let other = verdict.incidents.iter().find(|incident| {
            // Every event of an archiver's row becomes a dead letter, on purpose.
            incident.cause != cause && incident.cause != Cause::DeadLetters
        });
        assert!(other.is_none(), "{:?}: {other:?}", self.kind);
        let incident = verdict.incidents.iter().find(|incident| incident.cause == cause);
        incident.map_or(VerdictState::Healthy, |incident| incident.state)
    }
}

/// The write capacity, in writes for each event.
const CAPACITY: f64 = 10.0;

fn schemas() -> Arc<dyn Schemas> {
    let schema = serde_json::json!({"properties": {"amount": {"type": "number"}}});
    let schemas = BTreeMap::from([("order.placed".to_owned(), schema)]);
    Arc::new(FixedSchemas(Arc::new(SchemaSet::compile(&schemas).unwrap())))
}

/// Measures one row.
fn measure(kind: Kind, share: f64, gap: Duration) -> Measured {
    let folder = tempfile::tempdir().unwrap();
    let start = "2026-03-02T10:00:00Z".parse().unwrap();
    in_virtual_time(start, async |clock| {
        let mut bench = Bench::open(folder.path(), clock, kind, gap).await;
        // With little traffic a second does not matter.
        let step =
            if gap > Duration::from_secs(10) { Duration::from_secs(5) } else { Duration::from_secs(1) };
        bench.run(30 * gap.max(Duration::from_secs(1))).await;
        assert_eq!(bench.state().await, VerdictState::Healthy, "before the fault");
        if kind == Kind::StoreThrottle && share < 1.0 {
            // The capacity that the table has saved up would hide the fault for minutes.
            bench.start_fault(FaultKind::StoreThrottle { capacity: 0.0 }).await;
            bench.run(gap.max(Duration::from_millis(1))).await;
        }
        let began = bench.now();
        bench.start_fault(kind.fault(share, 1.0 / CAPACITY)).await;
        let mut measured = Measured::default();
        while bench.affected(began).await < 3 {
            bench.run(step).await;
            assert!(bench.since(began) < GIVE_UP_S, "it affects nothing");
        }
        measured.third = bench.since(began);
        while !kind.is_right(share, bench.state().await) {
            bench.run(step).await;
            assert!(bench.since(began) < GIVE_UP_S, "the verdict is never right: {:?}", bench.state().await);
        }
        measured.right = bench.since(began);
        for _ in 0..40 {
            bench.run(step.max(gap / 8)).await;
            measured.healthy += usize::from(bench.state().await == VerdictState::Healthy);
        }
        let name = kind.fault(share, 1.0).name();
        let stopped = bench.simulation.pipeline.local.faults.stop(name, bench.entry(name));
        assert_eq!(stopped.await.unwrap(), 1);
        let (ended, sent) = (bench.now(), bench.sent);
        let mut third_after = None;
        while bench.state().await > VerdictState::Recovering {
            bench.run(step).await;
            if bench.sent >= sent + 3 {
                third_after.get_or_insert(bench.since(ended));
            }
            assert!(bench.since(ended) < GIVE_UP_S, "the end is never seen");
        }
        measured.over = bench.since(ended);
        measured.third_after = third_after.unwrap_or(measured.over);
        measured
    })
    .unwrap()
}

impl Measured {
    /// Whether the verdict was right in time, stayed so, and saw the end in time.
    fn is_in_time(&self) -> bool {
        self.right <= self.third + LIMIT_S
            && self.healthy == 0
            && self.over <= LIMIT_OF_END_S.max(self.third_after + LIMIT_OF_END_S)
    }

    fn numbers(&self) -> [i64; 4] {
        [self.third, self.right, self.third_after, self.over]
    }
}

/// A row of the table: the fault, the share, the traffic, and what was measured.
fn row(kind: Kind, share: f64, traffic: &str, measured: &Measured) -> String {
    let [third, right, third_after, over] = measured.numbers();
    let name = kind.fault(share, 1.0).name();
    let percent = 100.0 * share;
    format!("| `{name}` | {percent:.0} % | {traffic} | {third} | {right} | {third_after} | {over} |")
}

/// Measures all rows of a kind.
fn rows(kind: Kind) -> Vec<(String, Measured)> {
    let mut rows = Vec::new();
    for (traffic, gap) in TRAFFIC {
        for share in SHARES {
            let measured = measure(kind, share, gap);
            rows.push((row(kind, share, traffic, &measured), measured));
        }
    }
    rows
}

/// Where the results are.
const DOCUMENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/verdicts.md");
/// What is above the rows.
const TITLES: &str = "| fault | share | traffic | third event | right | third event after the end | over |\n\
                      |---|--:|--:|--:|--:|--:|--:|\n";
/// Ids of messages differ from run to run, and with them the times of retries. So do measured times, by the time between two
/// events at most, in seconds.
const TOLERANCE_S: i64 = 60;

/// Checks that a kind is in time, and that the document says so.
fn check(kind: Kind) {
    let document = std::fs::read_to_string(DOCUMENT).unwrap();
    let name = kind.fault(1.0, 1.0).name();
    let mut recorded = document.lines().filter(|line| line.starts_with(&format!("| `{name}` |")));
    for (row, measured) in rows(kind) {
        assert!(measured.is_in_time(), "{row} {measured:?}");
        let line = recorded.next().unwrap_or_else(|| panic!("docs/verdicts.md lacks {row}"));
        let columns = |text: &str| text.split('|').map(|cell| cell.trim().to_owned()).collect::<Vec<_>>();
        let (line, row) = (columns(line), columns(&row));
        assert_eq!(line[..4], row[..4], "docs/verdicts.md is out of date");
        for (recorded, measured) in line[4..8].iter().zip(&row[4..8]) {
            let [recorded, measured] = [recorded, measured].map(|cell| cell.parse::<i64>().unwrap());
            let tolerance = TOLERANCE_S.max(measured / 4);
            assert!((recorded - measured).abs() <= tolerance, "docs/verdicts.md is out of date: {row:?}");
        }
    }
    assert_eq!(recorded.next(), None, "docs/verdicts.md has a row that is not measured");
}

#[test]
fn the_verdict_about_a_store_outage_is_right_in_time() {
    check(Kind::StoreOutage);
}

#[test]
fn the_verdict_about_a_throttled_store_is_right_in_time() {
    check(Kind::StoreThrottle);
}

#[test]
fn the_verdict_about_a_slow_store_is_right_in_time() {
    check(Kind::StoreLatency);
}

#[test]
fn the_verdict_about_a_crashing_consumer_is_right_in_time() {
    check(Kind::ConsumerCrash);
}

#[test]
fn the_verdict_about_a_queue_outage_is_right_in_time() {
    check(Kind::QueueOutage);
}

#[test]
fn the_verdict_about_an_archiver_outage_is_right_in_time() {
    check(Kind::ArchiverOutage);
}

#[test]
#[ignore = "it writes the rows of docs/verdicts.md"]
fn the_rows_of_the_document_are_written() {
    let document = std::fs::read_to_string(DOCUMENT).unwrap();
    let (before, after) = document.split_once(TITLES).unwrap();
    let (_, after) = after.split_once("\n\n").unwrap();
    let kinds: Vec<_> = KINDS.into_iter().map(|kind| std::thread::spawn(move || rows(kind))).collect();
    let rows = kinds.into_iter().flat_map(|kind| kind.join().unwrap());
    let mut table = String::new();
    for (row, measured) in rows {
        println!("{row} {measured:?}");
        table += &format!("{row}\n");
    }
    std::fs::write(DOCUMENT, format!("{before}{TITLES}{table}\n{after}")).unwrap();
}
