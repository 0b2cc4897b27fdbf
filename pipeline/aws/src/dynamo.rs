//! What the adapters on DynamoDB share: items, batches and transactions.

pub(crate) mod batch;
pub(crate) mod item;
#[cfg(test)]
mod tests;
pub(crate) mod transact;
