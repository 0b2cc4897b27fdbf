//! Use cases with ports that are in memory or scripted.

mod replay;
mod store_batch;
