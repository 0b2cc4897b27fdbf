//! What cargo knows of the workspace: its packages, their targets and what they depend on.

use crate::{process, settings::Settings};
use anyhow::{Context, Result};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// One package.
#[derive(Debug, Default)]
pub struct Package {
    /// Its name.
    pub name: String,
    /// Its folder, relative to the workspace's root, with `/` between its parts.
    pub folder: String,
    /// Test and bench targets by kind.
    pub targets: Vec<(String, String)>,
    /// Names of all packages that it is built from, its tests' not counted.
    pub reaches: BTreeSet<String>,
}

impl Package {
    /// Names of its targets of a kind, such as `test` or `bench`.
    pub fn targets_of(&self, kind: &str) -> Vec<&str> {
        self.targets.iter().filter(|(of, _)| of == kind).map(|(_, name)| name.as_str()).collect()
    }
}

/// The workspace's packages.
///
/// # Errors
/// When cargo cannot resolve the workspace.
pub fn packages(settings: &Settings) -> Result<Vec<Package>> {
    let text = process::output(settings.cargo().args(["metadata", "--format-version", "1"]))?;
    let metadata: Value = serde_json::from_str(&text).context("cannot read what cargo metadata printed")?;
    Ok(read(&metadata))
}

/// Reads `cargo metadata`'s answer.
pub fn read(metadata: &Value) -> Vec<Package> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let names: BTreeMap<String, String> =
        list(&metadata["packages"]).map(|package| (text(&package["id"]), text(&package["name"]))).collect();
    let edges: BTreeMap<String, Vec<String>> = list(&metadata["resolve"]["nodes"])
        .map(|node| {
            let built_from = list(&node["deps"]).filter(|dependency| {
                list(&dependency["dep_kinds"]).any(|kind| kind["kind"].as_str() != Some("dev"))
            });
            (text(&node["id"]), built_from.map(|dependency| text(&dependency["pkg"])).collect())
        })
        .collect();
    let members: BTreeSet<String> = list(&metadata["workspace_members"]).map(text).collect();
    let root = text(&metadata["workspace_root"]);
    list(&metadata["packages"])
        .filter(|package| members.contains(&text(&package["id"])))
        .map(|package| {
            let manifest = text(&package["manifest_path"]).replace('\\', "/");
            let folder = manifest.strip_prefix(&root.replace('\\', "/")).unwrap_or(&manifest);
            let targets = list(&package["targets"])
                .flat_map(|target| list(&target["kind"]).map(|kind| (text(kind), text(&target["name"]))));
            Package {
                name: text(&package["name"]),
                folder: folder.trim_start_matches('/').trim_end_matches("/Cargo.toml").to_owned(),
                targets: targets.collect(),
                reaches: reach(&text(&package["id"]), &edges, &names),
            }
        })
        .collect()
}

fn reach(
    from: &str,
    edges: &BTreeMap<String, Vec<String>>,
    names: &BTreeMap<String, String>,
) -> BTreeSet<String> {
    let mut seen = BTreeSet::new();
    let mut waiting = vec![from];
    while let Some(id) = waiting.pop() {
        for next in edges.get(id).into_iter().flatten() {
            if seen.insert(next.as_str()) {
                waiting.push(next);
            }
        }
    }
    seen.into_iter().filter_map(|id| names.get(id).cloned()).collect()
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}
