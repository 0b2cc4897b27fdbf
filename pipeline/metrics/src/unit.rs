//! Units.

use serde::{Deserialize, Serialize};

/// Units, as CloudWatch spells them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Unit {
    /// How many.
    Count,
    /// How long, in ms.
    Milliseconds,
    /// How long, in s.
    Seconds,
    /// How large.
    Bytes,
    /// A share of 100.
    Percent,
    /// A number without a unit.
    None,
}
