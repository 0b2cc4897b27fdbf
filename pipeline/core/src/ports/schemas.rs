//! Schemas.

use crate::schema::SchemaSet;
use async_trait::async_trait;
use std::sync::Arc;

/// The active schemas.
#[async_trait]
pub trait Schemas: Send + Sync {
    /// The current schemas, read when they are first asked for. A batch is checked against one set from its first record to
    /// its last. Schemas that can't be read refuse events ([`SchemaSet::refusing_everything`]).
    async fn current(&self) -> Arc<SchemaSet>;
}
