//! What the functions in AWS share: start, settings, logs, metrics and traces.
//!
//! * [`start`] reads the settings, and fails with one line that names a missing or wrong one.
//! * [`Telemetry`] sends log lines, metrics in the embedded metric format, and segments for X-Ray. It sends all of them
//!   before the answer, because the sandbox freezes then.
//! * [`sqs`] reads a batch of messages record by record, so that an unreadable record does not affect the others.
//!
//! A function keeps no state between invocations, so there is nothing to flush at its end. On SIGTERM
//! the current invocation is finished and answered. No extension is registered only to get a SIGTERM, because that would
//! slow each cold start. An invocation that Lambda ends gives no answer, and its messages are received again.

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

/// The error of a failed invocation: Lambda gets it unchanged, and the batch or request has no answer.
pub type Error = Box<dyn std::error::Error + Send + Sync>;
