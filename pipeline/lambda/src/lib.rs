//! What the functions in AWS share: how they start, what they are told, and how they tell what they did.
//!
//! * [`start`] reads the settings, and fails with one line that names the one that is missing or wrong.
//! * [`Telemetry`] has the three voices of a function: log lines, metrics in the embedded metric format, and segments
//!   for X-Ray. All of them are out before an answer is given, because the sandbox freezes with it.
//! * [`sqs`] reads a batch of messages record by record, so that one that can't be read takes nothing down with it.
//!
//! A function keeps nothing between invocations that could be lost, so there is nothing to flush at its end. At a SIGTERM
//! the invocation that is under way is finished and answered; no extension is registered at each cold start only to get
//! one. An invocation that is cut off gives no answer, and its messages are received again.

mod emf;
mod ending;
mod init_error;
mod invocation;
mod logs;
mod settings;
pub mod sqs;
mod start;
mod telemetry;
pub mod trace;

pub use invocation::Invocation;
pub use settings::{Common, Environment, SettingError};
pub use start::{serve, start};
pub use telemetry::Telemetry;

/// What an invocation fails with: Lambda gets it as it is, and the batch or request has no answer.
pub type Error = Box<dyn std::error::Error + Send + Sync>;
