//! `spillway fault`: faults that an operator causes on purpose.

use crate::answer::{CommandError, ExitStatus};
use crate::backend::Backend;
use crate::console::{BOLD, Console, paint};
use crate::listing::{Column, Field, Sorting};
use crate::target::Actor;
use crate::text;
use crate::values;
use crate::watch::{Watch, watched};
use clap::{Args, Subcommand, ValueEnum};
use serde_json::json;
use spillway_core::Timestamp;
use spillway_core::ports::{AuditEntry, AuditNote};
use spillway_embedded::faults::{Fault, FaultKind};
use std::time::Duration;

/// Faults by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, strum::IntoStaticStr)]
#[strum(serialize_all = "kebab-case")]
pub enum Kind {
    /// The event store answers with an error, to a share of the writes (--share)
    StoreOutage,
    /// The event store has only a share of its capacity (--capacity)
    StoreThrottle,
    /// The event store answers later (--added-ms), to a share of the calls (--share)
    StoreLatency,
    /// The consumer dies in a share of its invocations (--probability)
    ConsumerCrash,
    /// The primary queue refuses a share of the calls (--share): the API answers 503
    QueueOutage,
    /// The archiver fails in a share of its invocations (--share): dead letters stay in the DLQ
    ArchiverOutage,
}

impl Kind {
    fn name(self) -> &'static str {
        self.into()
    }
}

/// What to do with faults.
#[derive(Clone, Debug, Subcommand)]
pub enum Command {
    /// Switch a fault on; a running pipeline is affected within a second
    Start(Start),
    /// Switch a fault off
    Stop(Stop),
    /// List the active faults
    List(List),
}

/// Options of `fault start`.
#[derive(Clone, Debug, Args)]
pub struct Start {
    /// Kind of fault
    #[arg(value_enum)]
    kind: Kind,
    /// Remaining share of the store's capacity, for store-throttle [default: 0.3]
    #[arg(long, value_name = "SHARE", value_parser = values::share)]
    capacity: Option<f64>,
    /// Milliseconds added to each call, for store-latency [default: 500]
    #[arg(long, value_name = "MS", value_parser = clap::value_parser!(u64).range(1..=600_000))]
    added_ms: Option<u64>,
    /// Share of the invocations that die, for consumer-crash [default: 0.2]
    #[arg(long, value_name = "SHARE", value_parser = values::share)]
    probability: Option<f64>,
    /// Share of the calls that fail, for store-outage, queue-outage and archiver-outage, or are late, for store-latency
    /// [default: 1]
    #[arg(long, value_name = "SHARE", value_parser = values::share)]
    share: Option<f64>,
    /// Switch it off automatically after this time
    #[arg(long = "for", value_name = "SPAN", value_parser = values::span)]
    lasting: Option<Duration>,
    #[command(flatten)]
    actor: Actor,
}

/// Options of `fault stop`.
#[derive(Clone, Debug, Args)]
pub struct Stop {
    /// Kind of fault
    #[arg(value_enum, required_unless_present = "all")]
    kind: Option<Kind>,
    /// Every active fault
    #[arg(long, conflicts_with = "kind")]
    all: bool,
    #[command(flatten)]
    actor: Actor,
}

/// Options of `fault list`.
#[derive(Clone, Debug, Args)]
pub struct List {
    /// Also faults that have ended
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    sorting: Sorting,
    #[command(flatten)]
    pub watch: Watch,
}

impl Command {
    /// Whether it prints a list.
    pub fn is_list(&self) -> bool {
        matches!(self, Self::List(_))
    }
}

pub async fn run(command: &Command, backend: &Backend, console: &mut Console) -> anyhow::Result<ExitStatus> {
    match command {
        Command::Start(options) => start(options, backend, console).await,
        Command::Stop(options) => stop(options, backend, console).await,
        Command::List(options) => {
            watched(options.watch, backend, console, async |console| list(options, backend, console).await)
                .await
        }
    }
}

impl Start {
    /// The fault.
    ///
    /// # Errors
    /// An option that this kind of fault does not have. Whoever gives one means another kind.
    fn fault(&self) -> Result<FaultKind, CommandError> {
        let share = self.share.unwrap_or(1.0);
        let (own, kind): (&[&str], _) = match self.kind {
            Kind::StoreOutage => (&["--share"], FaultKind::StoreOutage { share }),
            Kind::StoreThrottle => {
                (&["--capacity"], FaultKind::StoreThrottle { capacity: self.capacity.unwrap_or(0.3) })
            }
            Kind::StoreLatency => {
                let added = Duration::from_millis(self.added_ms.unwrap_or(500));
                (&["--added-ms", "--share"], FaultKind::StoreLatency { added, share })
            }
            Kind::ConsumerCrash => (
                &["--probability"],
                FaultKind::ConsumerCrash { probability: self.probability.unwrap_or(0.2) },
            ),
            Kind::QueueOutage => (&["--share"], FaultKind::QueueOutage { share }),
            Kind::ArchiverOutage => (&["--share"], FaultKind::ArchiverOutage { share }),
        };
        let given = [
            ("--capacity", self.capacity.is_some()),
            ("--added-ms", self.added_ms.is_some()),
            ("--probability", self.probability.is_some()),
            ("--share", self.share.is_some()),
        ];
        match given.into_iter().find(|(option, is_given)| *is_given && !own.contains(option)) {
            None => Ok(kind),
            Some((option, _)) => Err(CommandError::Usage(format!(
                "{} has no {option}: leave it out, or use {}",
                self.kind.name(),
                own.join(" or ")
            ))),
        }
    }
}

