//! How a command ends: its exit code, and errors that say what to do.

use spillway_core::ports::{ArchiveError, LedgerError, StoreError, StoredListError};
use spillway_core::usecases::replay::StartError;
use spillway_dashboard_model::ReadError;
use spillway_embedded::db::DbError;
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
    /// The pipeline, its API or a file cannot be opened, reached or written, until somebody changes something.
    Unreachable = 4,
    /// Not now: no answer, busy, over a rate. The same command may succeed later.
    TryAgain = 5,
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
    /// The pipeline, its API or a file cannot be reached or opened, until somebody changes something.
    #[error("{0}")]
    Unreachable(String),
    /// Not now; the same command may succeed later.
    #[error("{0}")]
    TryAgain(String),
}

impl CommandError {
    /// What could not be read of what the dashboard reads.
    pub fn unread(what: &str, error: ReadError) -> Self {
        let text = format!("{what} can't be read: {error}");
        match error {
            ReadError::Throttled => Self::TryAgain(text),
            ReadError::Unavailable { .. } => Self::Unreachable(text),
        }
    }
}

impl ExitStatus {
    /// The code for an error. An error without a specific code means that something could not be reached or written.
    pub fn of(error: &anyhow::Error) -> Self {
        if let Some(error) = error.downcast_ref::<CommandError>() {
            return match error {
                CommandError::Usage(_) => Self::Usage,
                CommandError::NotFound(_) => Self::NotFound,
                CommandError::Unreachable(_) => Self::Unreachable,
                CommandError::TryAgain(_) => Self::TryAgain,
            };
        }
        if let Some(error) = error.downcast_ref::<ArchiveError>() {
            return Self::of_archive(error);
        }
        if let Some(StartError::Archive(error)) = error.downcast_ref::<StartError>() {
            return Self::of_archive(error);
        }
        if let Some(StoredListError::UnknownCursor(_)) = error.downcast_ref::<StoredListError>() {
            return Self::Usage;
        }
        let is_passing = match error.downcast_ref::<StoredListError>() {
            Some(StoredListError::Unreadable(error)) => error.is_passing,
            _ => {
                error.downcast_ref::<LedgerError>().is_some_and(|error| error.is_passing)
                    || error.downcast_ref::<StoreError>().is_some_and(StoreError::is_passing)
                    || error.downcast_ref::<DbError>().is_some_and(DbError::is_passing)
            }
        };
        if is_passing { Self::TryAgain } else { Self::Unreachable }
    }

    fn of_archive(error: &ArchiveError) -> Self {
        match error {
            ArchiveError::Unavailable { .. } => Self::TryAgain,
            ArchiveError::Refused { .. } => Self::Unreachable,
            ArchiveError::UnknownCursor { .. } => Self::Usage,
            ArchiveError::NotFound { .. } => Self::NotFound,
        }
    }
}

/// Whether the error only says that the reader of the output has stopped reading (`spillway dlq list | head -1`).
pub fn reader_is_gone(error: &anyhow::Error) -> bool {
    error.downcast_ref::<std::io::Error>().is_some_and(|error| error.kind() == ErrorKind::BrokenPipe)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_pass_has_another_code_than_what_somebody_must_change() {
        let reason = || "it says so".to_owned();
        let code = |error: anyhow::Error| ExitStatus::of(&error) as u8;
        for passing in [
            ArchiveError::Unavailable { reason: reason() }.into(),
            StartError::Archive(ArchiveError::Unavailable { reason: reason() }).into(),
            LedgerError { reason: reason(), is_passing: true }.into(),
            StoredListError::Unreadable(LedgerError { reason: reason(), is_passing: true }).into(),
            StoreError::Throttled.into(),
            DbError::Busy.into(),
            CommandError::TryAgain(reason()).into(),
        ] {
            assert_eq!(code(passing), 5);
        }
        for lasting in [
            ArchiveError::Refused { reason: reason() }.into(),
            LedgerError { reason: reason(), is_passing: false }.into(),
            DbError::ReadOnly.into(),
            std::io::Error::other("full").into(),
        ] {
            assert_eq!(code(lasting), 4);
        }
        assert_eq!(code(ArchiveError::UnknownCursor { cursor: reason() }.into()), 2);
        assert_eq!(code(StoredListError::UnknownCursor(reason()).into()), 2);
        assert_eq!(code(ArchiveError::NotFound { what: reason() }.into()), 3);
    }
}
