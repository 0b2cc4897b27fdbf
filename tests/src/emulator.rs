//! A whole deployment on an emulator of AWS that nobody here wrote: the root module applied by Terraform, with the
//! functions' release builds in it.
//!
//! ```text
//! test ─HTTP─▶ emulator ─▶ functions ─▶ fault proxy ─▶ emulator (queues, tables, objects)
//!                              └─UDP─▶ daemon that keeps trace segments
//! ```
//!
//! What the emulator lacks is played here, by AWS's own rules: the X-Ray daemon ([`daemon`]), and CloudWatch Logs where it
//! makes metrics of log lines ([`metrics`]). Nothing of Spillway is replaced.

pub mod aws;
pub mod daemon;
pub mod deployment;
pub mod metrics;
pub mod process;
pub mod terraform;

pub use deployment::Deployment;
