//! A function's process from start to end, as Lambda runs it in an execution environment.

use super::aws::Aws;
use super::programs::Program;
use super::runtime_api::{Outcome, RuntimeApi};
use crate::usage;
use anyhow::{Context, Result, bail, ensure};
use bytes::Bytes;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;
use tokio::process::{Child, Command};
use tokio::time::{Instant, timeout};

/// Maximum duration of one invocation.
const MAX_DURATION: Duration = Duration::from_secs(30);

/// A running function. Its process is killed when this is dropped.
pub struct Sandbox {
    program: &'static str,
    child: Child,
    api: RuntimeApi,
    log: PathBuf,
    /// The time just before the process was started.
    pub started: Instant,
}

impl Sandbox {
    /// Starts the program. Its environment has only the variables that Lambda and Terraform set.
    pub async fn start(program: &Program, aws: &Aws, endpoint: &str, scratch: &Path) -> Result<Self> {
        let api = RuntimeApi::start().await?;
        let log = scratch.join(format!("{}-{}.log", program.name, api.address.port()));
        let output = File::create(&log).with_context(|| format!("cannot write {}", log.display()))?;
        let mut command = Command::new(&program.command);
        command
            .args(&program.arguments)
            .current_dir(&program.folder)
            .env_clear()
            .envs(program.environment())
            .env("_HANDLER", program.handler)
            .env("LAMBDA_TASK_ROOT", &program.folder)
            .env("AWS_LAMBDA_RUNTIME_API", api.address.to_string())
            .env("AWS_ENDPOINT_URL", endpoint)
            .env("AWS_XRAY_DAEMON_ADDRESS", aws.daemon.to_string())
            .stdin(Stdio::null())
            .stdout(output.try_clone()?)
            .stderr(output)
            .kill_on_drop(true);
        let started = Instant::now();
        let child = command.spawn().with_context(|| format!("cannot start {}", program.command.display()))?;
        Ok(Self { program: program.name, child, api, log, started })
    }

    /// Sends an invocation and waits for the answer.
    pub async fn invoke(&mut self, event: Bytes) -> Result<Outcome> {
        self.api.offer(event);
        let ended = tokio::select! {
            outcome = timeout(MAX_DURATION, self.api.outcome()) => match outcome {
                Ok(outcome) => outcome,
                Err(_) => bail!("{} did not answer within {MAX_DURATION:?}: {}", self.program, self.last_output()),
            },
            status = self.child.wait() => bail!("{} ended with {}: {}", self.program, status?, self.last_output()),
        };
        let outcome = ended?;
        ensure!(
            outcome.success,
            "{} failed: {} {}",
            self.program,
            String::from_utf8_lossy(&outcome.body),
            self.last_output()
        );
        Ok(outcome)
    }

    /// Peak resident memory so far, in bytes; `None` if the system does not report it.
    pub fn peak_bytes(&self) -> Option<f64> {
        usage::memory(self.child.id()?).map(|(_, most)| most)
    }

    /// CPU seconds used so far.
    pub fn cpu_s(&self) -> Option<f64> {
        usage::exact_cpu_s(self.child.id()?)
    }

    /// Bytes logged so far.
    pub fn logged_bytes(&self) -> u64 {
        std::fs::metadata(&self.log).map_or(0, |file| file.len())
    }

    /// Ends the process.
    pub async fn end(mut self) -> Result<()> {
        self.child.kill().await.with_context(|| format!("{} can't be ended", self.program))
    }

    /// The last lines of the function's log.
    fn last_output(&self) -> String {
        let log = std::fs::read(&self.log).unwrap_or_default();
        let text = String::from_utf8_lossy(&log);
        let lines: Vec<&str> = text.trim().lines().collect();
        lines[lines.len().saturating_sub(5)..].join(" | ")
    }
}
