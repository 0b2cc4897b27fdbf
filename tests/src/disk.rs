//! Disks that are full or not writable, simulated as well as this machine allows.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A prefix for a command line. With it, a limit on the size of files makes writes fail instead of ending the process.
pub const IGNORES_SIZE_SIGNAL: [&str; 4] = ["sh", "-c", "trap '' XFSZ; exec \"$@\"", "sh"];

/// Limits the size of a process's files, in bytes; `None` lifts the limit. It simulates a full disk for users who may
/// not mount one.
pub fn limit_files(pid: u32, bytes: Option<u64>) {
    let limit = bytes.map_or("unlimited".to_owned(), |bytes| bytes.to_string());
    // Only the soft limit: an ordinary user could not raise the hard limit again.
    let done = succeeds("prlimit", &["--pid", &pid.to_string(), &format!("--fsize={limit}:")]);
    assert!(done, "prlimit (package util-linux) is needed to limit the files of process {pid}");
}

/// Lets this test's own process have so many files and connections open at once.
pub fn allow_open_files(count: u32) {
    let pid = std::process::id().to_string();
    let done = succeeds("prlimit", &["--pid", &pid, &format!("--nofile={count}:")]);
    assert!(done, "prlimit (package util-linux) is needed, and a hard limit of {count} open files");
}

/// A small separate disk.
#[derive(Debug)]
pub struct SmallDisk(PathBuf);

impl SmallDisk {
    /// Mounts a small disk on a folder; `None` if this user may not mount disks.
    pub fn mount(folder: &Path, bytes: u64) -> Option<Self> {
        let size = format!("size={bytes}");
        let mounted = succeeds("mount", &["-t", "tmpfs", "-o", &size, "spillway-journey", text(folder)]);
        mounted.then(|| Self(folder.to_owned()))
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        succeeds("umount", &["-l", text(&self.0)]);
    }
}

/// Files that no user can write, not even the administrator, until this is dropped.
#[derive(Debug)]
pub struct Immutable(Vec<PathBuf>);

impl Immutable {
    /// Makes the files read-only; `None` if this user or the file system does not support that.
    pub fn make(files: &[PathBuf]) -> Option<Self> {
        let mut made = Self(Vec::new());
        for file in files {
            if !succeeds("chattr", &["+i", text(file)]) {
                return None;
            }
            made.0.push(file.clone());
        }
        Some(made)
    }
}

impl Drop for Immutable {
    fn drop(&mut self) {
        for file in &self.0 {
            succeeds("chattr", &["-i", text(file)]);
        }
    }
}

fn text(path: &Path) -> &str {
    path.to_str().expect("temporary folders have plain names")
}

fn succeeds(program: &str, words: &[&str]) -> bool {
    let mut command = Command::new(program);
    command.args(words).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}
