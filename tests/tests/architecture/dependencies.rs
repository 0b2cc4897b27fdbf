//! Which package may depend on which. The tests read `cargo metadata --no-deps` and `Cargo.lock`, so they need no
//! network and no build.

use crate::{read, root};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fs;
use std::path::Path;
use std::process::Command;

/// The domain has no vendor, no runtime, no database and no user interface.
const DOMAIN: [&str; 4] = ["pipeline/core", "alerts", "dashboard/model", "dashboard/charts"];
/// Adapters implement ports with a database or a service.
const ADAPTERS: [&str; 4] = ["pipeline/embedded", "pipeline/aws", "dashboard/embedded", "dashboard/aws"];
/// The folder of the program `spillway`: the workspace's own.
const PROGRAM: &str = "";
/// Programs, functions and benchmarks connect ports and adapters.
const ASSEMBLERS: [&str; 4] = [PROGRAM, "alerts/reporter", "dashboard/server", "bench"];
/// So does each function in this folder.
const FUNCTIONS: &str = "pipeline/functions/";
/// Prefixes of package names that the domain must not depend on.
const INFRASTRUCTURE: [&str; 9] =
    ["aws-", "lambda_", "axum", "leptos", "hyper", "tokio", "reqwest", "rusqlite", "libsqlite3"];
/// Libraries that only these folders may name, so that only one place changes when a library is replaced. `bench`
/// measures peers.
const ONLY_IN: [(&str, &[&str]); 8] = [
    ("aws-sdk-", &["pipeline/aws", "dashboard/aws", "alerts/reporter"]),
    ("axum", &["dashboard/server", "bench"]),
    ("jsonschema", &["pipeline/core", "alerts"]),
    ("lambda_runtime", &["pipeline/lambda", "bench/noop"]),
    ("leptos", &["dashboard/app", "dashboard/frontend", "dashboard/server"]),
    ("plotters", &["dashboard/charts"]),
    ("rusqlite", &["pipeline/embedded", "bench"]),
    ("serde_yaml_ng", &["alerts"]),
];
/// Packages that depend on no other package of the workspace, and that every package may use.
const LEAVES: [&str; 3] = ["pipeline/metrics", "dashboard/pages", "dashboard/words"];
/// Packages that depend on no other package of the workspace except leaves.
const ALONE: [&str; 7] =
    ["pipeline/core", "alerts", "dashboard/charts", "tests", "xtask", "xtask/lambda", "xtask/wasm"];
/// Fakes and test data. Other packages may name it only as a dev-dependency, except these packages of tests and
/// benchmarks.
const TEST_KIT: &str = "tests/testkit";
const MAY_USE_TEST_KIT: [&str; 3] = [TEST_KIT, "tests", "bench"];
/// Packages without the shared lints, with the reason.
const OWN_LINTS: [(&str, &str); 0] = [];

/// The packages of the workspace and of its lock file, with their dependencies. Dev-dependencies are left out.
struct Graph {
    /// The workspace's own packages: folder by name.
    folders: BTreeMap<String, String>,
    edges: BTreeMap<String, BTreeSet<String>>,
}

impl Graph {
    fn read() -> Self {
        let root = root();
        let output = Command::new(env!("CARGO"))
            .args(["metadata", "--no-deps", "--offline", "--format-version", "1"])
            .current_dir(&root)
            .output()
            .expect("cargo starts");
        assert!(output.status.success(), "cargo metadata: {}", String::from_utf8_lossy(&output.stderr));
        let metadata: Value = serde_json::from_slice(&output.stdout).expect("cargo metadata prints JSON");
        let lock = fs::read_to_string(root.join("Cargo.lock")).expect("the lock file is committed");
        Self::of(&metadata, &lock)
    }

    fn of(metadata: &Value, lock: &str) -> Self {
        let mut graph = Self { folders: BTreeMap::new(), edges: locked(lock) };
        let root = text(&metadata["workspace_root"]);
        for package in list(&metadata["packages"]) {
            let folder =
                Path::new(text(&package["manifest_path"])).parent().expect("a manifest is in a folder");
            let folder = folder.strip_prefix(root).expect("members are in the workspace");
            let name = text(&package["name"]).to_owned();
            let needed = list(&package["dependencies"]).filter(|dependency| dependency["kind"] != "dev");
            let needed = needed.map(|dependency| text(&dependency["name"]).to_owned()).collect();
            graph.edges.insert(name.clone(), needed);
            graph.folders.insert(name, folder.to_string_lossy().into_owned());
        }
        graph
    }

