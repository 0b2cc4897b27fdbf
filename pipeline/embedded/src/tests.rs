//! Tests of the whole data folder.

mod damaged_rows;
