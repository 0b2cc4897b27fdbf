//! `cargo xtask deploy`: builds the functions and shows what Terraform would change in AWS. Only `--apply` makes the
//! changes.

use crate::{lambda, process, rings, settings::Settings};
use anyhow::{Context, Result, bail};
use std::{
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    process::{Command, ExitCode},
};

/// The action, and the variables for it.
#[derive(clap::Args)]
#[command(group = clap::ArgGroup::new("what").required(true))]
pub struct Arguments {
    /// Show the changes, but do not make them
    #[arg(long, group = "what")]
    plan: bool,
    /// Show the changes, then make them
    #[arg(long, group = "what")]
    apply: bool,
    /// File with values of Terraform's variables; `terraform/README.md` lists them
    #[arg(long, value_name = "FILE")]
    vars: Option<PathBuf>,
    /// Folder with your own alarm rules: compiled before the plan into DIR.json, which `alarms.rules_file` has to name
    #[arg(long, value_name = "DIR")]
    rules: Option<PathBuf>,
    /// Folder with JSON Schemas: checked before the plan; overrides the variable `schemas_dir`
    #[arg(long, value_name = "DIR")]
    schemas: Option<PathBuf>,
    /// Processor that the functions are built for; overrides the variable of that name
    #[arg(long, value_enum, default_value_t)]
    architecture: Architecture,
}

/// Lambda's architectures.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
enum Architecture {
    /// Graviton, a fifth cheaper
    #[default]
    Arm64,
    /// Intel and AMD
    #[value(name = "x86_64")]
    X86_64,
}

impl Architecture {
    fn built(self) -> lambda::Architecture {
        match self {
            Self::Arm64 => lambda::Architecture::Arm64,
            Self::X86_64 => lambda::Architecture::X86_64,
        }
    }

    fn name(self) -> &'static str {
        self.built().name()
    }
}

/// Plans, and with `--apply` applies exactly that plan.
pub fn run(settings: &Settings, arguments: &Arguments) -> Result<ExitCode> {
    let variables = arguments.vars.as_deref().map(readable).transpose()?;
    if process::find_program(&["terraform"]).is_none() {
        bail!("Terraform is not installed: install version 1.9 or later and try again");
    }
    if !settings.aws_credentials {
        bail!(
            "there are no AWS credentials: run `aws configure` or `aws sso login` and name the profile in AWS_PROFILE, or \
             set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
        );
    }
    if let Some(folder) = &arguments.rules {
        process::step("alarm rules");
        let folder = fs::canonicalize(folder).with_context(|| format!("cannot read {}", folder.display()))?;
        process::run(settings.cargo().args(compile_rules(&folder)))?;
    }
    let schemas = arguments.schemas.as_deref();
    let schemas = schemas
        .map(|folder| fs::canonicalize(folder).with_context(|| format!("cannot read {}", folder.display())))
        .transpose()?;
    if let Some(folder) = &schemas {
        process::step("schemas");
        process::run(settings.cargo().args(spillway(["schemas".into(), "check".into(), folder.into()])))?;
    }
    lambda::build(settings, arguments.architecture.built(), lambda::Optimised::ForLambda)?;
    let zips = settings.target.join("lambda");

    let folder = settings.target.join("deploy");
    fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
    let plan = folder.join("spillway.plan");
    process::step("terraform init");
    init(settings)?;
    process::step("terraform plan");
    let mut planning = terraform(settings);
    planning.args(["plan", "-input=false"]).arg(format!("-out={}", plan.display()));
    planning.arg(format!("-var=artifacts_dir={}", zips.display()));
    if let Some(file) = variables {
        planning.arg(format!("-var-file={}", file.display()));
    }
    // After the file, so that these values override those in the file.
    if let Some(folder) = schemas {
        planning.arg(format!("-var=schemas_dir={}", folder.display()));
    }
    planning.arg(format!("-var=architecture={}", arguments.architecture.name()));
    process::run(&mut planning).context("nothing was changed in AWS")?;
    if !arguments.apply {
        println!("Nothing was changed. The same with --apply instead of --plan changes it.");
        return Ok(ExitCode::SUCCESS);
    }

    process::step("terraform apply");
    process::run(terraform(settings).args(["apply", "-input=false"]).arg(&plan))?;
    let topology = process::output(terraform(settings).args(["output", "-json", "topology"]))?;
    let file = folder.join("topology.json");
    fs::write(&file, &topology).with_context(|| format!("cannot write {}", file.display()))?;
    let parsed: serde_json::Value =
        serde_json::from_str(&topology).context("cannot read Terraform's output `topology`")?;
    println!("API {}", parsed["api"]["url"].as_str().unwrap_or("(the topology names none)"));
    println!("Topology {}", file.display());
    Ok(ExitCode::SUCCESS)
}

