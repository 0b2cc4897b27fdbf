//! The `spillway` program: run a pipeline, send events, find them, and put back what failed.

mod answer;
mod arguments;
mod backend;
mod commands;
mod console;
mod demo;
mod http_client;
mod json_text;
mod listing;
mod load;
mod system;
mod target;
#[cfg(test)]
mod testing;
mod text;
mod values;
mod watch;

use answer::ExitStatus;
use arguments::Arguments;
use backend::Backend;
use clap::Parser as _;
use console::Console;

#[tokio::main]
async fn main() -> std::process::ExitCode {
    let arguments = Arguments::parse();
    let mut console = Console::standard(arguments.format());
    let status = match commands::run(arguments, Backend::open, &mut console).await {
        Ok(status) => status,
        Err(error) if answer::reader_is_gone(&error) => ExitStatus::Ok,
        Err(error) => {
            console.error(&error);
            ExitStatus::of(&error)
        }
    };
    status.into()
}
