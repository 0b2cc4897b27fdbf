//! Alarms over datapoints that a test records, with a clock that is set by hand.

mod clock;
mod damaged;
mod disk;
mod evaluating;
mod history;
mod incidents;
mod notifying;
mod settings;
mod support;
mod webhook;
