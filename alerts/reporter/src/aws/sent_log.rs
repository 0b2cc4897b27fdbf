//! Which notifications were sent, in the ops table. `pk = digest`. `sk` is the time when business hours
//! began, or the alarm and the time when it fired.

use super::refused;
use crate::ports::{Claim, PortError, SentLog};
use async_trait::async_trait;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::AttributeValue;
use spillway_core::ports::Clock;
use std::sync::Arc;
use std::time::Duration;

/// Seconds for which a sent notification is recorded.
const KEPT_S: i64 = 30 * 86_400;

/// Records notifications in a table, with conditional writes.
#[derive(Clone)]
pub struct DynamoSentLog {
    client: Client,
    table: String,
    clock: Arc<dyn Clock>,
    /// A claim expires after this time, which is longer than its function can run.
    lease: Duration,
}

impl DynamoSentLog {
    /// In this table. A claim lasts for `lease`; its owner must send the notification by then.
    pub fn new(client: Client, table: impl Into<String>, clock: Arc<dyn Clock>, lease: Duration) -> Self {
        Self { client, table: table.into(), clock, lease }
    }
}

#[async_trait]
impl SentLog for DynamoSentLog {
    async fn claim(&self, what: &str) -> Result<Claim, PortError> {
        let now = self.clock.now().as_second();
        let lease = i64::try_from(self.lease.as_secs()).unwrap_or(i64::MAX);
        let put = self
            .client
            .put_item()
            .table_name(&self.table)
            .item("pk", text("digest"))
            .item("sk", text(what))
            .item("state", text("claimed"))
            .item("until", number(now.saturating_add(lease)))
            .item("expires_at", number(self.clock.now().as_second().saturating_add(KEPT_S)))
            .condition_expression("attribute_not_exists(pk) OR (#state = :claimed AND #until < :now)")
            .expression_attribute_names("#state", "state")
            .expression_attribute_names("#until", "until")
            .expression_attribute_values(":claimed", text("claimed"))
            .expression_attribute_values(":now", number(now));
        match put.send().await {
            Ok(_) => Ok(Claim::Yours),
            Err(error)
                if error
                    .as_service_error()
                    .is_some_and(|error| error.is_conditional_check_failed_exception()) =>
            {
                Ok(Claim::Taken)
            }
            Err(error) => Err(refused!(error, "dynamodb:PutItem")),
        }
    }

    async fn sent(&self, what: &str) -> Result<(), PortError> {
        let put = self
            .client
            .put_item()
            .table_name(&self.table)
            .item("pk", text("digest"))
            .item("sk", text(what))
            .item("state", text("told"))
            .item("expires_at", number(self.clock.now().as_second().saturating_add(KEPT_S)));
        put.send().await.map(|_| ()).map_err(|error| refused!(error, "dynamodb:PutItem"))
    }

    async fn release(&self, what: &str) -> Result<(), PortError> {
        let delete =
            self.client.delete_item().table_name(&self.table).key("pk", text("digest")).key("sk", text(what));
        delete.send().await.map(|_| ()).map_err(|error| refused!(error, "dynamodb:DeleteItem"))
    }
}

fn text(value: impl ToString) -> AttributeValue {
    AttributeValue::S(value.to_string())
}

fn number(value: i64) -> AttributeValue {
    AttributeValue::N(value.to_string())
}
