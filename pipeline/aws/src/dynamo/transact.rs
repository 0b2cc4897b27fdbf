//! Transactions: several writes, all or none, each with its own condition.

use super::item::Item;
use crate::backoff::{Backoff, Pace};
use crate::call_error::{CallError, RetryDecision, call_error};
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::BuildError;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{AttributeValue, Delete, Put, TransactWriteItem, Update};
use std::collections::HashMap;

/// Actions that DynamoDB takes in one transaction.
pub(crate) const MAX_ACTIONS: usize = 100;

/// Why a transaction did nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum TransactionError {
    /// The conditions of the actions at these positions did not hold.
    Conditions(Vec<usize>),
    /// It failed.
    Call(CallError),
}

impl From<CallError> for TransactionError {
    fn from(error: CallError) -> Self {
        Self::Call(error)
    }
}

/// One action of a transaction, or a single write. Names and values in an expression are numbered, so attributes may
/// have names that DynamoDB reserves.
#[derive(Clone, Debug)]
pub(crate) enum Action {
    /// A whole item, if none with its key is there.
    Insert { table: String, item: Item, absent: &'static str },
    /// A change of an item.
    Change { table: String, key: Item, change: Change },
    /// The deletion of an item.
    Delete { table: String, key: Item },
}

/// The new values of an item's attributes, and the conditions on the old ones.
#[derive(Clone, Debug, Default)]
pub(crate) struct Change {
    set: Vec<(String, AttributeValue)>,
    add: Vec<(String, i64)>,
    remove: Vec<String>,
    conditions: Vec<(String, Condition)>,
}

#[derive(Clone, Debug)]
enum Condition {
    Is(AttributeValue),
    Absent,
    Present,
    AbsentOrBelow(i64),
    AbsentOrLess(AttributeValue),
    AbsentOrMore(AttributeValue),
}

impl Change {
    pub fn set(mut self, name: &str, value: AttributeValue) -> Self {
        self.set.push((name.to_owned(), value));
        self
    }

    /// Adds to a number; one that isn't there counts as 0.
    pub fn add(mut self, name: &str, by: i64) -> Self {
        self.add.push((name.to_owned(), by));
        self
    }

    pub fn remove(mut self, name: &str) -> Self {
        self.remove.push(name.to_owned());
        self
    }

    pub fn if_is(mut self, name: &str, value: AttributeValue) -> Self {
        self.conditions.push((name.to_owned(), Condition::Is(value)));
        self
    }

    pub fn if_absent(mut self, name: &str) -> Self {
        self.conditions.push((name.to_owned(), Condition::Absent));
        self
    }

    pub fn if_present(mut self, name: &str) -> Self {
        self.conditions.push((name.to_owned(), Condition::Present));
        self
    }

    /// If the number is not there, or below this one.
    pub fn if_absent_or_below(mut self, name: &str, limit: i64) -> Self {
        self.conditions.push((name.to_owned(), Condition::AbsentOrBelow(limit)));
        self
    }

    /// If the text is not there, or sorts before this one.
    pub fn if_absent_or_less(mut self, name: &str, than: AttributeValue) -> Self {
        self.conditions.push((name.to_owned(), Condition::AbsentOrLess(than)));
        self
    }

    /// If the text is not there, or sorts after this one.
    pub fn if_absent_or_more(mut self, name: &str, than: AttributeValue) -> Self {
        self.conditions.push((name.to_owned(), Condition::AbsentOrMore(than)));
        self
    }

    fn written(self) -> Written {
        let mut written = Written::default();
        let mut parts = Vec::new();
        let set: Vec<_> =
            self.set.into_iter().map(|(name, value)| written.pair(&name, value, " = ")).collect();
        if !set.is_empty() {
            parts.push(format!("SET {}", set.join(", ")));
        }
        let number = |by: i64| AttributeValue::N(by.to_string());
        let add: Vec<_> =
            self.add.into_iter().map(|(name, by)| written.pair(&name, number(by), " ")).collect();
        if !add.is_empty() {
            parts.push(format!("ADD {}", add.join(", ")));
        }
        let remove: Vec<_> = self.remove.iter().map(|name| written.name(name)).collect();
        if !remove.is_empty() {
            parts.push(format!("REMOVE {}", remove.join(", ")));
        }
        let mut conditions = Vec::new();
        for (name, condition) in self.conditions {
            conditions.push(match condition {
                Condition::Is(value) => written.pair(&name, value, " = "),
                Condition::Absent => format!("attribute_not_exists({})", written.name(&name)),
                Condition::Present => format!("attribute_exists({})", written.name(&name)),
                Condition::AbsentOrBelow(limit) => written.absent_or(&name, number(limit), " < "),
                Condition::AbsentOrLess(than) => written.absent_or(&name, than, " < "),
                Condition::AbsentOrMore(than) => written.absent_or(&name, than, " > "),
            });
        }
        written.update = parts.join(" ");
        written.condition = (!conditions.is_empty()).then(|| conditions.join(" AND "));
        written
    }
}

/// A change in DynamoDB's language.
#[derive(Default)]
struct Written {
    update: String,
    condition: Option<String>,
    names: HashMap<String, String>,
    values: HashMap<String, AttributeValue>,
}

impl Written {
    fn name(&mut self, name: &str) -> String {
        let known =
            self.names.iter().find(|(_, known)| *known == name).map(|(placeholder, _)| placeholder.clone());
        known.unwrap_or_else(|| {
            let placeholder = format!("#n{}", self.names.len());
            self.names.insert(placeholder.clone(), name.to_owned());
            placeholder
        })
    }

