//! The command line.

use crate::commands::{
    alarms, completions, dashboard, demo, dlq, fault, flow, get, load, man, replays, run, schemas, send,
};
use crate::target::Target;
use clap::{Parser, Subcommand};

const AFTER_HELP: &str = "\
Exit codes:
  0  done, or the answer is yes
  1  the answer is no: an event is missing, a replay returned some dead letters, something was refused
  2  the command line is wrong
  3  the requested event, dead letter or replay is not known
  4  the pipeline or its API can't be reached or opened";

/// Run a pipeline, send events, find them, and put back what failed.
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

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run a pipeline with its dashboard, a day of demo history and live traffic, until Ctrl-C
    Demo(demo::Options),
    /// Run a pipeline with its HTTP API and its dashboard on this machine, until Ctrl-C
    Run(run::Options),
    /// Show the dashboard of a pipeline that another process runs, or of a deployment in AWS, until Ctrl-C
    Dashboard(dashboard::Options),
    /// Send one event (or one batch) to the API
    Send(send::Options),
    /// Send mixed traffic at a rate, or verify that all of it is accounted for
    Load(load::Options),
    /// Show where an event is, with its history
    Get(get::Options),
    /// Show the ledger: where every accepted event is, and whether any is unaccounted for
    Flow(flow::Options),
    /// Cause a fault on purpose, to see how the pipeline handles it
    #[command(subcommand)]
    Fault(fault::Command),
    /// List, show, replay or discard dead letters
    #[command(subcommand)]
    Dlq(dlq::Command),
    /// Check alarm rules, list them, or try them on recorded history
    #[command(subcommand)]
    Alarms(alarms::Command),
    /// List replays, or show one with its messages
    Replays(replays::Options),
    /// Check or list the schemas of event types
    #[command(subcommand)]
    Schemas(schemas::Command),
    /// Print a new one-time link that signs in to the dashboard
    SignIn,
    /// Print the completions of a shell
    Completions(completions::Options),
    /// Write the manual pages into a folder
    #[command(hide = true)]
    Man(man::Options),
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;
    use std::path::PathBuf;

    #[test]
    fn the_command_line_is_well_formed() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn global_options_may_appear_anywhere() {
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
    fn each_way_to_run_has_only_its_own_options() {
        let parses = |line: &str| Arguments::try_parse_from(line.split(' ')).is_ok();
        for good in [
            "spillway run --embedded d --api-port 1 --dashboard-port 2 --schemas s --site w --fresh",
            "spillway run --embedded d --alarm-rules r --alarm-settings s --monthly-budget-usd 20",
            "spillway demo --no-history --no-traffic --fresh --api-port 1",
            "spillway dashboard --topology t.json --dashboard-port 2 --site w",
        ] {
            assert!(parses(good), "{good}");
        }
        for wrong in [
            "spillway run --embedded d --no-traffic",
            "spillway run --embedded d --monthly-budget-usd 0",
            "spillway dashboard --embedded d --api-port 1",
            "spillway dashboard --topology t.json --fresh",
            "spillway dashboard --topology t.json --alarm-rules r",
        ] {
            assert!(!parses(wrong), "{wrong}");
        }
    }
}
