//! Assembles a pipeline: every port on one data folder.

use crate::alarms::AlarmLog;
use crate::archive::Archive;
use crate::clock::{RealClock, SteadyClock};
use crate::db::{DataFolder, Db, DbError, OpenError, text};
use crate::faults::Faults;
use crate::jump::{Jump, LAST_JUMP};
use crate::ledger::LedgerTables;
use crate::locate::Locator;
use crate::ops::Audit;
use crate::queue::Queues;
use crate::schemas::SchemaFolder;
use crate::store::Store;
use crate::telemetry::{Mode, Recorder, TelemetryReader};
use serde::de::DeserializeOwned;
use spillway_core::metric::Measurement;
use spillway_core::names::Names;
use spillway_core::pipeline::WorkerPorts;
use spillway_core::ports::{Clock, MetricSink, Schemas};
use spillway_core::schema::FixedSchemas;
use spillway_core::settings::PipelineSettings;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// How to open a pipeline.
pub struct Options {
    /// Its rules.
    pub settings: PipelineSettings,
    /// Its names in metrics and traces.
    pub names: Names,
    /// What the consumer checks events against.
    pub schemas: Arc<dyn Schemas>,
    /// Its clock.
    pub clock: Arc<dyn Clock>,
    /// `Some` in virtual time: what a call of the store takes.
    pub simulated_latency: Option<Duration>,
}

impl Options {
    /// A pipeline with that clock: default settings and names, no schemas, and real time.
    pub fn at(clock: Arc<dyn Clock>) -> Self {
        Self {
            settings: PipelineSettings::default(),
            names: Names::default(),
            schemas: Arc::new(FixedSchemas::default()),
            clock,
            simulated_latency: None,
        }
    }
}

/// The parts beside its ports that only a pipeline on one machine has.
#[derive(Clone)]
pub struct Local {
    /// Both queues, with their snapshots.
    pub queues: Arc<Queues>,
    /// Alarms: their states, every change, every notification.
    pub alarms: Arc<AlarmLog>,
    /// Faults that are switched on.
    pub faults: Arc<Faults>,
    /// Reads what was measured. In the process that runs the pipeline it also reads what is not written yet.
    pub telemetry: Arc<TelemetryReader>,
    db: Arc<Db>,
}

/// A program that only attaches to a pipeline records nothing: the one that runs it does.
struct Ignore;

impl MetricSink for Ignore {
    fn record(&self, _: Measurement) {}
}

/// Everything on one database.
fn assemble(
    db: Arc<Db>,
    options: Options,
    metrics: Arc<dyn MetricSink>,
    telemetry: Arc<TelemetryReader>,
) -> (spillway_core::Pipeline, WorkerPorts, Local) {
    let Options { settings, names, schemas, clock, simulated_latency } = options;
    let faults = Arc::new(Faults::new(Arc::clone(&db), Arc::clone(&clock)));
    let queues = Arc::new(Queues::new(
        Arc::clone(&db),
        Arc::clone(&clock),
        Arc::clone(&faults),
        Arc::clone(&metrics),
        settings.clone(),
        &names,
    ));
    let store = Arc::new(Store::new(
        Arc::clone(&db),
        Arc::clone(&clock),
        Arc::clone(&faults),
        metrics,
        &names,
        settings.write_capacity_units,
        simulated_latency,
    ));
    let archive = Arc::new(Archive::new(Arc::clone(&db), Arc::clone(&clock)));
    let workers = WorkerPorts {
        receiver: queues.clone(),
        redelivery: queues.clone(),
        reports: archive.clone(),
        sink: archive.clone(),
    };
    let local = Local {
        queues: Arc::clone(&queues),
        alarms: Arc::new(AlarmLog::new(Arc::clone(&db))),
        faults,
        telemetry,
        db: Arc::clone(&db),
    };
    let ports = spillway_core::Pipeline {
        queue: queues,
        store: store.clone(),
        stored: store,
        archive: archive.clone(),
        replays: archive,
        ops: Arc::new(Audit(Arc::clone(&db))),
        ledger: Arc::new(LedgerTables::new(Arc::clone(&db), Arc::clone(&clock))),
        events: Arc::new(Locator::new(db, Arc::clone(&clock))),
        schemas,
        clock,
        names: Arc::new(names),
        settings: Arc::new(settings),
    };
    (ports, workers, local)
}

impl Local {
    /// The database in the data folder, for programs that keep a table of their own in it.
    pub fn db(&self) -> &Arc<Db> {
        &self.db
    }

