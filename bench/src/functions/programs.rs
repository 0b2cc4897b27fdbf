//! The functions' programs: ours, one that does nothing, and their peers in Python.

use crate::Setting;
use anyhow::{Context, Result, ensure};
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

/// The settings that Terraform gives a program (`terraform/README.md` lists them).
const SETTINGS: [(&str, &str); 21] = [
    ("SPILLWAY_DEPLOYMENT", "bench"),
    ("SPILLWAY_LOG_LEVEL", "info"),
    ("SPILLWAY_QUEUE_URL", "https://sqs.us-east-1.amazonaws.com/123456789012/spillway-events"),
    ("SPILLWAY_DEFAULT_SOURCE", "/spillway/api"),
    ("SPILLWAY_DEFAULT_TYPE", "json"),
    ("SPILLWAY_MAX_BATCH_EVENTS", "1000"),
    ("SPILLWAY_MAX_EVENT_BYTES", "245760"),
    ("SPILLWAY_MAX_REQUEST_BYTES", "1048576"),
    ("SPILLWAY_TIMEOUT_S", "30"),
    ("SPILLWAY_DLQ_URL", "https://sqs.us-east-1.amazonaws.com/123456789012/spillway-events-dlq"),
    ("SPILLWAY_EVENT_STORE", "spillway-events"),
    ("SPILLWAY_DEAD_LETTER_INDEX_TABLE", "spillway-dead-letters"),
    ("SPILLWAY_OPS_TABLE", "spillway-ops"),
    ("SPILLWAY_INDEX_SHARDS", "8"),
    ("SPILLWAY_MAX_RECEIVE_COUNT", "20"),
    ("SPILLWAY_RETRY_BASE_S", "5"),
    ("SPILLWAY_RETRY_CAP_S", "900"),
    ("SPILLWAY_VISIBILITY_TIMEOUT_S", "180"),
    ("SPILLWAY_ARCHIVE_BUCKET", "spillway-archive-123456789012-us-east-1"),
    ("SPILLWAY_ARCHIVE_PREFIX", "dead-letters/"),
    ("SPILLWAY_ARCHIVE_UNINDEXED_PREFIX", "unindexed/"),
];

/// The variables that Lambda sets for every function.
/// <https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html>
const LAMBDA: [(&str, &str); 14] = [
    ("AWS_LAMBDA_FUNCTION_NAME", "bench"),
    ("AWS_LAMBDA_FUNCTION_VERSION", "1"),
    ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256"),
    ("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand"),
    ("AWS_LAMBDA_LOG_GROUP_NAME", "/aws/lambda/bench"),
    ("AWS_LAMBDA_LOG_STREAM_NAME", "2026/02/02/[1]8476a536e9f411e897392dfe598c3fcd"),
    ("AWS_LAMBDA_LOG_FORMAT", "JSON"),
    ("AWS_LAMBDA_LOG_LEVEL", "INFO"),
    ("AWS_REGION", "us-east-1"),
    ("AWS_DEFAULT_REGION", "us-east-1"),
    ("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE"),
    ("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"),
    ("AWS_SESSION_TOKEN", "example"),
    ("TZ", ":UTC"),
];

/// The Python peers, which are part of this program.
const PYTHON: [(&str, &str); 2] = [
    ("ingest.py", include_str!("../../python/ingest.py")),
    ("consumer.py", include_str!("../../python/consumer.py")),
];

/// A program that uses the Runtime API.
#[derive(Clone, Debug)]
pub struct Program {
    /// Its name in results.
    pub name: &'static str,
    pub command: PathBuf,
    pub arguments: Vec<OsString>,
    /// The folder in which it is started.
    pub folder: PathBuf,
    /// The handler's name (`_HANDLER`).
    pub handler: &'static str,
}

impl Program {
    /// One of our `bootstrap` programs, or the one that does nothing.
    pub fn native(setting: &Setting, name: &'static str) -> Result<Self> {
        let folder = setting.functions.clone();
        let command = folder.join(format!("{name}{}", std::env::consts::EXE_SUFFIX));
        ensure!(
            command.is_file(),
            "{} is not there: run this as `cargo xtask bench`, which builds it",
            command.display()
        );
        Ok(Self {
            name,
            command: fs::canonicalize(command)?,
            arguments: Vec::new(),
            folder,
            handler: "bootstrap",
        })
    }

    /// A peer in Python; `None` without a Python environment.
    pub fn python(setting: &Setting, handler: &'static str, scratch: &Path) -> Result<Option<Self>> {
        let Some(python) = &setting.python else { return Ok(None) };
        let folder = scratch.join("python");
        fs::create_dir_all(&folder)?;
        for (file, source) in PYTHON {
            fs::write(folder.join(file), source).with_context(|| format!("cannot write {file}"))?;
        }
        let arguments = ["-m", "awslambdaric", handler].map(OsString::from).to_vec();
        // Not canonicalized: Python finds its virtual environment by the path that it is started with.
        let command = std::path::absolute(python)?;
        Ok(Some(Self { name: "python", command, arguments, folder, handler }))
    }

    /// The program's environment variables, without those that a sandbox adds.
    pub fn environment(&self) -> impl Iterator<Item = (&'static str, &'static str)> {
        SETTINGS.into_iter().chain(LAMBDA)
    }
}
