//! Columns of a row, read whatever is in them. SQLite keeps any value in any column: a row that something else than Spillway
//! changed must not make the others unreadable.

use rusqlite::Row;
use rusqlite::types::ValueRef;

/// A column of text, whatever is in it.
pub fn text(row: &Row<'_>, column: usize) -> rusqlite::Result<String> {
    optional_text(row, column).map(Option::unwrap_or_default)
}

/// The same, if there is anything.
pub fn optional_text(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<String>> {
    Ok(match row.get_ref(column)? {
        ValueRef::Null => None,
        ValueRef::Integer(number) => Some(number.to_string()),
        ValueRef::Real(number) => Some(number.to_string()),
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => Some(String::from_utf8_lossy(bytes).into_owned()),
    })
}

/// A column with a whole number; 0 if something else is in it.
pub fn int(row: &Row<'_>, column: usize) -> rusqlite::Result<i64> {
    Ok(row.get_ref(column)?.as_i64().unwrap_or_default())
}
