//! Which event store deployments have. Only this file names the adapter: the consumer and operators' programs open the
//! store here.

use crate::{Clients, DynamoEvents};
use spillway_core::ports::{EventStore, StoredEvents};
use std::sync::Arc;

/// Opens the event store at a location, which Terraform writes (`terraform/event_store.tf`). For DynamoDB it is the name
/// of the table.
pub fn open(clients: &Clients, location: &str) -> Arc<dyn EventStore> {
    Arc::new(DynamoEvents::new(clients.dynamodb(), location))
}

/// Opens the same event store, as operators browse it.
pub fn browse(clients: &Clients, location: &str) -> Arc<dyn StoredEvents> {
    Arc::new(DynamoEvents::new(clients.dynamodb(), location))
}
