//! The alarm rules, their files and their scenarios, through the crate's public interface.

mod any_input;
mod bad_rules;
mod bad_scenarios;
mod lints;
mod mistakes;
mod refused_rules;
mod rule_files;
mod scenarios;
mod schedules;
mod traffic_shapes;

use spillway_alerts::check::{Check, Report};
use std::path::PathBuf;

/// Writes files into a folder of the build directory that is this test's own, and checks them.
fn check(test: &str, files: &[(&str, &str)]) -> Report {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(test);
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).expect("a folder");
    for (name, text) in files {
        std::fs::write(folder.join(name), text).expect("a file");
    }
    Check::default().runbooks(folder.clone()).run(&[folder])
}
