//! The whole system in one process: pipeline, HTTP API and dashboard.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program that people start talks to them")]

use anyhow::{Context, Result, bail};
use clap::Parser;
#[cfg(feature = "aws")]
use spillway_aws::{Topology, operator::Deployment};
use spillway_core::ports::{Clock, Schemas};
use spillway_core::settings::PipelineSettings;
use spillway_dashboard::embedded::{self, EmbeddedSignIns};
use spillway_dashboard::settings::{AlarmOptions, Settings};
use spillway_dashboard::{Assets, Deps, SignIns, bind, demo, serve};
#[cfg(feature = "aws")]
use spillway_dashboard::{InMemorySignIns, aws};
use spillway_dashboard_app::ports::Environment;
use spillway_embedded::alarms::{self, AlarmSettings, RuleFiles, Watch, WatchOptions, Webhook};
use spillway_embedded::db::DATABASE;
use spillway_embedded::gateway::{self, Gateway};
use spillway_embedded::pipeline::{DASHBOARD_URL, SCHEMAS};
use spillway_embedded::schemas::SchemaFolder;
use spillway_embedded::telemetry::FILE_NAME as TELEMETRY;
use spillway_embedded::{FastClock, Local, Options, Pipeline, RealClock, runtime};
use std::future::Future;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

/// Fact in a data folder: its time ran ahead, so nothing can go on with it.
const SPEED: &str = "speed";
/// In a data folder while its history is being made.
const UNFINISHED: &str = "history.unfinished";

#[tokio::main]
async fn main() -> ExitCode {
    tracing_subscriber::fmt()
        .with_env_filter(
            tracing_subscriber::EnvFilter::try_from_env("SPILLWAY_LOG")
                .unwrap_or_else(|_| "warn,spillway::alarms=info".into()),
        )
        .with_writer(std::io::stderr)
        .init();
    match run(Settings::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(settings: Settings) -> Result<()> {
    // Both ports first: whoever has a typo in one should not wait for history to be made.
    let dashboard = bind(loopback(settings.dashboard_port)).await?;
    let assets = assets(settings.site.as_deref())?;
    if let Some(topology) = &settings.topology {
        return in_aws(topology, assets, dashboard).await;
    }
    if settings.attach {
        let (pipeline, local) = Pipeline::attach(settings.folder()).await?;
        let url = announce(&settings, &local, dashboard.local_addr()?.port()).await?;
        let asked_to_end = asked_to_end()?;
        println!("Dashboard {url}");
        return watch_over(&settings, (&pipeline, &local), assets, dashboard, asked_to_end).await;
    }
    let api = bind(loopback(settings.api_port)).await?;
    // Likewise for whoever has a mistake in a rule.
    let alarms = Alarms::from_settings(&settings.alarms)?;
    let schemas = prepare(&settings, &alarms.options).await?;
    let pipeline = open(&settings, &schemas).await?;
    let watch = Watch::open(&pipeline, alarms.options).await?;
    let gateway = Arc::new(gateway(&pipeline));
    let mut tasks = runtime::start(&pipeline);
    if settings.demo_traffic {
        let clock = Arc::clone(&pipeline.ports.clock);
        tasks.spawn(demo::run_traffic(Arc::clone(&gateway), clock, demo::EVENTS_PER_S));
    }
    let url = announce(&settings, &pipeline.local, dashboard.local_addr()?.port()).await?;
    let evaluation = alarms::start(&pipeline, watch, alarms.webhook);
    let asked_to_end = asked_to_end()?;
    println!("API http://{}/events", api.local_addr()?);
    println!("Dashboard {url}");

    let (stop, stopped) = watch::channel(());
    let wait = |mut stopped: watch::Receiver<()>| async move {
        // An error means that the sender is gone, which is a reason to stop as well.
        let _ = stopped.changed().await;
    };
    let api = tokio::spawn(gateway::serve(api, gateway, wait(stopped.clone())));
    let pages = watch_over(&settings, (&pipeline.ports, &pipeline.local), assets, dashboard, wait(stopped));
    let mut pages = std::pin::pin!(pages);
    // Pages that end on their own have failed; then the rest ends too, in order.
    let ended = tokio::select! {
        served = &mut pages => Some(served),
        () = asked_to_end => None,
    };
    let _ = stop.send(());
    let served = match ended {
        Some(served) => served,
        None => pages.await,
    };
    api.await.context("the HTTP API ended unexpectedly")?;
    drop(evaluation);
    drop(tasks);
    pipeline.recorder.finish(pipeline.ports.clock.now());
    served
}

fn loopback(port: u16) -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, port))
}

