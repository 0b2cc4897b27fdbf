//! Business hours: when low alarms are told, and what is told in the morning.
//!
//! Low alarms are told in business hours only. What is still in alarm when they begin is told then; what fired and
//! cleared meanwhile is in the opening digest, because neither CloudWatch nor a suppressor ever tells it.

mod calendar;
mod digest;
mod teller;

pub use calendar::{BusinessHours, HoursConfig, HoursError};
pub use digest::{Digest, DigestEntry};
pub use teller::{Message, Teller, TellerState};

#[cfg(test)]
mod tests;
