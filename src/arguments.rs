//! The command line.

use crate::answer::Trouble;
use crate::backend;
use crate::commands::{alarms, dlq, fault, flow, get, load, replays, send};
use crate::http_client;
use clap::{Args, Parser, Subcommand};
use http::Uri;
use std::path::{Path, PathBuf};

const AFTER_HELP: &str = "\
Exit codes:
  0  done, or the answer is yes
  1  the answer is no: an event is missing, a replay brought some back, something was refused
  2  the command line is wrong
  3  what was asked for is not known
  4  the pipeline or its API can't be reached or opened";

/// Send events, find them, and put back what failed.
#[derive(Debug, Parser)]
#[command(name = "spillway", version, after_help = AFTER_HELP, arg_required_else_help = true)]
pub struct Arguments {
    /// Print one JSON document instead of text for people
    #[arg(long, global = true, help_heading = "Global options")]
    pub json: bool,
    #[command(flatten)]
    pub target: Target,
    #[command(subcommand)]
    pub command: Command,
}

/// Which pipeline.
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
    /// In AWS, where that file says.
    Topology(&'a Path),
}

impl Target {
    /// Where the API is: as the command line says, or as the topology does.
    pub fn api_url(&self, named: Option<&Uri>) -> Result<Uri, Trouble> {
        if let Some(url) = named {
            return Ok(url.clone());
        }
        let Some(file) = &self.topology else {
            let what =
                "the API was not named: add --url with its address (or set SPILLWAY_URL), or --topology FILE";
            return Err(Trouble::Usage(what.to_owned()));
        };
        let api = backend::api(file)?;
        if api.authorization != "NONE" {
            return Err(Trouble::Usage(format!(
                "the API takes signed requests only ({}), which this command does not make: use a client of your own",
                api.authorization
            )));
        }
        http_client::events_url(&api.url).map_err(Trouble::Unreachable)
    }

    /// The one pipeline that is named; it is never guessed.
    pub fn place(&self) -> Result<Place<'_>, Trouble> {
        match (&self.embedded, &self.topology) {
            (Some(folder), None) => Ok(Place::Embedded(folder)),
            (None, Some(file)) => Ok(Place::Topology(file)),
            (Some(_), Some(_)) => Err(Trouble::Usage(
                "two pipelines were named: keep one of --embedded (or SPILLWAY_EMBEDDED) and --topology (or \
                 SPILLWAY_TOPOLOGY)"
                    .to_owned(),
            )),
            (None, None) => Err(Trouble::Usage(
                "no pipeline was named: add --embedded DIR with its data folder (or set SPILLWAY_EMBEDDED), or --topology \
                 FILE for a deployment in AWS (or set SPILLWAY_TOPOLOGY)"
                    .to_owned(),
            )),
        }
    }
}

/// Who acts.
#[derive(Clone, Debug, Default, Args)]
pub struct Actor {
    /// Who does this, for the audit log [default: the user of the operating system]
    #[arg(long, value_name = "NAME", env = "SPILLWAY_BY")]
    by: Option<String>,
}

impl Actor {
    /// The name for the audit log.
    pub fn name(&self) -> String {
        match &self.by {
            Some(name) if !name.trim().is_empty() => name.trim().to_owned(),
            _ => whoami::username().unwrap_or_else(|_| "unknown".to_owned()),
        }
    }
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Send one event (or one batch) to the API
    Send(send::Options),
    /// Send mixed traffic at a rate, or verify that all of it is accounted for
    Load(load::Options),
    /// Say where an event is, with everything that is known of it
    Get(get::Options),
    /// Show the ledger: where every accepted event is, and whether any is unaccounted for
    Flow(flow::Options),
    /// Make something go wrong on purpose, to see how the pipeline takes it
    #[command(subcommand)]
    Fault(fault::Command),
    /// Look at dead letters, put them back, or give them up
    #[command(subcommand)]
    Dlq(dlq::Command),
    /// Check alarm rules, list them, or try them on recorded history
    #[command(subcommand)]
    Alarms(alarms::Command),
    /// List replays, or show one with its messages
    Replays(replays::Options),
    /// Print a new one-time link that signs in to the dashboard
    SignIn,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_well_formed() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn global_options_stand_anywhere() {
        for line in [
            ["spillway", "get", "x", "--embedded", "d", "--json"],
            ["spillway", "--embedded", "d", "--json", "get", "x"],
        ] {
            let arguments = Arguments::try_parse_from(line).unwrap();
            assert!(arguments.json);
            assert_eq!(arguments.target.embedded, Some(PathBuf::from("d")));
        }
    }

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
    fn an_actor_is_named() {
        assert_eq!(Actor { by: Some(" anna ".to_owned()) }.name(), "anna");
        assert!(!Actor::default().name().is_empty());
    }
}
