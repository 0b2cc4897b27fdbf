//! Lists: the same items as a table for people and as lines of values for programs, in the order that the user asks for.

use crate::answer::CommandError;
use crate::text::{self, Cell, Table};
use clap::Args;
use spillway_core::Timestamp;
use std::cmp::Ordering;

/// One value of an item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Field {
    Text(String),
    Number(i64),
    Time(Timestamp),
    /// Not known, or there is none. It sorts before all others.
    Nothing,
}

impl Field {
    pub fn text(text: impl std::fmt::Display) -> Self {
        Self::Text(text.to_string())
    }

    pub fn number(number: impl TryInto<i64>) -> Self {
        Self::Number(number.try_into().unwrap_or(i64::MAX))
    }

    /// The text of a value that may be missing.
    pub fn maybe(text: Option<impl std::fmt::Display>) -> Self {
        text.map_or(Self::Nothing, Self::text)
    }

    fn cell(&self, now: Timestamp) -> Cell {
        match self {
            Self::Text(text) => Cell::text(text),
            Self::Number(number) => Cell::number(*number),
            Self::Time(at) => Cell::text(text::relative(now, *at)),
            Self::Nothing => Cell::text(""),
        }
    }

    /// For a program: whole, on one line, without a tab.
    fn value(&self) -> String {
        match self {
            Self::Text(text) => {
                text.replace('\\', "\\\\").replace('\t', "\\t").replace('\n', "\\n").replace('\r', "\\r")
            }
            Self::Number(number) => number.to_string(),
            Self::Time(at) => at.to_string(),
            Self::Nothing => String::new(),
        }
    }

    fn compare(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Text(a), Self::Text(b)) => a.cmp(b),
            (Self::Number(a), Self::Number(b)) => a.cmp(b),
            (Self::Time(a), Self::Time(b)) => a.cmp(b),
            (Self::Nothing, Self::Nothing) => Ordering::Equal,
            (Self::Nothing, _) => Ordering::Less,
            (_, Self::Nothing) => Ordering::Greater,
            // A column has values of one kind.
            _ => Ordering::Equal,
        }
    }
}

/// A column of a list.
pub struct Column<T> {
    /// Its name for programs: that of the member in JSON.
    pub name: &'static str,
    /// Its title in the table; `None` if the table leaves it out.
    pub title: Option<&'static str>,
    /// Its value of an item.
    pub field: fn(&T) -> Field,
}

/// Items with their columns.
pub struct Listing<'l, T> {
    pub columns: &'l [Column<T>],
    pub items: &'l [T],
}

impl<T> Listing<'_, T> {
    /// For people.
    pub fn table(&self, now: Timestamp) -> Table {
        let shown = || self.columns.iter().filter(|column| column.title.is_some());
        let titles: Vec<_> = shown().filter_map(|column| column.title).collect();
        let mut table = Table::with_header(&titles);
        for item in self.items {
            table.row(shown().map(|column| (column.field)(item).cell(now)).collect());
        }
        table
    }

    /// For programs: the names, then each item, the values separated by tabs.
    pub fn lines(&self) -> String {
        let names: Vec<_> = self.columns.iter().map(|column| column.name).collect();
        let mut text = format!("{}\n", names.join("\t"));
        for item in self.items {
            let values: Vec<_> = self.columns.iter().map(|column| (column.field)(item).value()).collect();
            text.push_str(&format!("{}\n", values.join("\t")));
        }
        text
    }
}

/// The order of a list.
#[derive(Clone, Debug, Default, Args)]
pub struct Sorting {
    /// Sort what is listed by this column, named as with -o tsv [default: the list's own order]
    #[arg(long, value_name = "COLUMN")]
    sort: Option<String>,
    /// Reverse the order of what is listed
    #[arg(long)]
    reverse: bool,
}

impl Sorting {
    /// Sorts items.
    pub fn sort<T>(&self, columns: &[Column<T>], items: &mut [T]) -> Result<(), CommandError> {
        if let Some(name) = &self.sort {
            let Some(column) = columns.iter().find(|column| column.name == name) else {
                let names: Vec<_> = columns.iter().map(|column| column.name).collect();
                let what =
                    format!("\"{name}\" is not a column of this list: sort by one of {}", names.join(", "));
                return Err(CommandError::Usage(what));
            };
            items.sort_by(|a, b| (column.field)(a).compare(&(column.field)(b)));
        }
        if self.reverse {
            items.reverse();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLUMNS: &[Column<(&str, i64)>] = &[
        Column { name: "name", title: Some("name"), field: |item| Field::text(item.0) },
        Column {
            name: "count",
            title: None,
            field: |item| if item.1 < 0 { Field::Nothing } else { Field::Number(item.1) },
        },
    ];

    #[test]
    fn lines_have_whole_values_that_cannot_break_a_line() {
        let items = [("a\tb\\c\nd", 1200), ("é", -1)];
        let listing = Listing { columns: COLUMNS, items: &items };
        assert_eq!(listing.lines(), "name\tcount\na\\tb\\\\c\\nd\t1200\né\t\n");
    }

    #[test]
    fn numbers_sort_as_numbers_and_what_is_missing_comes_first() {
        let sort = |by: &str, reverse| {
            let mut items = [("b", 9), ("a", 10), ("c", -1)];
            Sorting { sort: Some(by.to_owned()), reverse }.sort(COLUMNS, &mut items)?;
            Ok::<_, CommandError>(items.map(|item| item.0))
        };
        assert_eq!(sort("count", false).unwrap(), ["c", "b", "a"]);
        assert_eq!(sort("name", true).unwrap(), ["c", "b", "a"]);
        assert!(sort("colour", false).unwrap_err().to_string().contains("one of name, count"));
    }
}
