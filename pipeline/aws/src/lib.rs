//! The ports on SQS, DynamoDB and S3.
//!
//! `Clients` are built once, by [`clients::load`], and passed to the adapters. The only types of AWS's SDK in
//! this crate's interface are the clients in constructors.

pub mod archive;
mod backoff;
mod call_error;
mod certificates;
pub mod clients;
pub mod clock;
pub mod cloudwatch;
mod cold_start;
mod dynamo;
pub mod event_store;
pub mod explain;
#[cfg(any(test, feature = "testkit"))]
pub mod fake;
pub mod flow;
#[cfg(feature = "operator")]
pub mod history;
mod kept;
#[cfg(feature = "operator")]
pub mod operator;
pub mod ops;
pub mod queue;
pub mod redelivery;
pub mod replays;
pub mod schemas;
pub mod store;
#[cfg(test)]
mod testing;
pub mod topology;

pub use archive::{ArchiveNames, IndexNames, S3Archive};
pub use backoff::Pace;
pub use call_error::is_throttling;
pub use clients::{Clients, Connection};
pub use clock::SystemClock;
pub use flow::{AwsFlow, Readers};
pub use ops::DynamoOps;
pub use queue::SqsQueue;
pub use redelivery::SqsRedelivery;
pub use replays::{DynamoReplayReports, DynamoReplays};
pub use schemas::{S3Schemas, load_schema_set};
pub use store::DynamoEvents;
pub use topology::{Topology, TopologyError};
