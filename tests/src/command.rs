//! Runs programs until they end.

use serde_json::Value;
use std::process::Stdio;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::process::{Child, Command};

/// Time limit for any command of the tool that does not wait on purpose.
const COMMAND: Duration = Duration::from_secs(120);

/// The output of a command, and its exit code.
#[derive(Clone, Debug)]
pub struct Output {
    /// The exit code; `None` if a signal ended it.
    pub code: Option<i32>,
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub err: String,
}

impl Output {
    /// Standard output as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The single sentence that a program prints when it refuses to run.
    pub fn one_sentence(&self) -> &str {
        assert!(self.code.is_some_and(|code| code != 0), "it should have failed: {self:?}");
        let sentence = self.err.trim_end();
        assert!(!sentence.is_empty() && !sentence.contains('\n'), "not one sentence: {self:?}");
        assert!(!sentence.contains("panicked"), "{self:?}");
        sentence
    }
}

/// Removes the environment variables that would affect the command. The command ends with the test.
pub(crate) fn clean(command: &mut Command) -> &mut Command {
    for name in ["SPILLWAY_EMBEDDED", "SPILLWAY_TOPOLOGY", "SPILLWAY_URL", "SPILLWAY_BY", "SPILLWAY_LOG"] {
        command.env_remove(name);
    }
    command.stdin(Stdio::null()).kill_on_drop(true)
}

/// Runs a command until it ends.
pub async fn run(command: &mut Command) -> Output {
    let child = clean(command).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    finish(child.unwrap_or_else(|error| panic!("{error}: {command:?}"))).await
}

/// Waits for the end of a command whose output is piped.
pub async fn finish(child: Child) -> Output {
    finish_within(COMMAND, child).await
}

/// The same with a different time limit.
pub async fn finish_within(limit: Duration, mut child: Child) -> Output {
    let (out, err) = (child.stdout.take(), child.stderr.take());
    let both = async { tokio::join!(read(out), read(err), child.wait()) };
    let ended = tokio::time::timeout(limit, both).await;
    let (out, err, status) = ended.unwrap_or_else(|_| panic!("a command did not end within {limit:?}"));
    Output { code: status.expect("it can be waited for").code(), out, err }
}

async fn read(stream: Option<impl AsyncRead + Unpin>) -> String {
    let mut text = String::new();
    if let Some(mut stream) = stream {
        stream.read_to_string(&mut text).await.expect("programs print UTF-8");
    }
    text
}
