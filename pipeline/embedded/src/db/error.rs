//! Why the database did not do something.

/// Why the database did not do it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DbError {
    /// The disk is full.
    #[error("the disk with the data folder is full")]
    Full,
    /// The files can't be written.
    #[error("the data folder is read-only: make it writable for this user")]
    ReadOnly,
    /// Another process holds the database for too long.
    #[error("the data folder is busy: another process holds it")]
    Busy,
    /// Anything else.
    #[error("the data folder can't be used: {0}")]
    Other(String),
}

impl DbError {
    /// Whether the same work may succeed later, although nobody changes anything.
    pub fn is_passing(&self) -> bool {
        match self {
            Self::Busy => true,
            Self::Full | Self::ReadOnly | Self::Other(_) => false,
        }
    }

    /// There is no writer any more.
    pub(super) fn closed() -> Self {
        Self::Other("the pipeline has stopped".to_owned())
    }

    /// The error, if it is one of the disk and not one of the work.
    pub(super) fn of_disk(error: &rusqlite::Error) -> Option<Self> {
        use rusqlite::ErrorCode::{CannotOpen, DiskFull, ReadOnly, SystemIoFailure};
        let code = error.sqlite_error_code()?;
        [DiskFull, ReadOnly, SystemIoFailure, CannotOpen].contains(&code).then(|| Self::from(error))
    }
}

impl From<&rusqlite::Error> for DbError {
    fn from(error: &rusqlite::Error) -> Self {
        use rusqlite::ErrorCode;
        match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => Self::Full,
            Some(ErrorCode::ReadOnly) => Self::ReadOnly,
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Busy,
            _ => Self::Other(error.to_string()),
        }
    }
}
