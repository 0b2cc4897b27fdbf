//! Business hours: when low alarms notify, and what the morning's digest reports.
//!
//! Low alarms notify in business hours only. An alarm that is still in ALARM when these begin is reported then. What
//! fired and cleared meanwhile is in the opening digest, because CloudWatch and a suppressor never report it.

mod calendar;
mod digest;
mod notifier;

pub use calendar::{BusinessHours, HoursConfig, HoursError};
pub use digest::{Digest, DigestEntry, MutedEntry};
pub use notifier::{Message, Notifier, NotifierState};

#[cfg(test)]
mod tests;
