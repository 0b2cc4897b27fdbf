//! Whole-system journeys: the programs as users run them, tested from outside.
//!
//! Each test starts the release binaries on free ports with a separate folder. It uses them over sockets, through the
//! command line tool and in a browser. The tests link to no code of the system except the dashboard's table of pages.
//! So a test sees only what a user sees. Each ring of tests is a test target: `embedded` and `bad_input` have no
//! requirements, `browser` needs Chromium. Helpers panic on any failure.

pub mod addresses;
pub mod browser;
pub mod command;
pub mod disk;
pub mod emulator;
pub mod fault_proxy;
pub mod http;
pub mod programs;
pub mod session;
pub mod system;
pub mod wait;
pub mod webhook;

pub use system::{Setup, System};
pub use wait::{eventually, eventually_within};
