//! The `spillway` binary as a child process.

use serde_json::Value;
use std::path::Path;
use std::process::Stdio;
use tokio::process::{Child, Command};

/// What a command printed, and its exit code.
#[derive(Debug)]
pub struct Output {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Output {
    /// Standard output as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

fn command<'a>(words: impl IntoIterator<Item = &'a str>) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_spillway"));
    for name in ["SPILLWAY_EMBEDDED", "SPILLWAY_TOPOLOGY", "SPILLWAY_URL", "SPILLWAY_BY"] {
        command.env_remove(name);
    }
    command.args(words).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    command
}

/// Runs a command line. Words are separated by spaces.
pub async fn spillway(line: &str) -> Output {
    spillway_words(line.split(' ')).await
}

/// Runs a command line whose words may contain spaces.
pub async fn spillway_words(words: impl IntoIterator<Item = &str>) -> Output {
    finish(command(words).spawn().expect("the binary starts")).await
}

/// Starts a command line.
pub fn start(line: &str) -> Child {
    command(line.split(' ')).spawn().expect("the binary starts")
}

/// Waits for the end of a command that was started.
pub async fn finish(child: Child) -> Output {
    let output = child.wait_with_output().await.expect("the binary ends");
    Output {
        code: output.status.code(),
        out: String::from_utf8(output.stdout).expect("UTF-8"),
        err: String::from_utf8(output.stderr).expect("UTF-8"),
    }
}

/// Lines of a file; none if the file does not exist yet.
pub fn lines(path: &Path) -> Vec<String> {
    std::fs::read_to_string(path).unwrap_or_default().lines().map(str::to_owned).collect()
}
