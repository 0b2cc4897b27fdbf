//! A pipeline put together: every port on one data folder.

use crate::alarms::AlarmLog;
use crate::archive::Archive;
use crate::clock::RealClock;
use crate::db::{DataFolder, Db, DbError, OpenError};
use crate::faults::Faults;
use crate::flow::Flow;
use crate::ops::Audit;
use crate::queue::Queues;
use crate::sign_ins::SignIns;
use crate::store::Store;
use crate::telemetry::{Mode, Recorder, TelemetryReader};
use spillway_core::metric::Measurement;
use spillway_core::names::Names;
use spillway_core::ports::{
    Clock, DeadLetterArchive, EventQueue, EventStore, FlowReader, MetricSink, OpsLog, ReplayLog, Schemas,
};
use spillway_core::schema::{FixedSchemas, SchemaFolder, SchemaSet};
use spillway_core::settings::PipelineSettings;
use spillway_core::usecases::replay::Replayer;
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

/// Every port of a pipeline, whether this process runs it or another one does.
#[derive(Clone)]
pub struct Attached {
    /// The primary queue, to send to.
    pub queue: Arc<dyn EventQueue>,
    /// Both queues with everything that can be asked of them.
    pub queues: Arc<Queues>,
    /// The event store.
    pub store: Arc<dyn EventStore>,
    /// The dead letters.
    pub archive: Arc<dyn DeadLetterArchive>,
    /// The replays.
    pub replays: Arc<dyn ReplayLog>,
    /// The audit log.
    pub ops: Arc<dyn OpsLog>,
    /// Where events are.
    pub flow: Arc<dyn FlowReader>,
    /// What the consumer checks events against.
    pub schemas: Arc<dyn Schemas>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Alarms: their states, every change, what was told.
    pub alarms: Arc<AlarmLog>,
    /// Faults that are switched on.
    pub faults: Arc<Faults>,
    /// Links and sessions for the dashboard.
    pub sign_ins: Arc<SignIns>,
    /// Its rules.
    pub settings: PipelineSettings,
    /// Its names in metrics and traces.
    pub names: Names,
    db: Arc<Db>,
    dashboard_url: Option<String>,
}

/// Attached pipelines record nothing: the one that runs does.
struct Ignore;

impl MetricSink for Ignore {
    fn record(&self, _: Measurement) {}
}

impl Attached {
    fn assemble(db: Arc<Db>, options: Options, metrics: Arc<dyn MetricSink>, url: Option<String>) -> Self {
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
        let store = Store::new(
            Arc::clone(&db),
            Arc::clone(&clock),
            Arc::clone(&faults),
            metrics,
            &names,
            settings.write_capacity_units,
            simulated_latency,
        );
        let archive = Arc::new(Archive::new(Arc::clone(&db), Arc::clone(&clock)));
        Self {
            queue: queues.clone(),
            queues,
            store: Arc::new(store),
            archive: archive.clone(),
            replays: archive,
            ops: Arc::new(Audit(Arc::clone(&db))),
            flow: Arc::new(Flow::new(Arc::clone(&db), Arc::clone(&clock))),
            alarms: Arc::new(AlarmLog::new(Arc::clone(&db))),
            schemas,
            faults,
            sign_ins: Arc::new(SignIns::new(Arc::clone(&db), Arc::clone(&clock))),
            clock,
            settings,
            names,
            db,
            dashboard_url: url,
        }
    }

    /// Starts and carries on replays.
    pub fn replayer(&self) -> Replayer {
        Replayer {
            archive: Arc::clone(&self.archive),
            replays: Arc::clone(&self.replays),
            queue: Arc::clone(&self.queue),
            ops: Arc::clone(&self.ops),
            schemas: Arc::clone(&self.schemas),
            clock: Arc::clone(&self.clock),
        }
    }

    /// Where the running pipeline's dashboard is, such as `http://127.0.0.1:3000`; `None` if none was started.
    pub fn dashboard_url(&self) -> Option<String> {
        self.dashboard_url.clone()
    }

