//! The options that name the pipeline and the person who runs the command.

use crate::answer::CommandError;
use crate::values;
use clap::Args;
use std::path::{Path, PathBuf};

/// The pipeline that the command line names.
#[derive(Clone, Debug, Default, Args)]
pub struct Target {
    /// Data folder of a pipeline on this machine; it may be running
    #[arg(
        long,
        global = true,
        value_name = "DIR",
        env = "SPILLWAY_EMBEDDED",
        help_heading = "Global options"
    )]
    pub embedded: Option<PathBuf>,
    /// A deployment in AWS: the file that "terraform output -json topology" makes
    #[arg(
        long,
        global = true,
        value_name = "FILE",
        env = "SPILLWAY_TOPOLOGY",
        help_heading = "Global options"
    )]
    pub topology: Option<PathBuf>,
}

/// Where the pipeline is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place<'a> {
    /// On this machine, with that data folder.
    Embedded(&'a Path),
    /// In AWS, as that topology file describes.
    Topology(&'a Path),
}

impl Target {
    /// Whether no pipeline is named.
    pub fn is_empty(&self) -> bool {
        self.embedded.is_none() && self.topology.is_none()
    }

    /// The options that name it, as a shell reads them.
    pub fn as_options(&self) -> String {
        let option = |name: &str, path: &Option<PathBuf>| {
            path.as_ref().map(|path| format!(" {name} {}", in_shell(&path.display().to_string())))
        };
        let options = [option("--embedded", &self.embedded), option("--topology", &self.topology)];
        options.into_iter().flatten().collect()
    }

    /// The data folder of a pipeline that runs in this process.
    pub fn folder(&self) -> Result<&Path, CommandError> {
        if self.is_empty() {
            return Err(CommandError::Usage(
                "no data folder was named: add --embedded DIR (or set SPILLWAY_EMBEDDED); a new one is created".to_owned(),
            ));
        }
        match self.place()? {
            Place::Embedded(folder) => Ok(folder),
            Place::Topology(_) => Err(CommandError::Usage(
                "a pipeline runs on this machine only: name its data folder with --embedded DIR. For a deployment in AWS \
                 there is spillway dashboard --topology FILE"
                    .to_owned(),
            )),
        }
    }

    /// The named pipeline. The program never guesses one.
    pub fn place(&self) -> Result<Place<'_>, CommandError> {
        match (&self.embedded, &self.topology) {
            (Some(folder), None) => Ok(Place::Embedded(folder)),
            (None, Some(file)) => Ok(Place::Topology(file)),
            (Some(_), Some(_)) => Err(CommandError::Usage(
                "two pipelines were named: keep one of --embedded (or SPILLWAY_EMBEDDED) and --topology (or \
                 SPILLWAY_TOPOLOGY)"
                    .to_owned(),
            )),
            (None, None) => Err(CommandError::Usage(
                "no pipeline was named: add --embedded DIR with its data folder (or set SPILLWAY_EMBEDDED), or --topology \
                 FILE for a deployment in AWS (or set SPILLWAY_TOPOLOGY)"
                    .to_owned(),
            )),
        }
    }
}

/// A word as a shell takes it for one word.
fn in_shell(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._-+=:,@%".contains(c);
    match !word.is_empty() && word.chars().all(is_plain) {
        true => word.to_owned(),
        false => format!("'{}'", word.replace('\'', r"'\''")),
    }
}

/// The person who runs the command.
#[derive(Clone, Debug, Default, Args)]
pub struct Actor {
    /// Person who does this, for the audit log [default: the user of the operating system]
    #[arg(long, value_name = "NAME", env = "SPILLWAY_BY", value_parser = values::some_text)]
    by: Option<String>,
}

impl Actor {
    /// The name for the audit log.
    pub fn name(&self) -> String {
        match &self.by {
            Some(name) => name.trim().to_owned(),
            None => whoami::username().unwrap_or_else(|_| "unknown".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_pipeline_is_named_and_never_guessed() {
        let target = |embedded: Option<&str>, topology: Option<&str>| Target {
            embedded: embedded.map(PathBuf::from),
            topology: topology.map(PathBuf::from),
        };
        assert_eq!(target(Some("d"), None).place().unwrap(), Place::Embedded(Path::new("d")));
        assert_eq!(target(None, Some("t.json")).place().unwrap(), Place::Topology(Path::new("t.json")));
        let both = target(Some("d"), Some("t.json")).place().unwrap_err().to_string();
        assert!(both.starts_with("two pipelines were named: keep one of"), "{both}");
        let neither = target(None, None).place().unwrap_err().to_string();
        assert!(neither.contains("--embedded DIR") && neither.contains("--topology FILE"), "{neither}");
    }

    #[test]
    fn a_pipeline_is_named_as_a_shell_reads_it() {
        let here = |folder: &str| Target { embedded: Some(folder.into()), topology: None }.as_options();
        assert_eq!(here("/var/lib/spillway-1"), " --embedded /var/lib/spillway-1");
        assert_eq!(here("my data"), " --embedded 'my data'");
        assert_eq!(here("it's"), r" --embedded 'it'\''s'");
        assert_eq!(here("~/d"), " --embedded '~/d'", "the shell has replaced such a sign already");
        let in_aws = Target { embedded: None, topology: Some("t.json".into()) };
        assert_eq!(in_aws.as_options(), " --topology t.json");
        assert_eq!(Target::default().as_options(), "");
    }

    #[test]
    fn a_system_runs_on_this_machine_only() {
        let here = Target { embedded: Some("d".into()), topology: None };
        assert_eq!(here.folder().unwrap(), Path::new("d"));
        // A pipeline cannot run on a deployment, so none is offered.
        let error = Target::default().folder().unwrap_err().to_string();
        assert!(error.contains("--embedded DIR") && !error.contains("--topology"), "{error}");
        let in_aws = Target { embedded: None, topology: Some("t.json".into()) };
        let error = in_aws.folder().unwrap_err().to_string();
        assert!(error.contains("--embedded DIR") && error.contains("spillway dashboard"), "{error}");
    }

    #[test]
    fn an_actor_is_named() {
        assert_eq!(Actor { by: Some(" anna ".to_owned()) }.name(), "anna");
        assert!(!Actor::default().name().is_empty());
    }
}
