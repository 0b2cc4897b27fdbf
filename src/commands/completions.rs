//! `spillway completions`: shell completion scripts, from the same definitions as the help.

use crate::answer::ExitStatus;
use crate::arguments::Arguments;
use crate::console::Console;
use clap::{Args, CommandFactory as _};
use clap_complete::Shell;

const LONG_HELP: &str = "Where the completions go:
  spillway completions bash > ~/.local/share/bash-completion/completions/spillway
  spillway completions zsh > ~/.zfunc/_spillway
  spillway completions fish > ~/.config/fish/completions/spillway.fish
  spillway completions elvish >> ~/.config/elvish/rc.elv
  spillway completions powershell >> $PROFILE";

/// Options of `completions`.
#[derive(Clone, Debug, Args)]
#[command(after_help = LONG_HELP)]
pub struct Options {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

pub fn run(options: &Options, console: &mut Console) -> anyhow::Result<ExitStatus> {
    console.only_for_people("this command")?;
    console.text(&script(options.shell))?;
    Ok(ExitStatus::Ok)
}

fn script(shell: Shell) -> String {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), "spillway", &mut script);
    String::from_utf8_lossy(&script).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::ValueEnum as _;

    #[test]
    fn the_completions_of_each_shell_name_every_command() {
        for shell in Shell::value_variants() {
            let script = script(*shell);
            for command in Arguments::command().get_subcommands().filter(|command| !command.is_hide_set()) {
                assert!(script.contains(command.get_name()), "{shell}: {}", command.get_name());
            }
            assert!(
                script.contains("--dashboard-port") || script.contains("dashboard-port"),
                "{shell}: options"
            );
        }
    }
}
