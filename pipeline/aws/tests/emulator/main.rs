//! The adapters on a third-party emulator of AWS (MiniStack). `cargo xtask test` starts it, sets
//! `SPILLWAY_EMULATOR_ENDPOINT` and runs this with the feature `emulator`.
//!
//! What MiniStack can't show, so that the unit tests show it with scripted answers: throttling, 5xx, cut connections,
//! `Failed` and `UnprocessedItems`, and transactions that DynamoDB cancels because another one touches the same item (it
//! works on one request at a time). Its indexes are never behind their table, as DynamoDB's may be for a moment. It
//! drops `AWSTraceHeader` on `SendMessageBatch`, and enforces no IAM policy.

#![expect(clippy::unwrap_used, reason = "test code")]

mod contract;
mod flow;
mod ops;
mod place;
mod repair;
