//! Schemas.

use crate::schema::SchemaSet;
use std::sync::Arc;

/// The active schemas.
pub trait Schemas: Send + Sync {
    /// The current schemas. A batch is checked against one set from its first record to its last.
    fn current(&self) -> Arc<SchemaSet>;
}
