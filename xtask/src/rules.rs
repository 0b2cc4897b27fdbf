//! The dependency rules: who may be built from whom. See ARCHITECTURE.md for the reasons.

use crate::{
    metadata::{self, Package},
    ring::{Counts, Outcome},
    settings::Settings,
};
use anyhow::Result;
use std::fs;

/// Packages that hold the domain. They know no vendor, no web server and no user interface.
const DOMAIN: [&str; 4] = ["pipeline/core", "alerts", "dashboard/telemetry", "dashboard/charts"];
/// Packages that reach the world for others.
const ADAPTERS: [&str; 4] = ["pipeline/embedded", "pipeline/aws", "dashboard/embedded", "dashboard/aws"];
/// What is drawn; it gets its data through ports.
const VIEWS: [&str; 2] = ["dashboard/app", "dashboard/frontend"];

/// Checks the rules, and that every package takes the shared lints.
///
/// # Errors
/// When cargo cannot resolve the workspace.
pub fn run(settings: &Settings) -> Result<Outcome> {
    let packages = metadata::packages(settings)?;
    let mut broken = violations(&packages);
    for package in &packages {
        let manifest = fs::read_to_string(settings.root.join(&package.folder).join("Cargo.toml"))?;
        if !takes_shared_lints(&manifest) {
            broken.push(format!(
                "{} does not take the workspace's lints; add [lints] workspace = true",
                package.folder
            ));
        }
    }
    for line in &broken {
        eprintln!("    {line}");
    }
    Ok(Outcome::Ran(Counts { passed: usize::from(broken.is_empty()), failed: broken.len(), skipped: 0 }))
}

/// Each broken rule in a sentence.
fn violations(packages: &[Package]) -> Vec<String> {
    let mut broken = Vec::new();
    let named = |folders: &[&str]| -> Vec<String> {
        packages.iter().filter(|p| folders.contains(&p.folder.as_str())).map(|p| p.name.clone()).collect()
    };
    let adapters = named(&ADAPTERS);
    let dashboard: Vec<String> =
        packages.iter().filter(|p| p.folder.starts_with("dashboard/")).map(|p| p.name.clone()).collect();
    for package in packages {
        let mut forbid = |what: &dyn Fn(&str) -> bool, why: &str| {
            for name in package.reaches.iter().filter(|name| what(name)) {
                broken.push(format!("{} is built from {name}: {why}", package.folder));
            }
        };
        if DOMAIN.contains(&package.folder.as_str()) {
            forbid(
                &is_infrastructure,
                "the domain knows no AWS, Lambda, web server, database or user interface",
            );
        }
        if VIEWS.contains(&package.folder.as_str()) {
            forbid(
                &|name| adapters.iter().any(|adapter| adapter == name) || name.starts_with("aws-sdk"),
                "pages get ports from context, never an adapter",
            );
        }
        if package.folder.starts_with("pipeline/") {
            forbid(
                &|name| dashboard.iter().any(|other| other == name),
                "the pipeline never uses the dashboard",
            );
        }
    }
    broken
}

fn is_infrastructure(name: &str) -> bool {
    ["aws-", "lambda_", "axum", "leptos", "hyper", "rusqlite", "libsqlite3"]
        .iter()
        .any(|start| name.starts_with(start))
}

fn takes_shared_lints(manifest: &str) -> bool {
    manifest.split("[lints]").nth(1).is_some_and(|rest| rest.trim_start().starts_with("workspace = true"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(folder: &str, reaches: &[&str]) -> Package {
        Package {
            name: folder.replace('/', "-"),
            folder: folder.to_owned(),
            reaches: reaches.iter().map(|&name| name.to_owned()).collect(),
            ..Package::default()
        }
    }

    #[test]
    fn each_rule_catches_who_breaks_it() {
        let catches = |folder: &str, from: &str, name: &str| {
            let found = violations(&[package(folder, &[from]), package(name, &[])]);
            assert_eq!(found.len(), 1, "{folder} from {from}: {found:?}");
            assert!(found[0].starts_with(&format!("{folder} is built from {from}")), "{found:?}");
        };
        catches("pipeline/core", "aws-sdk-sqs", "x");
        catches("dashboard/charts", "leptos", "x");
        catches("alerts", "axum", "x");
        catches("dashboard/app", "dashboard-embedded", "dashboard/embedded");
        catches("pipeline/cli", "dashboard-charts", "dashboard/charts");
    }

    #[test]
    fn who_keeps_the_rules_is_left_alone() {
        let kept = [
            package("pipeline/core", &["serde", "jiff"]),
            package("dashboard/embedded", &["pipeline-core", "rusqlite"]),
            package("dashboard/server", &["dashboard-app", "dashboard-embedded", "axum", "leptos"]),
            package("dashboard/app", &["pipeline-core", "leptos", "leptos_axum"]),
        ];
        assert_eq!(violations(&kept), Vec::<String>::new());
    }

    #[test]
    fn lints_are_shared_or_not() {
        assert!(takes_shared_lints("[package]\n[lints]\nworkspace = true\n"));
        assert!(!takes_shared_lints("[package]\n[dependencies]\n"));
        assert!(!takes_shared_lints("[lints]\n[lints.rust]\nunsafe_code = \"allow\"\n"));
    }

    #[test]
    fn this_workspace_keeps_them() {
        let settings = Settings::read().unwrap();
        assert_eq!(violations(&metadata::packages(&settings).unwrap()), Vec::<String>::new());
    }
}