    fn named(&self, name: &str) -> impl Iterator<Item = &str> {
        self.edges.get(name).into_iter().flatten().map(String::as_str)
    }

    /// The shortest path from a package to one that it must not depend on, as `a → b → c`.
    fn path_to(&self, from: &str, forbidden: impl Fn(&str) -> bool) -> Option<String> {
        let mut seen = BTreeSet::from([from]);
        let mut paths = VecDeque::from([vec![from]]);
        while let Some(path) = paths.pop_front() {
            let last = path.last().expect("a path has a first package");
            for next in self.named(last).filter(|next| seen.insert(next)).collect::<Vec<_>>() {
                let mut longer = path.clone();
                longer.push(next);
                if forbidden(next) {
                    return Some(longer.join(" → "));
                }
                paths.push_back(longer);
            }
        }
        None
    }

    fn is_in(&self, name: &str, folders: &[&str]) -> bool {
        self.folders.get(name).is_some_and(|folder| folders.contains(&folder.as_str()))
    }

    /// Each broken rule, with the path of dependencies that breaks it.
    fn violations(&self) -> Vec<String> {
        let mut broken = Vec::new();
        for (name, folder) in &self.folders {
            let mut forbid = |forbidden: &dyn Fn(&str) -> bool, why: &str| {
                if let Some(path) = self.path_to(name, forbidden) {
                    broken.push(format!("{folder}: {path}\n    {why}"));
                }
            };
            let folder = folder.as_str();
            let is_leaf = LEAVES.contains(&folder);
            if DOMAIN.contains(&folder) || is_leaf {
                let infrastructure = |name: &str| INFRASTRUCTURE.iter().any(|start| name.starts_with(start));
                forbid(
                    &infrastructure,
                    "the domain depends on no vendor, runtime, database or user interface",
                );
            }
            let assembles = ASSEMBLERS.contains(&folder) || folder.starts_with(FUNCTIONS);
            if !ADAPTERS.contains(&folder) && !assembles {
                forbid(&|name| self.is_in(name, &ADAPTERS), "it uses ports; only programs use adapters");
            }
            if folder.starts_with("pipeline/") {
                let dashboard = |name: &str| {
                    self.folders.get(name).is_some_and(|folder| folder.starts_with("dashboard/"))
                        && !self.is_in(name, &LEAVES)
                };
                forbid(&dashboard, "the pipeline runs without a dashboard");
            }
            if ALONE.contains(&folder) || is_leaf {
                let allowed = |name: &str| !is_leaf && self.is_in(name, &LEAVES);
                let ours = |name: &str| self.folders.contains_key(name) && !allowed(name);
                forbid(&ours, "it depends on no other package of the workspace, except leaves");
            }
            if !MAY_USE_TEST_KIT.contains(&folder) {
                forbid(
                    &|name| self.is_in(name, &[TEST_KIT]),
                    "no product has test code in it: name the test kit under [dev-dependencies]",
                );
            }
            for (library, folders) in ONLY_IN {
                let direct = self.named(name).find(|other| other.starts_with(library));
                if let Some(direct) = direct.filter(|_| !folders.contains(&folder)) {
                    broken
                        .push(format!("{folder}: {name} → {direct}\n    only {} may", folders.join(" and ")));
                }
            }
        }
        broken
    }
}

/// The dependencies of each package, from `Cargo.lock`. All versions of a package count as one.
fn locked(lock: &str) -> BTreeMap<String, BTreeSet<String>> {
    let mut edges: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for package in lock.split("[[package]]").skip(1) {
        let name = package.lines().find_map(|line| line.strip_prefix("name = \"")?.strip_suffix('"'));
        let needed = package.split_once("dependencies = [").map_or("", |(_, rest)| rest);
        let needed =
            needed.lines().map_while(|line| (line != "]").then_some(line.trim().trim_matches(['"', ','])));
        let needed = needed.filter_map(|line| line.split(' ').next()).filter(|name| !name.is_empty());
        let name = name.expect("a locked package has a name");
        edges.entry(name.to_owned()).or_default().extend(needed.map(str::to_owned));
    }
    edges
}

