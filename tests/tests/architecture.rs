//! The rules of ARCHITECTURE.md: who may depend on whom, and that the documents name what is there.
//!
//! Only `cargo metadata --no-deps` and `Cargo.lock` are read, so that it needs no network and no build.

use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// They hold the domain.
const DOMAIN: [&str; 4] = ["pipeline/core", "alerts", "dashboard/model", "dashboard/charts"];
/// They reach the world on behalf of others, through ports.
const ADAPTERS: [&str; 4] = ["pipeline/embedded", "pipeline/aws", "dashboard/embedded", "dashboard/aws"];
/// The folder of the program `spillway`: the workspace's own.
const PROGRAM: &str = "";
/// They put ports and adapters together.
const ASSEMBLERS: [&str; 7] = [
    PROGRAM,
    "pipeline/functions/ingest",
    "pipeline/functions/consumer",
    "pipeline/functions/archiver",
    "alerts/reporter",
    "dashboard/server",
    "bench",
];
/// Beginnings of the names of packages that the domain knows nothing of.
const INFRASTRUCTURE: [&str; 9] =
    ["aws-", "lambda_", "axum", "leptos", "hyper", "tokio", "reqwest", "rusqlite", "libsqlite3"];
/// Libraries that only these folders name, so that replacing one is the matter of one place; `bench` has peers.
const ONLY_IN: [(&str, &[&str]); 8] = [
    ("aws-sdk-", &["pipeline/aws", "dashboard/aws", "alerts/reporter"]),
    ("axum", &["dashboard/server", "bench"]),
    ("jsonschema", &["pipeline/core"]),
    ("lambda_runtime", &["pipeline/lambda", "bench/noop"]),
    ("leptos", &["dashboard/app", "dashboard/frontend", "dashboard/server"]),
    ("plotters", &["dashboard/charts"]),
    ("rusqlite", &["pipeline/embedded", "bench"]),
    ("serde_yaml_ng", &["alerts"]),
];
/// They need no other package of the workspace, and every package may use them.
const LEAVES: [&str; 2] = ["dashboard/pages", "dashboard/words"];
/// Packages that need no other package of the workspace but leaves.
const ALONE: [&str; 5] = ["pipeline/core", "alerts", "dashboard/charts", "tests", "xtask"];
/// Packages without the shared lints, with the reason.
const OWN_LINTS: [(&str, &str); 0] = [];
/// Rust files that may be longer than [`MOST_LINES`], with the reason.
const LONG_FILES: [(&str, &str); 0] = [];
const MOST_LINES: usize = 400;
/// The packages of the workspace and of its lock file, and which names which. Tests' dependencies are left out.
struct Graph {
    /// Folder by name, of the workspace's own packages.
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

    /// The shortest way from a package to one that is forbidden to it, as `a → b → c`.
    fn way(&self, from: &str, forbidden: impl Fn(&str) -> bool) -> Option<String> {
        let mut seen = BTreeSet::from([from]);
        let mut ways = VecDeque::from([vec![from]]);
        while let Some(way) = ways.pop_front() {
            let last = way.last().expect("a way has a beginning");
            for next in self.named(last).filter(|next| seen.insert(next)).collect::<Vec<_>>() {
                let mut longer = way.clone();
                longer.push(next);
                if forbidden(next) {
                    return Some(longer.join(" → "));
                }
                ways.push_back(longer);
            }
        }
        None
    }

    fn is_in(&self, name: &str, folders: &[&str]) -> bool {
        self.folders.get(name).is_some_and(|folder| folders.contains(&folder.as_str()))
    }

