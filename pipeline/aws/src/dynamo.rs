//! What the adapters on DynamoDB share: items, batches and transactions.

pub(crate) mod batch;
pub(crate) mod item;
pub(crate) mod transact;
