//! The whole system in this process: pipeline, HTTP API and dashboard.

mod alarms;
mod folder;
mod pages;

pub use alarms::AlarmOptions;
pub use pages::{OpenPages, PageOptions, announce, announce_beside, serve_pages};

use crate::answer::CommandError;
use crate::console::Console;
use crate::demo;
use anstream::{AutoStream, ColorChoice};
use anyhow::{Context as _, Result, bail};
use spillway_core::ports::{Clock, Schemas};
use spillway_core::settings::PipelineSettings;
use spillway_dashboard_server::bind;
use spillway_embedded::alarms as evaluation;
use spillway_embedded::alarms::{Watch, WatchOptions};
use spillway_embedded::db::DATABASE;
use spillway_embedded::gateway::{self, Gateway};
use spillway_embedded::loops::{LoopEnded, Loops};
use spillway_embedded::pipeline::SCHEMAS;
use spillway_embedded::schemas::SchemaFolder;
use spillway_embedded::{FastClock, Options as PipelineOptions, Pipeline, RealClock, runtime};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

/// A fact recorded in a data folder: its time ran faster than real time, so no process can continue on it.
const SPEED: &str = "speed";

/// How long a system that is asked to end waits for running invocations: longer than any that is not stuck.
const LAST_INVOCATIONS: Duration = Duration::from_secs(5);

/// How a system runs on this machine.
#[derive(Clone, Debug, clap::Args)]
pub struct SystemOptions {
    /// Loopback port of the HTTP API
    #[arg(long, value_name = "PORT", default_value_t = 8080)]
    api_port: u16,

    /// The dashboard's options
    #[command(flatten)]
    pages: PageOptions,

    /// Folder with JSON Schemas for event types, each as TYPE.json [default: DIR/schemas]
    #[arg(long, value_name = "DIR")]
    schemas: Option<PathBuf>,

    /// Delete the folder's data first
    #[arg(long)]
    fresh: bool,

    /// For tests and demonstrations: factor by which time passes faster. The folder must be empty, or be emptied with
    /// --fresh, because its times run ahead of this machine's clock
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=600), hide = true)]
    speed: u32,

    /// How alarms are evaluated, and where notifications are sent
    #[command(flatten)]
    alarms: AlarmOptions,
}

impl SystemOptions {
    /// Refuses what can't work, before anything is opened.
    fn check(&self) -> Result<(), CommandError> {
        if self.api_port == self.pages.dashboard_port && self.api_port != 0 {
            let what =
                format!("--api-port and --dashboard-port are both {}: choose two ports", self.api_port);
            return Err(CommandError::Usage(what));
        }
        Ok(())
    }
}

/// The artificial data of a system.
#[derive(Clone, Copy, Debug, Default)]
pub struct MadeUp {
    /// With a day of history in an empty folder.
    pub history: bool,
    /// With live traffic.
    pub traffic: bool,
}

impl MadeUp {
    fn anything(self) -> bool {
        self.history || self.traffic
    }
}

/// Runs the system on a data folder until the process is asked to end.
pub async fn run(
    folder: &Path,
    options: &SystemOptions,
    made_up: MadeUp,
    console: &mut Console,
) -> Result<()> {
    // From here on a request to end is no longer the end of the process, at whatever point it comes.
    let mut asked_to_end = std::pin::pin!(asked_to_end()?);
    log_to_standard_error();
    options.check()?;
    // Open both ports first: a typo in one should be reported before the user waits for the history.
    let dashboard = options.pages.open().await?;
    let api = bind(loopback(options.api_port)).await?;
    // The same is true of a mistake in an alarm rule.
    let alarms = alarms::Alarms::from_options(&options.alarms)?;
    let Some(schemas) = prepare(folder, options, made_up, &alarms.options, asked_to_end.as_mut()).await?
    else {
        return Ok(());
    };
    let pipeline = open(folder, options, made_up, &schemas).await?;
    let watch = Watch::open(&pipeline, alarms.options).await?;
    let ports = gateway::Ports::of(&pipeline);
    let gateway = Gateway::new(ports, &pipeline.ports.settings, &pipeline.ports.names);
    let gateway = Arc::new(gateway.with_hosts(options.pages.hosts()));
    let mut running = runtime::start(&pipeline);
    let mut traffic = Loops::default();
    if made_up.traffic {
        let clock = Arc::clone(&pipeline.ports.clock);
        let events = demo::run_traffic(Arc::clone(&gateway), clock, demo::EVENTS_PER_S);
        traffic.spawn("the demo's traffic", events);
    }
    let url = announce(folder, (&pipeline.ports, &pipeline.local), &dashboard.url).await?;
    let mut evaluation = evaluation::start(&pipeline, watch, alarms.webhook);
    let api_url = format!("http://{}/events", api.local_addr()?);
    announce_to(console, Some(&api_url), &url);

    let (stop, stopped) = watch::channel(());
    let wait = |mut stopped: watch::Receiver<()>| async move {
        // An error means that the sender was dropped, which is also a reason to stop.
        let _ = stopped.changed().await;
    };
    let mut requests = Loops::default();
    requests.spawn("the HTTP API", gateway::serve(api, gateway, wait(stopped.clone())));
    let dashboard = OpenPages { api: Some(api_url), ..dashboard };
    let pages = serve_pages((&pipeline.ports, &pipeline.local), dashboard, wait(stopped));
    let mut pages = std::pin::pin!(pages);
    // If a part ends without a request to stop, it has failed. Then the rest ends too, in order: a system that goes on
    // without its consumer or its alarms looks alive.
    let mut served = None;
    let failed: Option<LoopEnded> = tokio::select! {
        result = &mut pages => {
            served = Some(result);
            None
        }
        ended = running.ended() => Some(ended),
        ended = evaluation.ended() => Some(ended),
        ended = requests.ended() => Some(ended),
        ended = traffic.ended() => Some(ended),
        () = &mut asked_to_end => None,
    };
    let _ = stop.send(());
    let served = match served {
        Some(served) => served,
        None => pages.await,
    };
    requests.finished().await;
    drop(evaluation);
    drop(traffic);
    running.stop(LAST_INVOCATIONS).await;
    pipeline.recorder.finish(pipeline.ports.clock.now());
    match failed {
        Some(ended) => Err(ended.into()),
        None => served,
    }
}

