//! The data folder and the SQLite database in it.
//!
//! All writes go through one [`Db`], which lets many callers share one commit (see [`writer`]). Readers have their own
//! connections; SQLite's write-ahead log keeps them apart, also from another process.

mod columns;
mod commit;
mod disk;
mod error;
mod folder;
mod log;
mod schema;
mod writer;

pub use error::DbError;
pub use folder::{DATABASE, DataFolder, Durability, OpenError};
pub use writer::Db;

pub(crate) use columns::{Columns, DAMAGED, int, optional_text, text, value};
pub(crate) use schema::{ALARM_TABLES, TABLES, from_millis, millis};
