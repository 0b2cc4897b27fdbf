//! Columns of a row, read whatever is in them. SQLite keeps any value in any column: a row that something else than Spillway
//! changed must not make the others unreadable.

use crate::db::from_millis;
use rusqlite::Row;
use rusqlite::types::{Value, ValueRef};
use spillway_core::Timestamp;
use std::cell::Cell;

/// What a page says in place of a text that a damaged row has no more.
pub const DAMAGED: &str = "this row is damaged: something else than Spillway changed it";

/// A row of which it is known, after its columns were read, whether one of them has what Spillway never writes there.
pub struct Columns<'r, 's> {
    row: &'r Row<'s>,
    is_damaged: Cell<bool>,
}

impl<'r, 's> Columns<'r, 's> {
    /// The columns of that row.
    pub fn of(row: &'r Row<'s>) -> Self {
        Self { row, is_damaged: Cell::new(false) }
    }

    /// Whether a column that was read has something else than it should.
    pub fn is_damaged(&self) -> bool {
        self.is_damaged.get()
    }

    /// That text, or that the row is damaged.
    pub fn unless_damaged(&self, text: String) -> String {
        if self.is_damaged() { DAMAGED.to_owned() } else { text }
    }

    /// A column of text.
    pub fn text(&self, column: usize) -> rusqlite::Result<String> {
        let text = self.optional_text(column)?;
        self.found(text.is_some());
        Ok(text.unwrap_or_default())
    }

    /// A column of text that may be empty.
    pub fn optional_text(&self, column: usize) -> rusqlite::Result<Option<String>> {
        let value = self.row.get_ref(column)?;
        self.found(matches!(value, ValueRef::Null) || value.as_str().is_ok());
        optional_text(self.row, column)
    }

    /// A column with a whole number.
    pub fn int(&self, column: usize) -> rusqlite::Result<i64> {
        let number = self.optional_int(column)?;
        self.found(number.is_some());
        Ok(number.unwrap_or_default())
    }

    /// A column with a whole number that may be empty.
    pub fn optional_int(&self, column: usize) -> rusqlite::Result<Option<i64>> {
        let number = self.row.get_ref(column)?.as_i64_or_null();
        self.found(number.is_ok());
        Ok(number.unwrap_or_default())
    }

    /// A column with a time.
    pub fn time(&self, column: usize) -> rusqlite::Result<Timestamp> {
        Ok(self.as_time(self.int(column)?))
    }

    /// A column with a time that may be empty.
    pub fn optional_time(&self, column: usize) -> rusqlite::Result<Option<Timestamp>> {
        Ok(self.optional_int(column)?.map(|time| self.as_time(time)))
    }

    fn as_time(&self, time: i64) -> Timestamp {
        self.found(Timestamp::from_millisecond(time).is_ok());
        from_millis(time)
    }

    /// Records whether a column has what it should.
    pub fn found(&self, is_right: bool) {
        self.is_damaged.set(self.is_damaged.get() || !is_right);
    }
}

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

/// A column, whatever is in it. `rusqlite` itself panics at a text that is no UTF-8.
pub fn value(row: &Row<'_>, column: usize) -> rusqlite::Result<Value> {
    Ok(match row.get_ref(column)? {
        ValueRef::Text(bytes) => Value::Text(String::from_utf8_lossy(bytes).into_owned()),
        other => other.into(),
    })
}

/// A column with a whole number; 0 if something else is in it.
pub fn int(row: &Row<'_>, column: usize) -> rusqlite::Result<i64> {
    Ok(row.get_ref(column)?.as_i64().unwrap_or_default())
}
