//! Evaluation with CloudWatch's semantics.
//!
//! Two ways lead to the same states. [`Evaluator`] and [`Engine`] evaluate one moment at a time, as
//! CloudWatch does, and serve the live system. [`timeline`] runs over whole columns and serves backtests; a
//! property test checks that the two agree.
//!
//! Sources: "Alarm evaluation", "Configuring how CloudWatch alarms treat missing data", "Create a composite alarm" and
//! "Suppressing composite alarm actions" in the CloudWatch user guide.

mod alarm_rule;
mod engine;
mod evaluator;
mod judge;
mod stream;
mod suppress;
mod values;

pub(crate) use alarm_rule::LONGEST_RULE;
pub use alarm_rule::{AlarmRule, AlarmRuleError};
pub use engine::{Engine, Status, Tick};
pub use evaluator::Evaluator;
pub(crate) use stream::timeline_of;
pub use stream::{Timeline, timeline, timelines};
pub use suppress::{ActionGate, Suppressed};

#[cfg(test)]
mod tests;
