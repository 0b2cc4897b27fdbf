//! Terraform on a copy of the root module, so that no state remains in the work tree.

use super::aws::CREDENTIALS;
use crate::command::{Output, finish_within};
use crate::programs::programs;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;
use tokio::process::Command;

/// An apply waits as long as the provider does. On a busy machine that is minutes.
const APPLY: Duration = Duration::from_secs(900);

/// A working folder that contains the root module.
#[derive(Debug)]
pub struct Terraform {
    folder: PathBuf,
    endpoint: String,
    variables: Vec<String>,
}

impl Terraform {
    /// Copies the root module below a folder and initialises it.
    pub async fn init(folder: &Path, endpoint: String) -> Self {
        let module = Path::new(env!("CARGO_MANIFEST_DIR")).join("../terraform");
        let folder = folder.join("terraform");
        copy(&module, &folder);
        // For the module, the parent folder is the workspace: it reads the compiled alarm rules from there.
        fs::create_dir_all(folder.join("../alerts")).expect("a folder");
        fs::copy(module.join("../alerts/rules.json"), folder.join("../alerts/rules.json")).expect("a file");
        let architecture = if cfg!(target_arch = "aarch64") { "arm64" } else { "x86_64" };
        let variables = vec![
            "-var-file=tests/emulator.tfvars".to_owned(),
            format!("-var=architecture={architecture}"),
            format!("-var=artifacts_dir={}", programs().lambda.display()),
        ];
        let terraform = Self { folder, endpoint, variables };
        let mut words = vec!["init".to_owned(), "-input=false".to_owned(), "-no-color".to_owned()];
        if let Some(plugins) = &programs().terraform_plugins {
            words.push(format!("-plugin-dir={}", plugins.display()));
        }
        terraform.succeed(&words).await;
        terraform
    }

    /// Creates all resources, and returns the output `topology`.
    pub async fn apply(&self) -> Value {
        self.succeed(&self.words("apply", &["-auto-approve"])).await;
        let output = self.succeed(&["output", "-json", "topology"].map(str::to_owned)).await;
        output.json()
    }

    /// The changes that a further apply would make, by resource.
    pub async fn changes(&self) -> BTreeMap<String, Value> {
        self.succeed(&self.words("plan", &["-out=second.plan"])).await;
        let plan = self.succeed(&["show", "-json", "second.plan"].map(str::to_owned)).await.json();
        let resources = plan["resource_changes"].as_array().cloned().unwrap_or_default();
        let changed = |resource: &Value| {
            let actions = &resource["change"]["actions"];
            *actions != serde_json::json!(["no-op"]) && *actions != serde_json::json!(["read"])
        };
        let changes = resources.into_iter().filter(changed);
        changes
            .map(|resource| (resource["address"].as_str().unwrap_or_default().to_owned(), resource))
            .collect()
    }

    /// Destroys all resources, and returns the addresses of those that remain in the state.
    pub async fn destroy(&self) -> Vec<String> {
        self.succeed(&self.words("destroy", &["-auto-approve"])).await;
        let left = self.succeed(&["state", "list"].map(str::to_owned)).await;
        left.out.lines().map(str::to_owned).collect()
    }

    fn words(&self, command: &str, more: &[&str]) -> Vec<String> {
        let fixed = [command, "-input=false", "-no-color"];
        let words = fixed.iter().chain(more).map(|word| (*word).to_owned());
        words.chain(self.variables.iter().cloned()).collect()
    }

    async fn succeed(&self, words: &[String]) -> Output {
        let output = self.run(words).await;
        assert!(output.code == Some(0), "terraform {}: {}", words.join(" "), output.err);
        output
    }

    async fn run(&self, words: &[String]) -> Output {
        let configuration = self.folder.join("empty.tfrc");
        fs::write(&configuration, "").expect("a file");
        let mut command = Command::new(&programs().terraform);
        command.args(words).current_dir(&self.folder).stdin(Stdio::null());
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        // Without the user's own settings for AWS or Terraform.
        command.env_clear().envs(CREDENTIALS).envs([
            ("PATH", "/usr/local/bin:/usr/bin:/bin"),
            ("AWS_EC2_METADATA_DISABLED", "true"),
            ("CHECKPOINT_DISABLE", "1"),
            ("TF_IN_AUTOMATION", "1"),
        ]);
        command.env("AWS_ENDPOINT_URL", &self.endpoint).env("TF_CLI_CONFIG_FILE", &configuration);
        command.env("HOME", &self.folder).env("TMPDIR", &self.folder);
        let child =
            command.spawn().unwrap_or_else(|error| panic!("{error}: {}", programs().terraform.display()));
        finish_within(APPLY, child).await
    }
}

/// Copies a folder without the files that Terraform creates in it.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for entry in fs::read_dir(from).unwrap_or_else(|error| panic!("{error}: {}", from.display())) {
        let path = entry.expect("an entry").path();
        let name = path.file_name().expect("it has a name");
        let text = name.to_string_lossy();
        if path.is_dir() {
            if text != ".terraform" {
                copy(&path, &to.join(name));
            }
        } else if !text.contains(".tfstate") && !text.starts_with(".terraform.lock") {
            fs::copy(&path, to.join(name)).unwrap_or_else(|error| panic!("{error}: {}", path.display()));
        }
    }
}
