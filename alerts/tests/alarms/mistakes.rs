//! Rules that CloudWatch would take, or nearly, and that would not do what their author intends: a file for each mistake in
//! `tests/mistakes`, and beside it what the check says. `UPDATE_EXPECT=1 cargo test -p spillway-alerts --test alarms mistakes`
//! writes that again.

use expect_test::expect_file;
use spillway_alerts::check::{LintKind, run};
use std::path::{Path, PathBuf};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/mistakes")
}

/// What the check says about a file, without its name, and without the rules that have no scenario.
fn found(file: &Path) -> String {
    let mut report = run(&[file.to_owned()]);
    report.lints.retain(|lint| lint.kind != LintKind::NoScenario);
    let said =
        report.problems.iter().map(ToString::to_string).chain(report.lints.iter().map(ToString::to_string));
    let said: String = said.map(|line| line + "\n").collect();
    said.replace(&format!("{}:", file.display()), "")
}

#[test]
fn each_mistake_is_named() {
    let mut files: Vec<_> = std::fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "yaml"));
    files.sort();
    assert!(files.len() >= 14, "{files:?}");
    for file in files {
        let found = found(&file);
        assert!(!found.is_empty(), "{}: nothing is said", file.display());
        // Each rule of the file is wrong, but for the parts of a composite.
        let text = std::fs::read_to_string(&file).unwrap();
        let names = text.lines().filter_map(|line| line.trim_start().strip_prefix("- name: "));
        for name in names.filter(|name| !name.starts_with("part")) {
            let is_unreadable = found.contains("rules[");
            assert!(
                is_unreadable || found.contains(&format!("{name}: ")),
                "{}: {name} in\n{found}",
                file.display()
            );
        }
        expect_file![file.with_extension("txt")].assert_eq(&found);
    }
}
