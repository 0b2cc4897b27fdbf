//! What the function needs of the rest of AWS, in terms of alarms.

use async_trait::async_trait;
use jiff::Timestamp;
use spillway_alerts::AlarmState;
use spillway_dashboard_aws::budgets::Budget;
use spillway_dashboard_model::ReadError;

/// A failed call of a service, with the reason in one sentence that names no secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct PortError(pub String);

/// The status of an alarm.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlarmStatus {
    /// Name of the alarm.
    pub alarm: String,
    /// Its state.
    pub state: AlarmState,
    /// When it entered that state.
    pub since: Timestamp,
    /// Why, in CloudWatch's words.
    pub reason: String,
}

/// An alarm went from one state to another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Name of the alarm.
    pub alarm: String,
    /// When it changed.
    pub at: Timestamp,
    /// State before.
    pub from: AlarmState,
    /// State after.
    pub to: AlarmState,
    /// Why, in CloudWatch's words.
    pub reason: String,
}

/// States of alarms.
#[async_trait]
pub trait States: Send + Sync {
    /// The current status of these alarms. One that does not exist is left out.
    async fn now(&self, alarms: &[String]) -> Result<Vec<AlarmStatus>, PortError>;

    /// Every change of any alarm from `from` on and before `to`, the oldest first.
    async fn changes(&self, from: Timestamp, to: Timestamp) -> Result<Vec<Change>, PortError>;

    /// The last change of this alarm into `ALARM` before `before`. CloudWatch keeps changes for at least two weeks.
    async fn last_into_alarm(&self, alarm: &str, before: Timestamp) -> Result<Option<Change>, PortError>;
}

/// Whether a notification may be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Claim {
    /// The caller owns it, until the notification is sent, the claim is released, or it expires.
    Yours,
    /// Another invocation has sent it, or is about to.
    Taken,
}

/// Records which notifications were sent: the digest of each opening, and each alarm that was reported separately.
#[async_trait]
pub trait SentLog: Send + Sync {
    /// Claims a notification, by a name that is its own.
    ///
    /// # Errors
    /// The table did not answer; then the caller must not send it.
    async fn claim(&self, what: &str) -> Result<Claim, PortError>;

    /// The notification was sent.
    async fn sent(&self, what: &str) -> Result<(), PortError>;

    /// The notification could not be sent, and another invocation may try.
    ///
    /// # Errors
    /// The table did not answer. The claim then expires.
    async fn release(&self, what: &str) -> Result<(), PortError>;
}

/// Keeps pictures for the recipients of a mail.
#[async_trait]
pub trait Pictures: Send + Sync {
    /// Keeps a PNG under `name` and returns an address at which it can be seen for some hours.
    ///
    /// # Errors
    /// The bucket did not accept it.
    async fn keep(&self, name: &str, png: Vec<u8>) -> Result<String, PortError>;
}

/// Sends mail to the engineers who receive low alarms.
#[async_trait]
pub trait Mail: Send + Sync {
    /// Sends a text with a subject of ASCII characters, at most 100.
    ///
    /// # Errors
    /// The topic did not accept it.
    async fn send(&self, subject: &str, text: &str) -> Result<(), PortError>;
}

/// The month's budget.
#[async_trait]
pub trait Spending: Send + Sync {
    /// Name of the budget, and what is spent of it.
    async fn read(&self) -> Result<(String, Budget), ReadError>;
}

/// The messages that wait in the dead letter queue.
#[async_trait]
pub trait Waiting: Send + Sync {
    /// How many messages are in it: visible, in flight or delayed.
    async fn dead_letters(&self) -> Result<u64, PortError>;
}