    /// Notes a fact about the pipeline for processes that attach to it.
    ///
    /// # Errors
    /// The data folder can't be written.
    pub async fn note(&self, name: &'static str, value: &str) -> Result<(), DbError> {
        let value = value.to_owned();
        self.db
            .write(move |tx| tx.execute("INSERT OR REPLACE INTO facts VALUES (?1, ?2)", [name, &value]))
            .await
            .map(|_| ())
    }

    /// Reads a fact about the pipeline.
    ///
    /// # Errors
    /// The data folder can't be read.
    pub async fn fact(&self, name: &'static str) -> Result<Option<String>, DbError> {
        fact(&self.db, name).await
    }
}

/// Fact: the folder with the schemas.
pub const SCHEMAS: &str = "schemas";
/// Fact: the dashboard's address.
pub const DASHBOARD_URL: &str = "dashboard_url";
/// Fact: the settings, as JSON.
const SETTINGS: &str = "settings";
/// Fact: the names, as JSON.
const NAMES: &str = "names";

async fn fact(db: &Db, name: &'static str) -> Result<Option<String>, DbError> {
    use rusqlite::OptionalExtension as _;
    db.read(move |connection| {
        connection.query_row("SELECT value FROM facts WHERE name = ?1", [name], |row| row.get(0)).optional()
    })
    .await
}

/// A pipeline that this process runs.
pub struct Pipeline {
    /// Its ports.
    pub ports: Attached,
    /// What it measures.
    pub recorder: Arc<Recorder>,
    /// Whether it runs in virtual time.
    pub virtual_time: bool,
    /// Reads what it measured, once that is written.
    pub telemetry: Arc<TelemetryReader>,
}

impl Pipeline {
    /// Opens a data folder in order to run the pipeline on it.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub async fn open(dir: &Path, options: Options) -> Result<Self, OpenError> {
        let folder = DataFolder::own(dir)?;
        let unusable =
            |error: DbError| OpenError::Unusable { folder: dir.to_owned(), reason: error.to_string() };
        let virtual_time = options.simulated_latency.is_some();
        let db = if virtual_time { Db::open_simulated(folder) } else { Db::open(folder) };
        let db = Arc::new(db.map_err(unusable)?);
        let mode = if virtual_time { Mode::Simulation { write_every_s: 3600 } } else { Mode::Live };
        let recorder = Arc::new(Recorder::new(dir, Arc::clone(&options.clock), mode));
        let ports = Attached::assemble(db, options, recorder.clone(), None);
        for (name, value) in
            [(SETTINGS, serde_json::to_string(&ports.settings)), (NAMES, serde_json::to_string(&ports.names))]
        {
            ports.note(name, &value.unwrap_or_default()).await.map_err(unusable)?;
        }
        ports.faults.refresh().await.map_err(unusable)?;
        let telemetry = Arc::new(TelemetryReader::new(dir));
        Ok(Self { ports, recorder, virtual_time, telemetry })
    }

    /// Attaches to the data folder of a pipeline that may be running in another process.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub async fn attach(dir: &Path) -> Result<Attached, OpenError> {
        let folder = DataFolder::attach(dir)?;
        let unusable =
            |error: DbError| OpenError::Unusable { folder: dir.to_owned(), reason: error.to_string() };
        let db = Arc::new(Db::open(folder).map_err(unusable)?);
        let parse = |text: Option<String>| text.unwrap_or_default();
        let settings = serde_json::from_str(&parse(fact(&db, SETTINGS).await.map_err(unusable)?));
        let names = serde_json::from_str(&parse(fact(&db, NAMES).await.map_err(unusable)?));
        let schemas: Arc<dyn Schemas> = match fact(&db, SCHEMAS).await.map_err(unusable)? {
            Some(path) => match SchemaFolder::open(Path::new(&path)) {
                Ok(schemas) => Arc::new(schemas),
                Err(error) => return Err(unusable(DbError::Other(error.to_string()))),
            },
            None => Arc::new(FixedSchemas(Arc::new(SchemaSet::default()))),
        };
        let url = fact(&db, DASHBOARD_URL).await.map_err(unusable)?;
        let options = Options {
            settings: settings.unwrap_or_default(),
            names: names.unwrap_or_default(),
            schemas,
            clock: Arc::new(RealClock),
            simulated_latency: None,
        };
        Ok(Attached::assemble(db, options, Arc::new(Ignore), url))
    }
}