    /// Records a fact about the pipeline for processes that attach to it.
    pub async fn note(&self, name: &'static str, value: &str) -> Result<(), DbError> {
        let value = value.to_owned();
        self.db
            .write(move |tx| tx.execute("INSERT OR REPLACE INTO facts VALUES (?1, ?2)", [name, &value]))
            .await
            .map(|_| ())
    }

    /// The last jump of the machine's clock; `None` if there was none, or it can't be read.
    pub async fn last_jump(&self) -> Option<Jump> {
        let fact = self.fact(LAST_JUMP).await.ok().flatten()?;
        serde_json::from_str(&fact).ok()
    }

    /// Reads a fact about the pipeline.
    pub async fn fact(&self, name: &'static str) -> Result<Option<String>, DbError> {
        fact(&self.db, name).await
    }
}

/// Fact: the folder with the schemas.
pub const SCHEMAS: &str = "schemas";
/// Fact: the settings, as JSON.
const SETTINGS: &str = "settings";
/// Fact: the names, as JSON.
const NAMES: &str = "names";

async fn fact(db: &Db, name: &'static str) -> Result<Option<String>, DbError> {
    use rusqlite::OptionalExtension as _;
    db.read(move |connection| {
        connection.query_row("SELECT value FROM facts WHERE name = ?1", [name], |row| text(row, 0)).optional()
    })
    .await
}

/// What a fact says. Without the fact, its default: no pipeline was ever started on the folder.
///
/// # Errors
/// Another version wrote it, so that this one can't read it. Defaults would be wrong limits and wrong names.
fn from_json<T: Default + DeserializeOwned>(
    dir: &Path,
    name: &str,
    fact: Option<String>,
) -> Result<T, OpenError> {
    let Some(text) = fact else { return Ok(T::default()) };
    serde_json::from_str(&text).map_err(|error| {
        let reason = format!(
            "another version of Spillway wrote its {name}, which this one can't read ({error}): use the version that runs \
             the pipeline"
        );
        OpenError::Unusable { folder: dir.to_owned(), reason }
    })
}

/// A pipeline that this process runs.
pub struct Pipeline {
    /// Its ports.
    pub ports: spillway_core::Pipeline,
    /// The ports of its functions.
    pub workers: WorkerPorts,
    /// What only a pipeline on one machine has.
    pub local: Local,
    /// Its clock. It follows the machine's when [`crate::jump::follow`] lets it.
    pub clock: Arc<SteadyClock>,
    /// What it measures.
    pub recorder: Arc<Recorder>,
    /// Whether it runs in virtual time.
    pub virtual_time: bool,
    /// Reads what it measured, also what is not written yet.
    pub telemetry: Arc<TelemetryReader>,
}

impl Pipeline {
    /// Opens a data folder in order to run the pipeline on it.
    pub async fn open(dir: &Path, options: Options) -> Result<Self, OpenError> {
        let folder = DataFolder::own(dir)?;
        let unusable = |error: DbError| OpenError::unusable(dir, error);
        let virtual_time = options.simulated_latency.is_some();
        let clock = Arc::new(SteadyClock::beginning_as(Arc::clone(&options.clock)));
        let options = Options { clock: Arc::clone(&clock) as Arc<dyn Clock>, ..options };
        let db = if virtual_time { Db::open_simulated(folder) } else { Db::open(folder) };
        let db = Arc::new(db.map_err(unusable)?);
        let mode = if virtual_time { Mode::Simulation { write_every_s: 3600 } } else { Mode::Live };
        let recorder = Arc::new(Recorder::new(dir, Arc::clone(&options.clock), mode));
        let telemetry = Arc::new(recorder.reader(dir));
        let (ports, workers, local) = assemble(db, options, recorder.clone(), Arc::clone(&telemetry));
        for (name, value) in [
            (SETTINGS, serde_json::to_string(&*ports.settings)),
            (NAMES, serde_json::to_string(&*ports.names)),
        ] {
            local.note(name, &value.unwrap_or_default()).await.map_err(unusable)?;
        }
        local.queues.limit_waits().await.map_err(unusable)?;
        local.faults.refresh().await.map_err(unusable)?;
        Ok(Self { ports, workers, local, clock, recorder, virtual_time, telemetry })
    }

