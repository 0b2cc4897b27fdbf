//! Cargo's data about the workspace: its packages, their test and bench targets, and which packages are Lambda
//! functions.

use crate::{process, settings::Settings};
use anyhow::{Context, Result, ensure};
use serde_json::Value;
use std::path::{Path, PathBuf};

#[derive(Debug, Default)]
pub struct Package {
    pub name: String,
    pub folder: PathBuf,
    /// Its targets.
    pub targets: Vec<Target>,
    /// Whether it is a Lambda function, and where it is invoked: `[package.metadata.spillway.function]` in its manifest.
    pub function: Option<Place>,
}

/// What cargo builds from one root file.
#[derive(Debug)]
pub struct Target {
    /// Its kind, such as `test` or `bin`.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// Whether it has tests: `test = false` in the manifest says that it has none.
    pub tested: bool,
}

/// Where a function is invoked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// On the event path: every event passes through it.
    OnEventPath,
    /// Beside the event path: no event passes through it.
    BesideEventPath,
}

/// A Lambda function. Terraform refers to it by its name: `local.function_list` in `terraform/functions.tf`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Function {
    /// The name of its program, and of its zip.
    pub name: String,
    pub package: String,
    /// Where it is invoked.
    pub place: Place,
}

impl Package {
    /// Names of its targets of a kind, such as `test` or `bench`.
    pub fn targets_of(&self, kind: &str) -> Vec<&str> {
        self.of(kind).map(|target| &*target.name).collect()
    }

    /// Names of its programs that have tests.
    pub fn tested_programs(&self) -> impl Iterator<Item = &str> {
        self.of("bin").filter(|target| target.tested).map(|target| &*target.name)
    }

    fn of(&self, kind: &str) -> impl Iterator<Item = &Target> {
        self.targets.iter().filter(move |target| target.kind == kind)
    }
}

/// The workspace's packages.
pub fn packages(settings: &Settings) -> Result<Vec<Package>> {
    let text = process::output(settings.cargo().args(["metadata", "--no-deps", "--format-version", "1"]))?;
    let metadata: Value = serde_json::from_str(&text).context("cannot read what cargo metadata printed")?;
    Ok(read(&metadata))
}

/// The Lambda functions among packages, by name.
pub fn functions(packages: &[Package]) -> Result<Vec<Function>> {
    let mut functions = Vec::new();
    for package in packages {
        let Some(place) = package.function else { continue };
        let programs = package.targets_of("bin");
        ensure!(programs.len() == 1, "{} is a function and has {} programs", package.name, programs.len());
        let (name, package) = (programs[0].to_owned(), package.name.clone());
        functions.push(Function { name, package, place });
    }
    functions.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(functions)
}

/// Reads the answer of `cargo metadata --no-deps`, in which all packages are the workspace's own.
fn read(metadata: &Value) -> Vec<Package> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let package = |package: &Value| {
        let targets = list(&package["targets"]).flat_map(|target| {
            let (name, tested) = (&target["name"], target["test"] == true);
            list(&target["kind"]).map(move |kind| Target { kind: text(kind), name: text(name), tested })
        });
        let on_event_path = package["metadata"]["spillway"]["function"]["on-event-path"].as_bool();
        let function = on_event_path.map(|on| if on { Place::OnEventPath } else { Place::BesideEventPath });
        let manifest = text(&package["manifest_path"]);
        let folder = Path::new(&manifest).parent().unwrap_or(Path::new("")).to_path_buf();
        Package { name: text(&package["name"]), folder, targets: targets.collect(), function }
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
    fn targets_are_distinguished_by_kind() {
        let metadata = json!({"packages": [{"name": "a", "manifest_path": "/w/a/Cargo.toml", "targets": [
            {"kind": ["lib", "cdylib"], "name": "a"}, {"kind": ["test"], "name": "browser"},
            {"kind": ["bin"], "name": "b", "test": true}, {"kind": ["bin"], "name": "c", "test": false},
        ]}]});
        let packages = read(&metadata);
        assert_eq!(packages[0].targets_of("test"), ["browser"]);
        assert_eq!(packages[0].targets_of("cdylib"), ["a"]);
        assert_eq!(packages[0].targets_of("bin"), ["b", "c"]);
        assert_eq!(packages[0].tested_programs().collect::<Vec<_>>(), ["b"]);
        assert_eq!(packages[0].folder, Path::new("/w/a"));
        assert_eq!(functions(&packages).unwrap(), []);
    }

    fn function(name: &str, programs: &[&str], on_event_path: bool) -> Value {
        let targets: Vec<_> = programs.iter().map(|name| json!({"kind": ["bin"], "name": name})).collect();
        json!({"name": name, "targets": targets,
            "metadata": {"spillway": {"function": {"on-event-path": on_event_path}}}})
    }

    #[test]
    fn functions_are_marked_in_their_manifests_and_named_after_their_programs() {
        let metadata =
            json!({"packages": [function("b", &["reporter"], false), function("a", &["ingest"], true)]});
        let found = functions(&read(&metadata)).unwrap();
        let expected =
            |name: &str, package: &str, place| Function { name: name.into(), package: package.into(), place };
        assert_eq!(
            found,
            [expected("ingest", "a", Place::OnEventPath), expected("reporter", "b", Place::BesideEventPath)]
        );
        let two = json!({"packages": [function("a", &["one", "two"], true)]});
        assert_eq!(functions(&read(&two)).unwrap_err().to_string(), "a is a function and has 2 programs");
    }

    #[test]
    fn terraform_deploys_the_functions_that_cargo_knows() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let output = std::process::Command::new(env!("CARGO"))
            .args(["metadata", "--no-deps", "--offline", "--format-version", "1"])
            .current_dir(root)
            .output()
            .unwrap();
        let found = functions(&read(&serde_json::from_slice(&output.stdout).unwrap())).unwrap();
        let terraform = std::fs::read_to_string(root.join("terraform/functions.tf")).unwrap();
        let (_, list) = terraform.split_once("\n  function_list = {\n").unwrap();
        let (list, _) = list.split_once("\n  }\n").unwrap();
        let mut listed: Vec<_> = list
            .lines()
            .filter(|line| line.starts_with("    ") && !line[4..].starts_with([' ', '#', '}']))
            .filter_map(|line| line.split_once('=').map(|(name, _)| name.trim()))
            .collect();
        listed.sort_unstable();
        assert_eq!(found.iter().map(|function| &*function.name).collect::<Vec<_>>(), listed);
        let beside = found.iter().filter(|function| function.place == Place::BesideEventPath).count();
        assert_eq!(beside, list.matches("on_event_path = false").count(), "both have where each is invoked");
    }
}
