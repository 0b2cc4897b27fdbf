//! How a command ends: its exit code, and errors that say what to do.

use std::io::ErrorKind;
use std::process::ExitCode;

/// The exit codes. Scripts depend on them, so they don't change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExitStatus {
    /// Done, or the answer is yes.
    Ok = 0,
    /// The answer is no: an event is missing, a replay returned messages to the archive, or the ledger does not
    /// balance.
    No = 1,
    /// The command line is wrong (also clap's code for it).
    Usage = 2,
    /// The requested item is not known.
    NotFound = 3,
    /// The pipeline or its API cannot be reached, opened or written.
    Unreachable = 4,
}

impl From<ExitStatus> for ExitCode {
    fn from(status: ExitStatus) -> Self {
        Self::from(status as u8)
    }
}

/// An error with its own exit code. Each text says what happened and what to do.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// The command line is invalid.
    #[error("{0}")]
    Usage(String),
    /// The requested item is not known.
    #[error("{0}")]
    NotFound(String),
    /// The pipeline, its API or a file cannot be reached or opened.
    #[error("{0}")]
    Unreachable(String),
}

impl ExitStatus {
    /// The code for an error. An error without a specific code means that something could not be reached or written.
    pub fn of(error: &anyhow::Error) -> Self {
        match error.downcast_ref::<CommandError>() {
            Some(CommandError::Usage(_)) => Self::Usage,
            Some(CommandError::NotFound(_)) => Self::NotFound,
            Some(CommandError::Unreachable(_)) | None => Self::Unreachable,
        }
    }
}

/// Whether the error only says that the reader of the output has stopped reading (`spillway dlq list | head -1`).
pub fn reader_is_gone(error: &anyhow::Error) -> bool {
    error.downcast_ref::<std::io::Error>().is_some_and(|error| error.kind() == ErrorKind::BrokenPipe)
}