fn assets(site: Option<&Path>) -> Result<Assets> {
    match site {
        Some(site) => Ok(Assets::with_site(site)?),
        None => Ok(Assets::without_scripts()),
    }
}

/// What alarms are evaluated with, and where they are told.
struct Alarms {
    options: WatchOptions,
    webhook: Option<Webhook>,
}

impl Alarms {
    fn from_settings(settings: &AlarmOptions) -> Result<Self> {
        let own = settings.alarm_settings.as_deref().map(AlarmSettings::load).transpose();
        let own = own.context("--alarm-settings")?.unwrap_or_default();
        let limits = own.limits(&PipelineSettings::default())?;
        let rules =
            settings.alarm_rules.as_deref().map(|folder| RuleFiles::load(folder, &limits)).transpose();
        let rules = rules.context("--alarm-rules can't be used")?.unwrap_or_default();
        let webhook = settings.alarm_webhook.clone().map(Webhook::new).transpose()?;
        let has_webhook = webhook.is_some();
        Ok(Self { options: WatchOptions { rules, settings: own, has_webhook, silent: false }, webhook })
    }
}

/// Gets the data folder ready: empties it, fills it with history, lays out the schemas. Returns the schemas' folder.
async fn prepare(settings: &Settings, alarms: &WatchOptions) -> Result<PathBuf> {
    let folder = settings.folder();
    if settings.fresh {
        empty(folder)?;
    }
    if settings.speed > 1 && folder.join(DATABASE).exists() {
        bail!(
            "--speed needs an empty folder, and {} has data: add --fresh or choose another",
            folder.display()
        );
    }
    let unfinished = folder.join(UNFINISHED);
    if settings.demo_history && unfinished.exists() {
        // Half a day would pass for the whole of it.
        empty(folder)?;
    }
    if settings.demo_history && !folder.join(DATABASE).exists() {
        std::fs::create_dir_all(folder)
            .and_then(|()| std::fs::write(&unfinished, ""))
            .with_context(|| format!("can't write {}", unfinished.display()))?;
        eprintln!("Making 24 h of history in virtual time …");
        let data = folder.to_path_buf();
        let now = RealClock.now();
        let progress = |share: f64| eprint!("\r{:3.0} %", share * 100.0);
        let alarms = alarms.clone();
        let made = move || demo::make(&data, now, alarms, &progress);
        tokio::task::spawn_blocking(made).await.context("history ended unexpectedly")??;
        eprintln!();
        delete(&unfinished)?;
    }
    let schemas = settings.schemas.clone().unwrap_or_else(|| folder.join("schemas"));
    if settings.schemas.is_none() {
        let ready = if settings.demo_history || settings.demo_traffic {
            demo::write_schemas(&schemas)
        } else {
            std::fs::create_dir_all(&schemas)
        };
        ready.with_context(|| format!("can't write {}", schemas.display()))?;
    }
    Ok(schemas)
}

/// Deletes a data folder's files, and nothing else that may be there.
fn empty(folder: &Path) -> Result<()> {
    if !folder.exists() {
        return Ok(());
    }
    let is_ours = [DATABASE, UNFINISHED].iter().any(|name| folder.join(name).exists())
        || std::fs::read_dir(folder)?.next().is_none();
    if !is_ours {
        bail!("{} has files but no Spillway data: it is left alone; choose another folder", folder.display());
    }
    // Refuses if a pipeline runs on it.
    drop(spillway_embedded::db::DataFolder::own(folder).or_else(|error| match error {
        spillway_embedded::OpenError::Version { .. } => spillway_embedded::db::DataFolder::lock(folder),
        other => Err(other),
    })?);
    for name in [DATABASE, TELEMETRY] {
        for suffix in ["", "-wal", "-shm"] {
            delete(&folder.join(format!("{name}{suffix}")))?;
        }
    }
    delete(&folder.join(UNFINISHED))
}

/// Deletes a file if it is there.
fn delete(file: &Path) -> Result<()> {
    match std::fs::remove_file(file) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("can't delete {}", file.display()))
        }
        _ => Ok(()),
    }
}