async fn start(options: &Start, backend: &Backend, console: &mut Console) -> anyhow::Result<ExitStatus> {
    let from = backend.pipeline.clock.now();
    let kind = options.fault()?;
    let until = options.lasting.map(|span| from + span);
    let fault = Fault { kind, from, until };
    let entry = entry(from, &options.actor, "fault start", &fault);
    backend.local()?.start_fault(fault.clone(), entry).await?;
    if console.json() {
        console.document(&json!({"started": fault}))?;
    } else {
        let until = match fault.until {
            Some(until) => format!("until {}", text::time(from, until)),
            None => console.addressed(&format!("until spillway fault stop {}", fault.kind.name())),
        };
        console.line(&format!("{} is on {until}", paint(BOLD, &describe(&fault.kind))))?;
    }
    Ok(ExitStatus::Ok)
}

async fn stop(options: &Stop, backend: &Backend, console: &mut Console) -> anyhow::Result<ExitStatus> {
    let now = backend.pipeline.clock.now();
    let mut on: Vec<Fault> = backend.local()?.faults().await?;
    on.retain(|fault| fault.is_on(now) && options.kind.is_none_or(|kind| kind.name() == fault.kind.name()));
    let mut stopped = 0;
    for fault in &on {
        let entry = entry(now, &options.actor, "fault stop", fault);
        stopped += backend.local()?.stop_fault(fault.kind.name(), entry).await?;
    }
    if console.json() {
        console.document(&json!({"stopped": stopped}))?;
    } else {
        match (stopped, options.kind) {
            (0, Some(kind)) => console.line(&format!("{} was not on", kind.name()))?,
            (0, None) => console.line("No fault was on")?,
            _ => {
                for fault in &on {
                    console.line(&format!("{} is off", paint(BOLD, &describe(&fault.kind))))?;
                }
            }
        }
    }
    Ok(ExitStatus::Ok)
}

async fn list(options: &List, backend: &Backend, console: &mut Console) -> anyhow::Result<ExitStatus> {
    let now = backend.pipeline.clock.now();
    let faults = backend.local()?.faults().await?;
    let shown = faults.into_iter().filter(|fault| options.all || fault.until.is_none_or(|until| until > now));
    let mut faults: Vec<Listed> = shown.map(|fault| (fault, now)).collect();
    options.sorting.sort(COLUMNS, &mut faults)?;
    if console.json() {
        let entry = |(fault, _): &Listed| {
            let mut entry = json!(fault);
            entry["on"] = fault.is_on(now).into();
            entry
        };
        let faults: Vec<_> = faults.iter().map(entry).collect();
        console.document(&json!({"faults": faults}))?;
    } else if faults.is_empty() && console.is_for_people() {
        console.line("No fault is on")?;
    } else {
        console.items(COLUMNS, &faults, now)?;
    }
    Ok(ExitStatus::Ok)
}

/// A fault, and the time at which it is listed.
type Listed = (Fault, Timestamp);

const COLUMNS: &[Column<Listed>] = &[
    Column { name: "fault", title: Some("fault"), field: |(fault, _)| Field::text(describe(&fault.kind)) },
    Column { name: "state", title: Some("state"), field: |(fault, now)| Field::text(state(fault, *now)) },
    Column { name: "from", title: Some("from"), field: |(fault, _)| Field::Time(fault.from) },
    Column {
        name: "until",
        title: Some("until"),
        field: |(fault, _)| fault.until.map_or(Field::Nothing, Field::Time),
    },
];

fn state(fault: &Fault, now: Timestamp) -> &'static str {
    if fault.is_on(now) {
        "on"
    } else if fault.from > now {
        "planned"
    } else {
        "over"
    }
}

fn describe(kind: &FaultKind) -> String {
    let name = kind.name();
    match kind {
        FaultKind::StoreThrottle { capacity } => format!("{name} (capacity {capacity})"),
        FaultKind::StoreLatency { added, share } if *share < 1.0 => {
            format!("{name} (+{} ms, share {share})", added.as_millis())
        }
        FaultKind::StoreLatency { added, .. } => format!("{name} (+{} ms)", added.as_millis()),
        FaultKind::ConsumerCrash { probability } => format!("{name} (probability {probability})"),
        FaultKind::StoreOutage { share }
        | FaultKind::QueueOutage { share }
        | FaultKind::ArchiverOutage { share }
            if *share < 1.0 =>
        {
            format!("{name} (share {share})")
        }
        FaultKind::StoreOutage { .. } | FaultKind::QueueOutage { .. } | FaultKind::ArchiverOutage { .. } => {
            name.to_owned()
        }
    }
}

fn entry(at: Timestamp, actor: &Actor, action: &'static str, fault: &Fault) -> AuditEntry {
    let note = AuditNote { at, by: actor.name(), action, detail: describe(&fault.kind) };
    note.about(fault.kind.name())
}
