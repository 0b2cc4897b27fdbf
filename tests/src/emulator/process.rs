//! The emulator's process and its child processes: each function is a child.

use super::aws::{CREDENTIALS, REGION};
use crate::eventually;
use crate::http::{Request, send};
use crate::programs::programs;
use std::fs::File;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;
use tokio::process::{Child, Command};

/// A running emulator; it and its child processes end when this is dropped.
#[derive(Debug)]
pub struct Emulator {
    child: Child,
    pid: u32,
    address: SocketAddr,
    log: PathBuf,
}

/// A function's process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sandbox {
    /// Its process id.
    pub pid: u32,
    /// `AWS_LAMBDA_FUNCTION_NAME`.
    pub function: String,
}

impl Emulator {
    /// Starts an emulator that stores everything below a folder, and waits until it answers.
    ///
    /// The emulator and the functions get a separate environment, without any variable of the tests' environment.
    pub async fn start(folder: &Path, address: SocketAddr, endpoint: &str, xray_daemon: SocketAddr) -> Self {
        let temporary = folder.join("tmp");
        std::fs::create_dir_all(&temporary).expect("a folder");
        let log = folder.join("emulator.log");
        let output = File::create(&log).expect("a log file");
        let mut command = Command::new(&programs().emulator);
        command.env_clear().envs(CREDENTIALS).envs([
            ("PATH", "/usr/local/bin:/usr/bin:/bin"),
            ("BIND_HOST", "127.0.0.1"),
            ("MINISTACK_HOST", "127.0.0.1"),
            ("MINISTACK_REGION", REGION),
            // The endpoint of AWS that functions get: the proxy's address, not the emulator's.
            ("AWS_ENDPOINT_URL", endpoint),
            ("DOCKER_HOST", "unix:///nonexistent"),
        ]);
        command.env("GATEWAY_PORT", address.port().to_string());
        command.env("AWS_XRAY_DAEMON_ADDRESS", xray_daemon.to_string());
        command.env("HOME", &temporary).env("TMPDIR", &temporary).env("S3_DATA_DIR", temporary.join("s3"));
        command.current_dir(&temporary).stdin(Stdio::null());
        command.stdout(output.try_clone().expect("a second handle")).stderr(output);
        // A separate process group, so that the emulator can be ended together with its child processes, and no other
        // process.
        command.process_group(0).kill_on_drop(true);
        let child = command.spawn().unwrap_or_else(|error| {
            panic!("{error}: {}: `cargo xtask test emulator` installs it", programs().emulator.display())
        });
        let pid = child.id().expect("it runs");
        let emulator = Self { child, pid, address, log };
        eventually("the emulator answers", async || {
            let answer = send(address, &Request::to("GET", "/_ministack/health")).await?;
            if answer.status == 200 { Ok(()) } else { Err(format!("{answer:?}")) }
        })
        .await;
        emulator
    }

    /// The address on which the emulator answers.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The processes of a function, idle or busy.
    pub fn sandboxes(&self, function: &str) -> Vec<Sandbox> {
        let of =
            |process: &Process| Some(Sandbox { pid: process.pid, function: process.variable(FUNCTION)? });
        let children = processes().filter(|process| process.parent == self.pid);
        children.filter_map(|process| of(&process)).filter(|sandbox| sandbox.function == function).collect()
    }

    /// The last lines of the emulator's log.
    pub fn log(&self) -> String {
        let text = std::fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<_> = text.lines().collect();
        lines[lines.len().saturating_sub(60)..].join("\n")
    }

    /// Asks the emulator to end and waits for it. Returns the child processes that are still running.
    pub async fn stop(mut self) -> Vec<u32> {
        signal(self.pid, "TERM");
        let ended = tokio::time::timeout(Duration::from_secs(30), self.child.wait()).await;
        ended.expect("it ends when it is asked to").expect("it can be waited for");
        // Give processes that were just asked to end a moment.
        for _ in 0..100 {
            if group(self.pid).is_empty() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        group(self.pid)
    }
}

impl Emulator {
    /// Ends the emulator and its child processes at once.
    pub fn kill(&self) {
        for pid in group(self.pid) {
            signal(pid, "KILL");
        }
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Ends one process at once, like a crash of its sandbox.
pub fn kill(sandbox: &Sandbox) {
    signal(sandbox.pid, "KILL");
}

const FUNCTION: &str = "AWS_LAMBDA_FUNCTION_NAME";

fn signal(pid: u32, name: &str) {
    let mut kill = std::process::Command::new("kill");
    kill.arg(format!("-{name}")).arg(pid.to_string()).stdout(Stdio::null()).stderr(Stdio::null());
    // The process may have ended already.
    let _ = kill.status();
}

/// The processes of the group whose leader is the emulator.
fn group(leader: u32) -> Vec<u32> {
    processes().filter(|process| process.group == leader).map(|process| process.pid).collect()
}

struct Process {
    pid: u32,
    parent: u32,
    group: u32,
}

impl Process {
    /// Reads `/proc/PID/stat`. The name in it is in brackets and may contain any character.
    fn read(pid: u32) -> Option<Self> {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        let (_, rest) = stat.rsplit_once(") ")?;
        let mut fields = rest.split(' ');
        let state = fields.next()?;
        let (parent, group) = (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
        // A zombie process has ended and does not count.
        (state != "Z").then_some(Self { pid, parent, group })
    }

    fn variable(&self, name: &str) -> Option<String> {
        let environment = std::fs::read(format!("/proc/{}/environ", self.pid)).ok()?;
        environment.split(|byte| *byte == 0).find_map(|pair| {
            pair.strip_prefix(name.as_bytes())?
                .strip_prefix(b"=")
                .map(|value| String::from_utf8_lossy(value).into_owned())
        })
    }
}

fn processes() -> impl Iterator<Item = Process> {
    let entries = std::fs::read_dir("/proc").expect("this system has /proc").map_while(Result::ok);
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter_map(Process::read)
}