fn loopback(port: u16) -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, port))
}

/// Logs to standard error what `SPILLWAY_LOG` asks for.
pub fn log_to_standard_error() {
    tracing_subscriber::fmt()
        .with_env_filter(
            tracing_subscriber::EnvFilter::try_from_env("SPILLWAY_LOG")
                .unwrap_or_else(|_| "warn,spillway::alarms=info".into()),
        )
        // A file gets no colours.
        .with_ansi(AutoStream::choice(&std::io::stderr()) != ColorChoice::Never)
        .with_writer(std::io::stderr)
        .init();
}

/// Prints the addresses of what runs. The system continues if they cannot be written.
pub fn announce_to(console: &mut Console, api: Option<&str>, dashboard: &str) {
    let printed = match (console.json(), api) {
        (true, api) => console.document(&serde_json::json!({"api": api, "dashboard": dashboard})),
        (false, Some(api)) => console.text(&format!("API {api}\nDashboard {dashboard}\n")),
        (false, None) => console.line(&format!("Dashboard {dashboard}")),
    };
    drop(printed);
}

/// Prepares the data folder: empties it, fills it with history, writes the schemas. Returns the schemas' folder, or `None`
/// if the process was asked to end meanwhile.
async fn prepare(
    folder: &Path,
    options: &SystemOptions,
    made_up: MadeUp,
    alarms: &WatchOptions,
    asked_to_end: impl Future<Output = ()>,
) -> Result<Option<PathBuf>> {
    if options.fresh {
        folder::empty(folder)?;
    }
    if options.speed > 1 && folder.join(DATABASE).exists() {
        bail!(
            "--speed needs an empty folder, and {} has data: add --fresh or choose another",
            folder.display()
        );
    }
    if made_up.history && folder::make_history(folder, alarms, asked_to_end).await?.is_break() {
        return Ok(None);
    }
    if let Some(schemas) = &options.schemas {
        if let Err(error) = std::fs::read_dir(schemas) {
            let what = format!("--schemas: can't read {}: {error}", schemas.display());
            return Err(CommandError::Usage(what).into());
        }
        return Ok(Some(schemas.clone()));
    }
    let schemas = folder.join("schemas");
    let ready =
        if made_up.anything() { demo::write_schemas(&schemas) } else { std::fs::create_dir_all(&schemas) };
    ready.with_context(|| format!("cannot write {}", schemas.display()))?;
    Ok(Some(schemas))
}

async fn open(
    folder: &Path,
    options: &SystemOptions,
    made_up: MadeUp,
    schemas: &Path,
) -> Result<Arc<Pipeline>> {
    let pipeline_options = PipelineOptions {
        settings: PipelineSettings {
            monthly_budget_usd: options.alarms.monthly_budget_usd,
            ..PipelineSettings::default()
        },
        schemas: Arc::new(SchemaFolder::open(schemas)?) as Arc<dyn Schemas>,
        ..PipelineOptions::at(clock(options.speed))
    };
    let pipeline = Arc::new(Pipeline::open(folder, pipeline_options).await?);
    if options.speed > 1 {
        pipeline.local.note(SPEED, &options.speed.to_string()).await?;
    } else if pipeline.local.fact(SPEED).await?.is_some() {
        let folder = folder.display();
        bail!(
            "the time in {folder} is ahead of this machine's clock, because of --speed: add --fresh or choose another folder"
        );
    }
    // From here on the history is in use, complete or not: no later start may delete it as unfinished.
    folder::keep_history(folder)?;
    let absolute = std::path::absolute(schemas)?;
    pipeline.local.note(SCHEMAS, &absolute.to_string_lossy()).await?;
    if made_up.traffic && pipeline.local.fact(demo::DEMO).await?.is_none() {
        pipeline.local.note(demo::DEMO, "traffic").await?;
    }
    Ok(pipeline)
}

fn clock(speed: u32) -> Arc<dyn Clock> {
    match speed {
        1 => Arc::new(RealClock),
        speed => Arc::new(FastClock::starting_at(RealClock.now(), speed)),
    }
}

/// Resolves at Ctrl-C or when the system asks the process to end. It listens from the call on, before it is awaited: a
/// program that has read the printed addresses may end this process at once.
pub fn asked_to_end() -> Result<impl Future<Output = ()> + Send + 'static> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}
