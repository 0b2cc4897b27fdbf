//! A whole deployment on a third-party emulator of AWS: Terraform applies the root module, with the functions' release
//! builds in it.
//!
//! ```text
//! test ─HTTP─▶ emulator ─▶ functions ─▶ fault proxy ─▶ emulator (queues, tables, objects)
//!                              └─UDP─▶ daemon that keeps trace segments
//! ```
//!
//! This module simulates what the emulator lacks, by AWS's own rules. That is the X-Ray daemon ([`daemon`]), and the
//! part of CloudWatch Logs that makes metrics from log lines ([`metrics`]). No part of Spillway is replaced.

pub mod aws;
pub mod daemon;
pub mod deployment;
pub mod metrics;
pub mod process;
pub mod terraform;

pub use deployment::Deployment;
