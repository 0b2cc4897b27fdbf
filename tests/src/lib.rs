//! Whole-system journeys: the programs as users run them, tested from outside.
//!
//! Each test starts the release binaries on free ports and a folder of its own, and talks to them over sockets, through
//! the command line tool and in a browser. Nothing here links to the system's own code but to the dashboard's table of
//! pages, so that a test can only see what a user sees. Helpers panic if something is not as a test needs it. Each ring of tests is a test target, by what it needs: `embedded` and `bad_input` need nothing, `browser`
//! needs Chromium.

pub mod addresses;
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
