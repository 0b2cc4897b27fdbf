//! Schemas.

use crate::schema::SchemaSet;
use std::sync::Arc;

/// The schemas that are in force.
pub trait Schemas: Send + Sync {
    /// Those of now. A batch is checked against one set from its first record to its last.
    fn current(&self) -> Arc<SchemaSet>;
}
