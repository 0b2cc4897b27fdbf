//! The machine that a pipeline runs on. In AWS there is none.

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};

/// What is wrong with the machine.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Host {
    /// Why the data folder takes no data, if so.
    pub disk: Option<DiskTrouble>,
    /// The last time that the machine's clock jumped, if it did.
    pub clock: Option<ClockJump>,
}

/// Why a data folder takes no data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DiskTrouble {
    /// Its disk is full.
    Full,
    /// Writing fails for another reason.
    NotWritable(String),
}

/// A jump of the machine's clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClockJump {
    /// When it was noticed, by the new time.
    pub at: Timestamp,
    /// By how much; negative if the clock was set back.
    pub by: SignedDuration,
}

/// Reads the state of the machine.
#[async_trait]
pub trait HostReader: Send + Sync {
    /// What is wrong with it now. What cannot be found out is left out.
    async fn host(&self) -> Host;
}
