//! The three states of an alarm, and a change from one to another.

use crate::rules::RuleName;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::fmt;

/// State of an alarm, as CloudWatch names them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum AlarmState {
    /// The condition does not hold.
    #[serde(rename = "OK")]
    Ok,
    /// The condition holds.
    #[serde(rename = "ALARM")]
    Alarm,
    /// New, or without enough data to decide. Every alarm starts here.
    #[default]
    #[serde(rename = "INSUFFICIENT_DATA")]
    InsufficientData,
}

impl fmt::Display for AlarmState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ok => "OK",
            Self::Alarm => "ALARM",
            Self::InsufficientData => "INSUFFICIENT_DATA",
        })
    }
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
