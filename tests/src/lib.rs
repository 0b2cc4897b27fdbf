//! Whole-system journeys: the programs as users run them, tested from outside.
//!
//! Each test starts the release binaries on free ports and in a separate folder. It uses them over sockets, through the
//! command line tool and in a browser. No test links to the system's own code, so that it sees only what a user sees.
//! Each ring of tests is a separate test target, named by its requirements: `embedded` and `bad_input` have none,
//! `browser` needs Chromium.

pub mod browser;
pub mod command;
pub mod disk;
pub mod emulator;
pub mod fault_proxy;
pub mod http;
pub mod programs;
pub mod system;
pub mod wait;

pub use system::{Setup, System};
pub use wait::{eventually, eventually_within};
