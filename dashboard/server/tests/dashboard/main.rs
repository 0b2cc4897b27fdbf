//! The dashboard's server without a socket: pages, forms, sign-in and headers.

#![expect(clippy::unwrap_used, reason = "helpers of tests panic on failure, as tests do")]

mod alarms;
#[cfg(feature = "aws")]
mod aws;
#[cfg(feature = "aws")]
mod carried_on;
mod dead_letters;
mod explained;
mod facts;
mod flow;
mod harness;
mod incidents;
mod outage;
mod overview_and_metrics;
mod requests;
