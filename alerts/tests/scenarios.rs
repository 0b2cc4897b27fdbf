//! All scenario files pass, against the rules as they are in the repository.

use spillway_alerts::check::Check;
use std::path::{Path, PathBuf};

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

#[test]
fn every_scenario_passes_and_no_lint_is_left() {
    let report = Check::default()
        .runbooks(folder("../docs/runbooks"))
        .run(&[folder("rules"), folder("tests/scenarios")]);
    assert!(report.passed(), "\n{report}");
    assert!(report.outcomes.len() > 60, "the scenario files were found\n{report}");
}
