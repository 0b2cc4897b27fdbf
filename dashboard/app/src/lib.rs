//! The dashboard's pages and islands.
