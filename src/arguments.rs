//! The command line.

use crate::commands::{
    alarms, completions, dashboard, demo, dlq, events, fault, flow, get, incidents, load, man, replays, run,
    schemas, send, status,
};
use crate::console::Format;
use crate::target::Target;
use clap::{Parser, Subcommand};

const AFTER_HELP: &str = "\
Exit codes:
  0  done, or the answer is yes
  1  the answer is no: an event is missing, a replay returned some dead letters, something was refused; fix that first
  2  the command line is wrong, or a file that it names can't be read
  3  the requested event, dead letter, replay or incident is not known
  4  the pipeline or its API can't be reached or opened, or a file can't be written; fix that first
  5  not now: no answer, busy, or over a rate; the same command may succeed later";

/// Run a pipeline, send events, find them, and put back what failed.
#[derive(Debug, Parser)]
#[command(name = "spillway", version, after_help = AFTER_HELP, arg_required_else_help = true)]
pub struct Arguments {
    /// Print one JSON document instead of text for people: the same as -o json
    #[arg(long, global = true, help_heading = "Global options", conflicts_with = "output")]
    pub json: bool,
    /// Form of the output; tsv is for lists
    #[arg(
        short = 'o',
        long,
        global = true,
        value_enum,
        value_name = "FORM",
        help_heading = "Global options"
    )]
    pub output: Option<Format>,
    #[command(flatten)]
    pub target: Target,
    #[command(subcommand)]
    pub command: Command,
}

impl Arguments {
    /// The form of the output.
    pub fn format(&self) -> Format {
        if self.json { Format::Json } else { self.output.unwrap_or_default() }
    }
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run a pipeline with its dashboard, a day of demo history and live traffic, until Ctrl-C
    Demo(demo::Options),
    /// Run a pipeline with its HTTP API and its dashboard on this machine, until Ctrl-C
    Run(run::Options),
    /// Show the dashboard of a pipeline that another process runs, or of a deployment in AWS, until Ctrl-C
    Dashboard(dashboard::Options),
    /// Send one event, one batch, or each line of a file to the API
    Send(send::Options),
    /// Send mixed traffic at a rate, or verify that all of it is accounted for
    Load(load::Options),
    /// Show where events are, with their history
    Get(get::Options),
    /// List or export stored events
    #[command(subcommand)]
    Events(events::Command),
    /// Show the ledger: where every accepted event is, and whether any is unaccounted for
    Flow(flow::Options),
    /// Say whether the pipeline is healthy, degrading, failing or recovering, what is lost, and what to do
    Status(status::Options),
    /// Cause a fault on purpose, to see how the pipeline handles it
    #[command(subcommand)]
    Fault(fault::Command),
    /// List, show, replay or discard dead letters
    #[command(subcommand)]
    Dlq(dlq::Command),
    /// Check alarm rules, list them, or try them on recorded history
    #[command(subcommand)]
    Alarms(alarms::Command),
    /// List incidents, take one, note something, or mute it
    #[command(subcommand)]
    Incidents(incidents::Command),
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

impl Command {
    /// Whether it prints a list, which can be lines of values.
    pub fn is_list(&self) -> bool {
        match self {
            Self::Get(_) | Self::Flow(_) | Self::Status(_) | Self::Replays(_) => true,
            Self::Events(command) => command.is_list(),
            Self::Fault(command) => command.is_list(),
            Self::Dlq(command) => command.is_list(),
            Self::Alarms(command) => command.is_list(),
            Self::Incidents(command) => command.is_list(),
            Self::Schemas(command) => command.is_list(),
            Self::Demo(_)
            | Self::Run(_)
            | Self::Dashboard(_)
            | Self::Send(_)
            | Self::Load(_)
            | Self::SignIn
            | Self::Completions(_)
            | Self::Man(_) => false,
        }
    }
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
    fn the_form_of_the_output_has_one_name() {
        let format = |line: &str| Arguments::try_parse_from(line.split(' ')).map(|all| all.format());
        assert_eq!(format("spillway flow").unwrap(), Format::Table);
        assert_eq!(format("spillway flow --json").unwrap(), Format::Json);
        assert_eq!(format("spillway -o json flow").unwrap(), Format::Json);
        assert_eq!(format("spillway flow -o tsv").unwrap(), Format::Tsv);
        assert!(format("spillway flow --json -o tsv").is_err());
        assert!(format("spillway flow -o xml").is_err());
    }

    #[test]
    fn empty_names_and_filters_are_refused() {
        for line in [
            "fault stop --all --by",
            "dlq discard --reason",
            "dlq list --contains",
            "dlq list --type",
            "get x --source",
            "get",
            "replays",
            "dlq show",
            "dlq replay",
            "dlq restore",
            "dlq recover",
            "dlq list --after",
            "events list --after",
            "incidents ack",
            "incidents note 20260302-0903",
            "events export --after",
        ] {
            let words = ["spillway"].into_iter().chain(line.split(' ')).chain([""]);
            assert!(Arguments::try_parse_from(words).is_err(), "{line} \"\"");
        }
        for wrong in ["abc", "20D931F4B04A5781", "20d931f4b04a578", "20d931f4b04a57811"] {
            let line = ["spillway", "dlq", "list", "--group", wrong];
            assert!(Arguments::try_parse_from(line).is_err(), "{wrong}");
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

    #[test]
    fn an_option_for_a_list_is_refused_for_one_of_its_items() {
        let parses = |line: &str| Arguments::try_parse_from(line.split(' ')).is_ok();
        assert!(parses("spillway replays --limit 5") && parses("spillway replays r1"));
        assert!(!parses("spillway replays r1 --limit 5"));
    }
}
