//! The reporter function. EventBridge Scheduler starts one task at a time:
//!
//! * `digest`, when business hours begin: what fired and cleared since they ended, and what is still in alarm.
//!   CloudWatch and an actions suppressor never report what fired and cleared meanwhile. The digest is sent once for
//!   each opening, and not if it is empty.
//! * `catch-up`, every five minutes: sends the digest if that failed at the opening. It also reports low
//!   alarms that fired in business hours while another alarm of their subsystem was on. The subsystem's
//!   composite alarm does not report those.
//! * `budget`, every hour: what share of the month's budget is spent, and what share will be.
//! * `time-to-loss`, every five minutes: the least time that is left to the oldest dead letter that is not
//!   archived.
//!
//! The rest of AWS is behind the ports in [`ports`]; [`run`] takes a payload and knows no service.

pub mod aws;
mod budget;
mod charts;
mod digest;
mod loss;
mod overlaps;
mod overnight;
pub mod ports;
mod settings;
mod switch;
mod text;
mod watch;

pub use digest::{DigestError, DigestOutcome};
pub use loss::{LossError, Retention};
pub use overnight::{Overnight, overnight};
pub use settings::Settings;
pub use watch::{Watch, WatchError};

use ports::{Mail, Pictures, PortError, SentLog, Spending, States, Waiting};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use spillway_dashboard_model::{MetricReader, ReadError};
use spillway_lambda::Telemetry;
use std::sync::Arc;

/// The function: what it watches, and its ports.
pub struct Function {
    /// The rules, business hours and names of this deployment.
    pub watch: Watch,
    /// States of the alarms, and how they changed.
    pub states: Arc<dyn States>,
    /// Numbers for the charts, and for the time to loss.
    pub metrics: Arc<dyn MetricReader>,
    /// Records which notifications were sent.
    pub sent_log: Arc<dyn SentLog>,
    /// Keeps charts.
    pub pictures: Arc<dyn Pictures>,
    /// Sends mail to the engineers.
    pub mail: Arc<dyn Mail>,
    /// The budget.
    pub spending: Arc<dyn Spending>,
    /// The dead letter queue.
    pub waiting: Arc<dyn Waiting>,
    /// How long messages are kept, and how long they are retried.
    pub retention: Retention,
    /// Metrics and the time.
    pub telemetry: Telemetry,
}

/// The tasks of the function.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Task {
    Digest,
    CatchUp,
    Budget,
    TimeToLoss,
}

#[derive(Deserialize)]
struct Request {
    task: Task,
}

/// Why a task was not done.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The payload names an unknown task.
    #[error(
        "the payload is not one of {{\"task\": \"digest\"}}, \"catch-up\", \"budget\" and \"time-to-loss\": {0}"
    )]
    Request(#[source] serde_json::Error),
    /// The digest could not be sent.
    #[error(transparent)]
    Digest(#[from] DigestError),
    /// The budget could not be read.
    #[error("the budget could not be read: {0}")]
    Budget(#[source] ReadError),
    /// The time to loss could not be computed.
    #[error(transparent)]
    Loss(#[from] LossError),
}

/// The outcome of a task.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Answer {
    /// Of `digest`.
    DigestOutcome {
        /// The outcome of the digest.
        digest: DigestOutcome,
    },
    /// Of `catch-up`.
    CaughtUp {
        /// The outcome of the digest; `None` out of business hours, or if low alarms notify at any hour.
        digest: Option<DigestOutcome>,
        /// The number of alarms reported that no composite alarm reports.
        alarms: usize,
        /// Whether it reported that low alarms are suppressed although business hours have begun.
        is_suppressed: bool,
    },
    /// Of `budget`: shares in percent.
    Budget {
        /// Share that is spent.
        actual: Option<f64>,
        /// Share that will be spent; `None` while there is too little history.
        forecast: Option<f64>,
    },
    /// Of `time-to-loss`.
    TimeToLoss {
        /// The least number of seconds left to the oldest dead letter; none while no dead letter waits.
        seconds: Option<i64>,
    },
}

/// Runs the requested task.
///
/// # Errors
/// [`RunError`] if it could not be done. Lambda then tries again, and so does the next schedule.
pub async fn run(function: &Function, payload: &RawValue) -> Result<Answer, RunError> {
    let request: Request = serde_json::from_str(payload.get()).map_err(RunError::Request)?;
    match request.task {
        Task::Digest => Ok(Answer::DigestOutcome { digest: digest::notify(function).await? }),
        Task::CatchUp => Ok(catch_up(function).await?),
        Task::Budget => {
            let (actual, forecast) = budget::measure(function).await.map_err(RunError::Budget)?;
            Ok(Answer::Budget { actual, forecast })
        }
        Task::TimeToLoss => Ok(Answer::TimeToLoss { seconds: loss::measure(function).await? }),
    }
}

/// Sends the digest and low alarms that are still due, in business hours, and looks whether low alarms are heard at all. If
/// one of them fails, the others are still sent.
async fn catch_up(function: &Function) -> Result<Answer, DigestError> {
    let hours = function.watch.hours.as_ref();
    if hours.is_some_and(|hours| !hours.is_open(function.telemetry.now())) {
        return Ok(Answer::CaughtUp { digest: None, alarms: 0, is_suppressed: false });
    }
    let digest = match hours {
        Some(_) => digest::notify(function).await.map(Some),
        None => Ok(None),
    };
    let alarms = overlaps::notify(function).await;
    let is_suppressed = switch::notify(function).await;
    Ok(Answer::CaughtUp { digest: digest?, alarms: alarms?, is_suppressed: is_suppressed? })
}

/// A port failed, with the action that was attempted.
fn while_doing(what: &'static str) -> impl Fn(PortError) -> DigestError {
    move |source| DigestError::Port { what, source }
}