/// Arguments of `spillway alarms compile` for a folder of rule files. The output file is next to the folder.
fn compile_rules(folder: &Path) -> Vec<OsString> {
    let mut out = OsString::from(folder);
    out.push(".json");
    spillway(["alarms".into(), "compile".into(), folder.into(), "--out".into(), out])
}

/// Cargo's arguments to run `spillway`. Without the AWS SDKs, which take long to build.
fn spillway(words: impl IntoIterator<Item = OsString>) -> Vec<OsString> {
    let cargo = ["run", "--quiet", "--package", "spillway", "--no-default-features", "--"];
    cargo.into_iter().map(OsString::from).chain(words).collect()
}

/// The absolute path of the file.
fn readable(file: &Path) -> Result<PathBuf> {
    let absolute = fs::canonicalize(file).with_context(|| format!("cannot read {}", file.display()))?;
    if !absolute.is_file() {
        bail!("{} is not a file: --vars takes a file with values of Terraform's variables", file.display());
    }
    Ok(absolute)
}

/// Terraform in the root module's own folder. Its state is there too, unless a backend is configured.
fn terraform(settings: &Settings) -> Command {
    let mut terraform = Command::new("terraform");
    terraform.current_dir(settings.root.join("terraform")).env("TF_IN_AUTOMATION", "1");
    terraform
}

fn init(settings: &Settings) -> Result<()> {
    let mut init = terraform(settings);
    init.args(["init", "-input=false", "-no-color"]);
    if let Some(mirror) = rings::terraform_mirror(settings) {
        init.arg(format!("-plugin-dir={}", mirror.display()));
    }
    process::output(&mut init).map(drop).context(
        "Terraform cannot get its providers or reach its state: reach the provider registry, or name the folder of an \
         unpacked mirror in SPILLWAY_TERRAFORM_PLUGINS",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        arguments: Arguments,
    }

    #[test]
    fn nothing_is_applied_without_an_explicit_option() {
        let parse = |words: &[&str]| Line::try_parse_from([&["deploy"], words].concat());
        assert!(parse(&[]).is_err(), "there is no default");
        assert!(parse(&["--plan", "--apply"]).is_err());
        let line = parse(&["--plan"]).unwrap().arguments;
        assert!(line.plan && !line.apply);
        assert_eq!(line.architecture.name(), "arm64");
        assert_eq!(
            parse(&["--apply", "--architecture", "x86_64"]).unwrap().arguments.architecture,
            Architecture::X86_64
        );
    }

    #[test]
    fn own_rules_are_compiled_into_a_file_beside_their_folder() {
        let words = compile_rules(Path::new("/etc/shop/rules.d"));
        let last: Vec<&str> = words.iter().rev().take(3).rev().filter_map(|word| word.to_str()).collect();
        assert_eq!(last, ["/etc/shop/rules.d", "--out", "/etc/shop/rules.d.json"]);
    }

    #[test]
    fn a_missing_variables_file_is_named() {
        let error = readable(Path::new("no-such-file.tfvars")).unwrap_err();
        assert_eq!(error.to_string(), "cannot read no-such-file.tfvars");
        assert!(
            readable(Path::new(env!("CARGO_MANIFEST_DIR")))
                .unwrap_err()
                .to_string()
                .contains("is not a file")
        );
    }
}