async fn open(settings: &Settings, schemas: &Path) -> Result<Arc<Pipeline>> {
    let options = Options {
        settings: PipelineSettings {
            monthly_budget_usd: settings.alarms.monthly_budget_usd,
            ..PipelineSettings::default()
        },
        names: Default::default(),
        schemas: Arc::new(SchemaFolder::open(schemas)?) as Arc<dyn Schemas>,
        clock: clock(settings.speed),
        simulated_latency: None,
    };
    let pipeline = Arc::new(Pipeline::open(settings.folder(), options).await?);
    if settings.speed > 1 {
        pipeline.local.note(SPEED, &settings.speed.to_string()).await?;
    } else if pipeline.local.fact(SPEED).await?.is_some() {
        let folder = settings.folder().display();
        bail!(
            "the time in {folder} ran ahead of the machine's, with --speed: add --fresh or choose another folder"
        );
    }
    // Whatever history there is, somebody goes on with it now: nothing may take it for rubbish any more.
    delete(&settings.folder().join(UNFINISHED))?;
    let absolute = std::path::absolute(schemas)?;
    pipeline.local.note(SCHEMAS, &absolute.to_string_lossy()).await?;
    if settings.demo_traffic && pipeline.local.fact(demo::DEMO).await?.is_none() {
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

fn gateway(pipeline: &Pipeline) -> Gateway {
    Gateway::new(gateway::Ports::of(pipeline), &pipeline.ports.settings, &pipeline.ports.names)
}

/// Notes where the dashboard is, and makes a link that signs in once.
async fn announce(settings: &Settings, local: &Local, port: u16) -> Result<String> {
    let base = format!("http://127.0.0.1:{port}");
    local.note(DASHBOARD_URL, &base).await?;
    let token = EmbeddedSignIns(Arc::clone(&local.sign_ins)).issue().await;
    let token = token.with_context(|| format!("no sign-in link for {}", settings.folder().display()))?;
    Ok(format!("{base}/sign-in?token={}", token.reveal()))
}

async fn watch_over(
    settings: &Settings,
    (pipeline, local): (&spillway_core::Pipeline, &Local),
    assets: Assets,
    listener: tokio::net::TcpListener,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> Result<()> {
    let demo = local.fact(demo::DEMO).await?.is_some();
    let environment = Environment { name: "this machine".to_owned(), demo };
    let deps = Deps {
        ports: embedded::ports(settings.folder(), pipeline, local, environment),
        sign_ins: Arc::new(EmbeddedSignIns(Arc::clone(&local.sign_ins))),
        assets: Arc::new(assets),
        port: listener.local_addr()?.port(),
        sign_in_command: format!("spillway sign-in --embedded {}", settings.folder().display()),
    };
    Ok(serve(listener, deps, shutdown).await?)
}

/// Only the dashboard, for a deployment in AWS. Sessions end with the process: there is no folder to keep them in.
#[cfg(feature = "aws")]
async fn in_aws(topology: &Path, assets: Assets, listener: tokio::net::TcpListener) -> Result<()> {
    let deployment = Deployment::attach(Topology::load(topology)?).await?;
    let sign_ins = InMemorySignIns::new(Arc::clone(&deployment.ports.clock));
    let token = sign_ins.issue().await?;
    let deps = Deps {
        ports: aws::ports(&deployment)?,
        sign_ins: Arc::new(sign_ins),
        assets: Arc::new(assets),
        port: listener.local_addr()?.port(),
        sign_in_command: format!("spillway-dashboard --topology {}", topology.display()),
    };
    let (carrier, rate) = (deployment.ports.carrier(), deployment.ports.settings.replay_rate_per_s);
    let replays = tokio::spawn(async move { aws::carry_on(&carrier, rate).await });
    let asked_to_end = asked_to_end()?;
    println!("Dashboard http://127.0.0.1:{}/sign-in?token={}", deps.port, token.reveal());
    let served = serve(listener, deps, asked_to_end).await;
    replays.abort();
    Ok(served?)
}

/// A build without the AWS SDKs, such as the demo's, knows no deployments.
#[cfg(not(feature = "aws"))]
async fn in_aws(_: &Path, _: Assets, _: tokio::net::TcpListener) -> Result<()> {
    bail!(
        "this program was built without AWS, as the demo builds it: build it with cargo build --release --package \
         spillway-dashboard"
    )
}

/// Resolves at Ctrl-C or when the system asks the process to end. It listens from now on, not only once it is awaited:
/// whoever has read where the system is may end it at once.
fn asked_to_end() -> Result<impl Future<Output = ()> + Send + 'static> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}
