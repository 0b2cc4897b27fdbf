//! `spillway man`: the manual pages, from the same definitions as the help. Packages of the program need them.

use crate::answer::{CommandError, ExitStatus};
use crate::arguments::Arguments;
use crate::console::Console;
use clap::{Args, CommandFactory as _};
use std::path::{Path, PathBuf};

/// Options of `man`.
#[derive(Clone, Debug, Args)]
pub struct Options {
    /// Folder for the pages, such as man/man1; created if it doesn't exist
    #[arg(value_name = "DIR")]
    folder: PathBuf,
}

pub fn run(options: &Options, console: &Console) -> anyhow::Result<ExitStatus> {
    console.only_for_people("this command")?;
    write(&options.folder).map_err(|error| {
        CommandError::Unreachable(format!(
            "can't write manual pages into {}: {error}",
            options.folder.display()
        ))
    })?;
    Ok(ExitStatus::Ok)
}

/// One page for the program, and one for each command.
fn write(folder: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(folder)?;
    clap_mangen::generate_to(Arguments::command(), folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_has_a_page_and_the_main_page_names_all() {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path()).unwrap();
        // Hyphens are escaped in manual pages.
        let page = |name: &str| {
            let text = std::fs::read_to_string(folder.path().join(format!("{name}.1"))).unwrap_or_default();
            text.replace('\\', "")
        };
        let own = page("spillway");
        for command in Arguments::command().get_subcommands().filter(|command| !command.is_hide_set()) {
            let name = format!("spillway-{}", command.get_name());
            assert!(own.contains(&name), "{name} is not in spillway.1");
            let text = page(&name);
            for part in command.get_subcommands() {
                assert!(text.contains(part.get_name()), "{} is not in {name}.1", part.get_name());
            }
            assert!(text.contains(".SH SYNOPSIS"), "{name}.1: {text}");
        }
        assert!(page("spillway-dlq-replay").contains("--skip-failing"));
        assert!(own.contains("Exit codes:"), "{own}");
    }
}