    /// Attaches to the data folder of a pipeline that may be running in another process.
    pub async fn attach(dir: &Path) -> Result<(spillway_core::Pipeline, Local), OpenError> {
        let folder = DataFolder::attach(dir)?;
        let unusable = |error: DbError| OpenError::unusable(dir, error);
        let db = Arc::new(Db::open(folder).map_err(unusable)?);
        let settings = from_json(dir, SETTINGS, fact(&db, SETTINGS).await.map_err(unusable)?)?;
        let names = from_json(dir, NAMES, fact(&db, NAMES).await.map_err(unusable)?)?;
        let schemas: Arc<dyn Schemas> = match fact(&db, SCHEMAS).await.map_err(unusable)? {
            Some(path) => Arc::new(SchemaFolder::new(Path::new(&path))),
            None => Arc::new(FixedSchemas::default()),
        };
        let options = Options { settings, names, schemas, ..Options::at(Arc::new(RealClock)) };
        let telemetry = Arc::new(TelemetryReader::new(dir));
        let (ports, _, local) = assemble(db, options, Arc::new(Ignore), telemetry);
        Ok((ports, local))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::DATABASE;
    use spillway_core::dead_letter::DeadLetterFilter;
    use spillway_core::ports::{StoredEventFilter, StoredOrder};
    use spillway_core::{Pipeline as Ports, ids::ReplayId};
    use spillway_testkit::letters::audit_entry;

    /// Reads all that commands read.
    async fn read(ports: &Ports, local: &Local) {
        let (all, none) = (DeadLetterFilter::default(), StoredEventFilter::default());
        assert_eq!(ports.ledger.ledger().await.unwrap().accepted, 0);
        assert!(ports.events.locate(&"e".into(), None).await.unwrap().is_empty());
        assert_eq!(ports.events.places(&["e".into()]).await.unwrap(), [None]);
        let stored = ports.stored.list(&none, StoredOrder::NewestFirst, None, 10).await.unwrap();
        assert!(stored.items.is_empty());
        assert_eq!(ports.archive.list(&all, None, 10).await.unwrap().total, 0);
        assert!(ports.archive.groups(&all, None, 10).await.unwrap().items.is_empty());
        assert!(ports.archive.of_event(&"e".into()).await.unwrap().is_empty());
        assert!(ports.replays.list(10).await.unwrap().is_empty());
        assert!(ports.replays.get(&ReplayId::new("r")).await.unwrap().is_none());
        assert!(ports.ops.entries(None, 10).await.unwrap().is_empty());
        assert!(local.faults.list().await.unwrap().is_empty());
        assert!(local.alarms.statuses().await.unwrap().is_empty());
    }

    #[tokio::test]
    async fn settings_and_names_of_another_version_are_not_replaced_by_defaults() {
        let dir = tempfile::tempdir().unwrap();
        let pipeline = Pipeline::open(dir.path(), Options::at(Arc::new(RealClock))).await.unwrap();
        Pipeline::attach(dir.path()).await.unwrap();
        for name in [SETTINGS, NAMES] {
            let before = pipeline.local.fact(name).await.unwrap().unwrap();
            pipeline.local.note(name, r#"{"of_a_later_version": 1}"#).await.unwrap();
            let error = Pipeline::attach(dir.path()).await.err().unwrap().to_string();
            assert!(error.contains("another version") && error.contains(name), "{error}");
            pipeline.local.note(name, &before).await.unwrap();
        }
    }

    #[tokio::test]
    async fn commands_that_only_read_do_not_wait_for_a_writer() {
        let dir = tempfile::tempdir().unwrap();
        let pipeline = Pipeline::open(dir.path(), Options::at(Arc::new(RealClock))).await.unwrap();
        let writer = rusqlite::Connection::open(dir.path().join(DATABASE)).unwrap();
        writer.execute_batch("BEGIN IMMEDIATE; UPDATE counters SET value = 7").unwrap();
        let (ports, local) = Pipeline::attach(dir.path()).await.unwrap();
        read(&ports, &local).await;
        writer.execute_batch("ROLLBACK").unwrap();
        drop(pipeline);
    }

    #[tokio::test]
    async fn a_copy_where_nothing_can_be_written_is_read_and_changes_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        drop(Pipeline::open(dir.path(), Options::at(Arc::new(RealClock))).await.unwrap());
        // SQLite can make no log there, as on a read-only disk. Permissions do not stop a test that runs as root.
        std::os::unix::fs::symlink("nowhere", dir.path().join(format!("{DATABASE}-shm"))).unwrap();
        let (ports, local) = Pipeline::attach(dir.path()).await.unwrap();
        read(&ports, &local).await;
        assert_eq!(local.note("name", "value").await, Err(DbError::ReadOnly));
        let error = ports.ops.append(&[audit_entry(1, "m1", "")]).await.unwrap_err().to_string();
        assert_eq!(
            error,
            "the archive refused: the data folder is read-only: make it writable for this user"
        );
    }
}
