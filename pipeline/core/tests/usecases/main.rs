//! Use cases with ports that are in memory or scripted.

mod archive_batch;
mod replay;
mod store_batch;