    fn pair(&mut self, name: &str, value: AttributeValue, between: &str) -> String {
        let name = self.name(name);
        let placeholder = format!(":v{}", self.values.len());
        self.values.insert(placeholder.clone(), value);
        format!("{name}{between}{placeholder}")
    }

    fn absent_or(&mut self, name: &str, value: AttributeValue, compare: &str) -> String {
        let holds = self.pair(name, value, compare);
        format!("(attribute_not_exists({}) OR {holds})", self.name(name))
    }

    fn values(&self) -> Option<HashMap<String, AttributeValue>> {
        // DynamoDB refuses an empty map.
        (!self.values.is_empty()).then(|| self.values.clone())
    }
}

impl Action {
    fn build(self) -> Result<TransactWriteItem, BuildError> {
        let built = TransactWriteItem::builder();
        Ok(match self {
            Self::Insert { table, item, absent } => {
                let put = Put::builder()
                    .table_name(table)
                    .set_item(Some(item))
                    .condition_expression(format!("attribute_not_exists({absent})"));
                built.put(put.build()?).build()
            }
            Self::Change { table, key, change } => {
                let written = change.written();
                let update = Update::builder()
                    .table_name(table)
                    .set_key(Some(key))
                    .set_expression_attribute_values(written.values())
                    .update_expression(written.update)
                    .set_condition_expression(written.condition)
                    .set_expression_attribute_names(Some(written.names));
                built.update(update.build()?).build()
            }
            Self::Delete { table, key } => {
                built.delete(Delete::builder().table_name(table).set_key(Some(key)).build()?).build()
            }
        })
    }
}

/// Runs a transaction. `actions` builds its actions again for each try, from the number of the try.
///
/// If two transactions touch the same item at the same time, DynamoDB cancels one. The cancelled one did
/// nothing and is retried here, as is one that was throttled.
pub(crate) async fn transact(
    client: &Client,
    actions: impl Fn(usize) -> Vec<Action> + Send + Sync,
) -> Result<(), TransactionError> {
    let mut backoff = Backoff::new(Pace::for_limits(client.config().timeout_config()));
    let mut tries = 0;
    loop {
        match try_once(client, actions(tries)).await {
            Err(TransactionError::Call(error)) if error.decision == RetryDecision::Throttled => {
                if !backoff.wait().await {
                    return Err(TransactionError::Call(error));
                }
            }
            done => return done,
        }
        tries += 1;
    }
}

async fn try_once(client: &Client, actions: Vec<Action>) -> Result<(), TransactionError> {
    const ACTION: &str = "TransactWriteItems";
    debug_assert!(actions.len() <= MAX_ACTIONS, "{} actions in one transaction", actions.len());
    let items = actions.into_iter().map(Action::build).collect::<Result<Vec<_>, _>>();
    let items = items.map_err(|error| CallError::ours(ACTION, &error))?;
    // The SDK gives the call a token, so that its own retry of a call that was cut does not do it twice.
    let Err(error) = client.transact_write_items().set_transact_items(Some(items)).send().await else {
        return Ok(());
    };
    let Some(TransactWriteItemsError::TransactionCanceledException(canceled)) = error.as_service_error()
    else {
        return Err(TransactionError::Call(call_error(ACTION, &error)));
    };
    let reasons = canceled.cancellation_reasons.clone().unwrap_or_default();
    let codes: Vec<_> = reasons.iter().map(|reason| reason.code.as_deref().unwrap_or("None")).collect();
    let positions = |code: &str| (0..codes.len()).filter(|&i| codes[i] == code).collect::<Vec<_>>();
    let failed = positions("ConditionalCheckFailed");
    if !failed.is_empty() {
        return Err(TransactionError::Conditions(failed));
    }
    let passing = ["TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"];
    let decision = if codes.iter().any(|code| passing.contains(code)) {
        RetryDecision::Throttled
    } else {
        RetryDecision::Refused
    };
    let message = reasons.iter().find_map(|reason| reason.message.clone()).unwrap_or_default();
    let text = format!("{ACTION}: canceled ({}): {message}", codes.join(", "));
    Err(TransactionError::Call(CallError {
        decision,
        code: Some("TransactionCanceledException".to_owned()),
        text,
    }))
}

/// Changes one item without a transaction. `false` if its condition did not hold.
pub(crate) async fn change(
    client: &Client,
    table: &str,
    key: Item,
    change: Change,
) -> Result<bool, CallError> {
    let written = change.written();
    let call = client
        .update_item()
        .table_name(table)
        .set_key(Some(key))
        .set_expression_attribute_values(written.values())
        .update_expression(written.update)
        .set_condition_expression(written.condition)
        .set_expression_attribute_names(Some(written.names));
    match call.send().await {
        Ok(_) => Ok(true),
        Err(error) if error.as_service_error().is_some_and(|e| e.is_conditional_check_failed_exception()) => {
            Ok(false)
        }
        Err(error) => Err(call_error("UpdateItem", &error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dynamo::item::{number, text};

    #[test]
    fn a_change_names_each_attribute_once_and_uses_no_reserved_word() {
        let change = Change::default()
            .set("state", text("b"))
            .add("count", 2)
            .remove("trouble")
            .if_is("state", text("a"))
            .if_absent_or_below("until", 5);
        let written = change.written();
        assert_eq!(written.update, "SET #n0 = :v0 ADD #n1 :v1 REMOVE #n2");
        assert_eq!(
            written.condition.as_deref(),
            Some("#n0 = :v2 AND (attribute_not_exists(#n3) OR #n3 < :v3)")
        );
        assert_eq!(written.names["#n0"], "state");
        assert_eq!(written.values[":v3"], number(5));
    }
}
