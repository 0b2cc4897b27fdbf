//! The adapters on a third-party emulator of AWS (MiniStack). `cargo xtask test` starts it, sets
//! `SPILLWAY_EMULATOR_ENDPOINT` and runs this with the feature `emulator`.
//!
//! MiniStack can't show everything; unit tests cover the rest with scripted answers. The rest is throttling, 5xx,
//! broken connections, `Failed` and `UnprocessedItems`. MiniStack works on one request at a time, so it never cancels
//! a transaction because another one touches the same item. Its indexes are never behind their table, as DynamoDB's
//! may be for a moment. It drops `AWSTraceHeader` on `SendMessageBatch`, and enforces no IAM policy.

#![expect(clippy::unwrap_used, reason = "test code")]

mod contract;
mod flow;
mod ops;
mod place;
mod repair;