#[test]
fn dependencies_follow_the_rules() {
    let broken = Graph::read().violations();
    assert!(broken.is_empty(), "see \"Who may depend on whom\" in ARCHITECTURE.md\n{}", broken.join("\n"));
}

#[test]
fn a_forbidden_dependency_is_reported_with_its_path() {
    let package = |folder: &str, name: &str, needed: &[(&str, Option<&str>)]| {
        let needed: Vec<_> =
            needed.iter().map(|(name, kind)| serde_json::json!({"name": name, "kind": kind})).collect();
        serde_json::json!({"name": name, "manifest_path": format!("/w/{folder}/Cargo.toml"), "dependencies": needed})
    };
    let found = |packages: &[Value]| {
        let metadata = serde_json::json!({"workspace_root": "/w", "packages": packages});
        let lock = "[[package]]\nname = \"http-client\"\ndependencies = [\n \"tokio 1.0.0\",\n]\n";
        Graph::of(&metadata, lock).violations().join("\n")
    };
    let adapter = package("pipeline/embedded", "adapter", &[("rusqlite", None)]);
    let page = package("dashboard/app", "page", &[("port", None)]);
    let port = package("dashboard/model", "port", &[("adapter", None)]);
    let all = found(&[adapter.clone(), page, port]);
    assert!(all.contains("dashboard/app: page → port → adapter"), "{all}");
    assert!(all.contains("dashboard/model: port → adapter → rusqlite"), "{all}");
    let deep = found(&[package("pipeline/core", "core", &[("http-client", None)])]);
    assert!(deep.contains("pipeline/core: core → http-client → tokio"), "{deep}");
    let program_below = found(&[
        package("pipeline/ingest", "ingest", &[("server", None)]),
        package("dashboard/server", "server", &[("adapter", None), ("axum", None)]),
        adapter.clone(),
    ]);
    assert!(program_below.starts_with("pipeline/ingest: ingest → server"), "{program_below}");
    assert!(
        found(&[package("pipeline/ingest", "ingest", &[("rusqlite", None)])])
            .contains("only pipeline/embedded and bench may")
    );
    let leaf = package("pipeline/metrics", "metrics", &[]);
    let charts = package("dashboard/charts", "charts", &[("metrics", None)]);
    assert_eq!(found(&[leaf, charts.clone()]), "", "every package may use a leaf");
    let leaning = found(&[package("pipeline/metrics", "metrics", &[("charts", None)]), charts]);
    assert!(leaning.contains("pipeline/metrics: metrics → charts"), "{leaning}");
    let kit = package("tests/testkit", "kit", &[("core", None)]);
    let core = package("pipeline/core", "core", &[("kit", Some("dev"))]);
    assert_eq!(found(&[kit.clone(), core]), "", "the kit may be a dev-dependency of what it depends on");
    let product = found(&[kit, package("pipeline/ingest", "ingest", &[("kit", None)])]);
    assert!(product.contains("pipeline/ingest: ingest → kit"), "{product}");
    let in_tests = package("pipeline/core", "core", &[("tokio", Some("dev"))]);
    assert_eq!(found(&[in_tests, adapter]), "", "test dependencies are not checked");
}

#[test]
fn packages_use_the_shared_lints_and_have_a_description() {
    for (name, folder) in Graph::read().folders {
        let folder_path = root().join(&folder);
        let manifest = read(&folder_path.join("Cargo.toml"));
        let shared =
            manifest.split("\n[lints]\n").nth(1).is_some_and(|rest| rest.starts_with("workspace = true"));
        let excused = OWN_LINTS.iter().any(|(own, _)| *own == folder);
        assert!(
            shared || excused,
            "{folder}/Cargo.toml: add [lints] workspace = true, or a reason to OWN_LINTS"
        );
        let has_doc = ["src/lib.rs", "src/main.rs"]
            .iter()
            .filter_map(|file| fs::read_to_string(folder_path.join(file)).ok())
            .any(|source| source.starts_with("//!"));
        assert!(has_doc || folder_path.join("README.md").is_file(), "{name} has no description");
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}
