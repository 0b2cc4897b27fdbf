//! What cargo knows of the workspace: its packages and their test and bench targets.

use crate::{process, settings::Settings};
use anyhow::{Context, Result};
use serde_json::Value;
use std::path::{Path, PathBuf};

/// One package.
#[derive(Debug, Default)]
pub struct Package {
    /// Its name.
    pub name: String,
    /// Its folder.
    pub folder: PathBuf,
    /// Its targets: kind, name.
    pub targets: Vec<(String, String)>,
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
/// When cargo cannot read the workspace.
pub fn packages(settings: &Settings) -> Result<Vec<Package>> {
    let text = process::output(settings.cargo().args(["metadata", "--no-deps", "--format-version", "1"]))?;
    let metadata: Value = serde_json::from_str(&text).context("cannot read what cargo metadata printed")?;
    Ok(read(&metadata))
}

/// Reads the answer of `cargo metadata --no-deps`, in which all packages are the workspace's own.
fn read(metadata: &Value) -> Vec<Package> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let package = |package: &Value| {
        let targets = list(&package["targets"])
            .flat_map(|target| list(&target["kind"]).map(|kind| (text(kind), text(&target["name"]))));
        let manifest = text(&package["manifest_path"]);
        let folder = Path::new(&manifest).parent().unwrap_or(Path::new("")).to_path_buf();
        Package { name: text(&package["name"]), folder, targets: targets.collect() }
    };
    list(&metadata["packages"]).map(package).collect()
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn targets_are_told_apart_by_kind() {
        let metadata = json!({"packages": [{"name": "a", "manifest_path": "/w/a/Cargo.toml", "targets": [
            {"kind": ["lib", "cdylib"], "name": "a"}, {"kind": ["test"], "name": "browser"},
        ]}]});
        let packages = read(&metadata);
        assert_eq!(packages[0].targets_of("test"), ["browser"]);
        assert_eq!(packages[0].targets_of("cdylib"), ["a"]);
        assert_eq!(packages[0].folder, Path::new("/w/a"));
    }
}