    /// Each broken rule, in a sentence with the way that breaks it.
    fn violations(&self) -> Vec<String> {
        let mut broken = Vec::new();
        for (name, folder) in &self.folders {
            let mut forbid = |forbidden: &dyn Fn(&str) -> bool, why: &str| {
                if let Some(way) = self.way(name, forbidden) {
                    broken.push(format!("{folder}: {way}\n    {why}"));
                }
            };
            let folder = folder.as_str();
            if DOMAIN.contains(&folder) {
                let infrastructure = |name: &str| INFRASTRUCTURE.iter().any(|start| name.starts_with(start));
                forbid(
                    &infrastructure,
                    "the domain knows no vendor, no runtime, no database and no user interface",
                );
            }
            if !ADAPTERS.contains(&folder) && !ASSEMBLERS.contains(&folder) {
                forbid(&|name| self.is_in(name, &ADAPTERS), "it takes ports; only programs see adapters");
            }
            if folder.starts_with("pipeline/") {
                let dashboard = |name: &str| {
                    self.folders.get(name).is_some_and(|folder| folder.starts_with("dashboard/"))
                        && !self.is_in(name, &LEAVES)
                };
                forbid(&dashboard, "the pipeline runs without a dashboard and knows of none");
            }
            if ALONE.contains(&folder) || LEAVES.contains(&folder) {
                let may_use = if LEAVES.contains(&folder) { [].as_slice() } else { &LEAVES };
                let ours = |name: &str| self.folders.contains_key(name) && !self.is_in(name, may_use);
                forbid(&ours, "it needs no other package of the workspace");
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

/// Which package names which, by `Cargo.lock`. Versions of one package count as one.
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
fn dependencies_point_the_right_way() {
    let broken = Graph::read().violations();
    assert!(broken.is_empty(), "see \"Who may depend on whom\" in ARCHITECTURE.md\n{}", broken.join("\n"));
}

#[test]
fn a_wrong_edge_is_named_with_its_way() {
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
    let upside_down = found(&[
        package("pipeline/ingest", "ingest", &[("server", None)]),
        package("dashboard/server", "server", &[("adapter", None), ("axum", None)]),
        adapter.clone(),
    ]);
    assert!(upside_down.starts_with("pipeline/ingest: ingest → server"), "{upside_down}");
    assert!(
        found(&[package("pipeline/ingest", "ingest", &[("rusqlite", None)])])
            .contains("only pipeline/embedded and bench may")
    );
    let in_tests = package("pipeline/core", "core", &[("tokio", Some("dev"))]);
    assert_eq!(found(&[in_tests, adapter]), "", "tests may use what they like");
}

#[test]
fn packages_take_the_shared_lints_and_say_what_they_are() {
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
        assert!(has_doc || folder_path.join("README.md").is_file(), "{name} does not say what it is for");
    }
}

#[test]
fn rust_files_are_short() {
    let long: Vec<_> = files("rs")
        .into_iter()
        .map(|path| (shown(&path), read(&path).lines().count()))
        .filter(|(path, lines)| *lines > MOST_LINES && !LONG_FILES.iter().any(|(known, _)| known == path))
        .collect();
    assert!(long.is_empty(), "look for the seam, or give a reason in LONG_FILES: {long:?}");
}

#[test]
fn links_in_documents_lead_somewhere() {
    let mut broken = Vec::new();
    for document in files("md") {
        let text = read(&document);
        let folder = document.parent().expect("a document is in a folder");
        let targets = text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
        for target in targets.map(|target| target.split('#').next().unwrap_or_default()) {
            // Runbooks link to pages of the dashboard, which begin with a slash.
            let elsewhere = target.is_empty() || target.contains(':') || target.starts_with('/');
            if !elsewhere && !folder.join(target).exists() {
                broken.push(format!("{} links to {target}", shown(&document)));
            }
        }
    }
    assert!(broken.is_empty(), "{broken:#?}");
}

#[test]
fn what_architecture_names_is_there() {
    let sources: String = files("rs").iter().map(|path| read(path)).collect();
    let names = Names::in_sources(&sources);
    let mut spans = code_spans(&read(&root().join("ARCHITECTURE.md")));
    spans
        .retain(|span| is_path(span) && !path_exists(span) || is_function(span) && !names.has_function(span));
    assert!(spans.is_empty(), "ARCHITECTURE.md names what is not there: {spans:#?}");
}

#[test]
fn decisions_and_tasks_and_problems_are_listed() {
    let architecture = read(&root().join("ARCHITECTURE.md"));
    for decision in files("md").iter().map(|path| shown(path)).filter(|path| path.starts_with("docs/adr/")) {
        assert!(
            architecture.contains(&format!("({decision})")),
            "ARCHITECTURE.md does not link to {decision}"
        );
    }
    let tasks = read(&root().join("xtask/src/main.rs"));
    for document in ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md"] {
        for task in words_after(&read(&root().join(document)), "cargo xtask ") {
            let variant = task[..1].to_uppercase() + &task[1..];
            assert!(tasks.contains(&format!("Task::{variant}")), "{document} names `cargo xtask {task}`");
        }
    }
    let problems = |file: &str| words_after(&read(&root().join(file)), "/problems/");
    assert_eq!(problems("docs/http-api.md"), problems("pipeline/ingest/src/problem.rs"));
}

#[test]
fn spans_are_told_apart() {
    let spans = code_spans("`a/b.rs` and `run()`\n```\n`c/d`\n```\n`AWS/SQS` `/events`");
    assert_eq!(spans, ["a/b.rs", "run()", "AWS/SQS", "/events"]);
    assert_eq!(spans.iter().filter(|span| is_path(span)).collect::<Vec<_>>(), ["a/b.rs"]);
    assert_eq!(spans.iter().filter(|span| is_function(span)).collect::<Vec<_>>(), ["run()"]);
    assert!(path_exists("alerts/rules/*.yaml") && !path_exists("alerts/rulez/*.yaml"));
    let names = Names::in_sources("pub struct Consumer {}\nasync fn store_batch(&self)");
    assert!(names.has_function("Consumer::store_batch()"));
    assert!(!names.has_function("Archiver::store_batch()") && !names.has_function("store()"));
    assert_eq!(
        words_after("cargo xtask demo, cargo xtask ci", "cargo xtask "),
        ["ci", "demo"].map(str::to_owned).into()
    );
}

/// Code spans outside code blocks, each on one line.
fn code_spans(text: &str) -> Vec<String> {
    let mut fenced = false;
    let mut spans = Vec::new();
    for line in text.lines() {
        if line.starts_with("```") {
            fenced = !fenced;
        } else if !fenced {
            assert!(line.matches('`').count() % 2 == 0, "a code span is not closed on its line: {line}");
            spans.extend(line.split('`').skip(1).step_by(2).map(str::to_owned));
        }
    }
    spans
}

/// Whether a code span is a path in the repository, and not a URL's path, a media type or a namespace.
fn is_path(span: &str) -> bool {
    let other = ["/", "application/", "AWS/"].iter().any(|start| span.starts_with(start));
    !other && span.contains('/') && !span.contains([' ', ':', '{'])
}

fn path_exists(span: &str) -> bool {
    let folder = span
        .split_once('*')
        .map_or(span, |(before, _)| before.rsplit_once('/').map_or("", |(folder, _)| folder));
    root().join(folder).exists()
}

fn is_function(span: &str) -> bool {
    span.ends_with("()") && !span.contains(' ')
}

/// What is defined somewhere in the sources.
struct Names {
    functions: BTreeSet<String>,
    owners: BTreeSet<String>,
}

impl Names {
    fn in_sources(sources: &str) -> Self {
        let owners = ["struct ", "enum ", "trait ", "mod "].map(|kind| words_after(sources, kind));
        Self { functions: words_after(sources, "fn "), owners: owners.into_iter().flatten().collect() }
    }

    fn has_function(&self, span: &str) -> bool {
        let mut parts = span.trim_end_matches("()").rsplit("::");
        let name = parts.next().unwrap_or_default();
        parts.next().is_none_or(|owner| self.owners.contains(owner)) && self.functions.contains(name)
    }
}

/// The names that follow each place where a text has this.
fn words_after(text: &str, before: &str) -> BTreeSet<String> {
    let end = |rest: &str| {
        rest.find(|c: char| !c.is_ascii_alphanumeric() && !"_-".contains(c)).unwrap_or(rest.len())
    };
    text.split(before)
        .skip(1)
        .map(|rest| rest[..end(rest)].to_owned())
        .filter(|word| !word.is_empty())
        .collect()
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the package is in the workspace").to_path_buf()
}

/// The work tree's files with that extension, without what is built or fetched.
fn files(extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![root()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder can be read").map_while(Result::ok) {
            let (path, name) = (entry.path(), entry.file_name());
            let ours = name != "target" && name != "node_modules" && !name.to_string_lossy().starts_with('.');
            if path.is_dir() && ours {
                folders.push(path);
            } else if path.extension().is_some_and(|found| found == extension) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

fn shown(path: &Path) -> String {
    path.strip_prefix(root()).unwrap_or(path).to_string_lossy().into_owned()
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}
