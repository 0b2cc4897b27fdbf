//! Alarm rules as data, and an evaluator that behaves as CloudWatch does.
//!
//! One evaluator has four uses. They are the live alarms of the embedded system ([`evaluate::Engine`]), unit tests of
//! rules ([`check`]), and backtests over recorded history ([`backtest`]). The fourth is the proof that each high rule
//! has a low one that fires earlier. Business hours and the opening digest are in [`hours`].
//! [`incidents`] groups the alarms of one fault.
//!
//! The rules themselves are in `alerts/rules/*.yaml`, and `alerts/rules.json` has them compiled, for Terraform;
//! `docs/alarms.md` describes both formats.

mod alarm;
pub mod backtest;
pub mod check;
pub mod evaluate;
pub mod history;
pub mod hours;
pub mod incidents;
pub mod math;
pub mod metric;
pub mod rules;
pub mod runbooks;
mod state;

pub use alarm::{AlarmChange, AlarmPeriod, AlarmStatus, NotNotified, Notified, Suppressed, Suppressor};
pub use evaluate::{Engine, Evaluator};
pub use history::{History, MemoryHistory, Slots, SourceError};
pub use metric::{Metric, MetricStat, Resources};
pub use rules::{Limits, Rule, RuleName, RuleSet, Tier};
pub use spillway_metrics::Statistic;
pub use state::{AlarmState, StateChange};
