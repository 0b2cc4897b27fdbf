//! The three states of an alarm, and a change from one to another.

use crate::rules::RuleName;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// State of an alarm, as CloudWatch names them.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, strum::Display,
)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
pub enum AlarmState {
    /// The condition does not hold.
    Ok,
    /// The condition holds.
    Alarm,
    /// New, or without enough data to decide. Every alarm starts here.
    #[default]
    InsufficientData,
}

/// One alarm went from one state to another. CloudWatch acts on these and on nothing else.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StateChange {
    /// The rule whose alarm changed.
    pub rule: RuleName,
    /// When it was evaluated so.
    pub at: Timestamp,
    /// State before.
    pub from: AlarmState,
    /// State now.
    pub to: AlarmState,
    /// Why, in words with the numbers.
    pub reason: String,
}
