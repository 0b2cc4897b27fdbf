//! Checks the Terraform modules: format, validity, and their own tests with mocked providers.

use crate::{
    metadata, process,
    ring::{Counts, Outcome, count},
    settings::Settings,
};
use anyhow::{Context, Result};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// An unpacked provider mirror contains a folder with this name.
const REGISTRY: &str = "registry.terraform.io";
/// The folders in which Terraform itself searches for such a mirror.
const IMPLIED: [&str; 2] = ["/usr/local/share/terraform/plugins", "/usr/share/terraform/plugins"];
/// Folders in which administrators unpack software manually.
const BY_HAND: [&str; 3] = ["/opt", "/usr/local", "/srv"];

/// The root module, initialised without a backend.
pub struct Workspace {
    folder: PathBuf,
    data: PathBuf,
}

impl Workspace {
    /// Initialises the module, or says what is missing.
    pub fn open(settings: &Settings) -> Result<std::result::Result<Self, Outcome>> {
        if process::find_program(&["terraform"]).is_none() {
            return Ok(Err(Outcome::Skipped {
                reason: "Terraform is not installed".into(),
                remedy: "Install Terraform 1.9 or later.".into(),
            }));
        }
        let data = settings.target.join("terraform");
        fs::create_dir_all(&data).with_context(|| format!("cannot create {}", data.display()))?;
        let workspace = Self { folder: settings.root.join("terraform"), data };
        // An empty configuration: the developer's own Terraform settings must not affect a test.
        fs::write(workspace.configuration(), "")?;
        let mut init = workspace.terraform(&["init", "-backend=false", "-input=false", "-no-color"]);
        if let Some(mirror) = mirror(settings) {
            init.arg(format!("-plugin-dir={}", mirror.display()));
        }
        if let Err(error) = process::output(&mut init) {
            process::say(&format!("    {error:#}"));
            return Ok(Err(Outcome::Skipped {
                reason: "Terraform cannot get its providers here".into(),
                remedy:
                    "Reach the provider registry, or name the folder of an unpacked mirror in SPILLWAY_TERRAFORM_PLUGINS."
                        .into(),
            }));
        }
        Ok(Ok(workspace))
    }

    fn configuration(&self) -> PathBuf {
        self.data.join("empty.tfrc")
    }

    fn terraform(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("terraform");
        command.current_dir(&self.folder).args(arguments);
        command
            .env("TF_DATA_DIR", self.data.join("data"))
            .env("TF_CLI_CONFIG_FILE", self.configuration())
            .env("TF_IN_AUTOMATION", "1");
        command
    }
}

/// Runs `fmt`, `validate` and `test`.
pub fn terraform(settings: &Settings) -> Result<Outcome> {
    process::step("Terraform");
    let workspace = match Workspace::open(settings)? {
        Ok(workspace) => workspace,
        Err(skipped) => return Ok(skipped),
    };
    let watch = |arguments: &[&str]| process::watch(&mut workspace.terraform(arguments));
    let formatted = watch(&["fmt", "-check", "-diff", "-recursive", "-no-color"])?.0;
    let valid = watch(&["validate", "-no-color"])?.0;
    let artifacts = format!("artifacts_dir={}", stand_ins(settings, &workspace.data)?.display());
    let (success, output) = watch(&["test", "-no-color", "-var", &artifacts])?;
    let checks = Counts::one(formatted).and(Counts::one(valid));
    Ok(Outcome::Ran(checks.and(count(&output).ended(success))))
}

/// Writes stand-ins for the functions' zips: in tests only their names and hashes matter. Returns their folder.
fn stand_ins(settings: &Settings, data: &Path) -> Result<PathBuf> {
    let folder = data.join("artifacts");
    fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
    for function in metadata::functions(&metadata::packages(settings)?)? {
        for architecture in ["arm64", "x86_64"] {
            let name = format!("{}-{architecture}", function.name);
            let file = folder.join(format!("{name}.zip"));
            fs::write(&file, format!("Stands in for the zip of {name}."))
                .with_context(|| format!("cannot write {}", file.display()))?;
        }
    }
    Ok(folder)
}

/// The folder of a provider mirror on this machine, if there is one.
pub fn mirror(settings: &Settings) -> Option<PathBuf> {
    plugins(settings.terraform_plugins.as_deref(), settings.home.as_deref())
}

/// The folder of a provider mirror: the named one, one of Terraform's default folders, or one that was unpacked
/// manually.
fn plugins(named: Option<&Path>, home: Option<&Path>) -> Option<PathBuf> {
    if let Some(named) = named {
        return Some(named.to_path_buf());
    }
    let own =
        home.map(|home| [home.join(".terraform.d/plugins"), home.join(".local/share/terraform/plugins")]);
    let implied = own.into_iter().flatten().chain(IMPLIED.map(PathBuf::from));
    implied
        .into_iter()
        .find(|folder| folder.join(REGISTRY).is_dir())
        .or_else(|| BY_HAND.iter().find_map(|folder| find_mirror(Path::new(folder), 3)))
}

/// The nearest folder below this one that contains a mirror.
fn find_mirror(folder: &Path, depth: usize) -> Option<PathBuf> {
    if folder.join(REGISTRY).is_dir() {
        return Some(folder.to_path_buf());
    }
    let below = depth.checked_sub(1)?;
    let entries = fs::read_dir(folder).ok()?.filter_map(Result::ok);
    entries
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
        .find_map(|entry| find_mirror(&entry.path(), below))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mirror_is_found_only_near_the_folder() {
        let root = std::env::temp_dir().join(format!("spillway-mirror-{}", std::process::id()));
        let mirror = root.join("a/mirror");
        fs::create_dir_all(mirror.join(REGISTRY)).unwrap();
        assert_eq!(find_mirror(&root, 2), Some(mirror.clone()));
        assert_eq!(find_mirror(&root, 1), None);
        assert_eq!(
            plugins(Some(Path::new("/named")), None),
            Some(PathBuf::from("/named")),
            "what is named is not searched for"
        );
        fs::remove_dir_all(root).unwrap();
    }
}
