//! Runs other programs. An error names the program and includes its output.

use anyhow::{Context, Result, bail};
use std::{
    cell::RefCell,
    io::{BufRead, BufReader, Read},
    path::PathBuf,
    process::{Command, Stdio},
    sync::{Arc, Mutex, PoisonError},
    thread,
};

/// Lines that are held back.
type Held = Arc<Mutex<String>>;

thread_local! {
    /// Where this thread's lines go while [`hold`] runs.
    static HELD: RefCell<Option<Held>> = const { RefCell::new(None) };
}

/// Prints the current step on standard error, because standard output is for results.
pub fn step(what: &str) {
    say(&format!("▸ {what}"));
}

/// Prints a line on standard error.
pub fn say(line: &str) {
    HELD.with_borrow(|held| emit(held.as_ref(), line));
}

/// Runs a task beside others, whose lines would mix with its own. Returns its lines instead of printing them: those of
/// [`step`], [`say`] and [`watch`].
pub fn hold<T>(task: impl FnOnce() -> T) -> (T, String) {
    let lines = Held::default();
    HELD.set(Some(Arc::clone(&lines)));
    let done = task();
    HELD.set(None);
    let lines = std::mem::take(&mut *lines.lock().unwrap_or_else(PoisonError::into_inner));
    (done, lines)
}

fn emit(held: Option<&Held>, line: &str) {
    match held {
        Some(held) => {
            let mut held = held.lock().unwrap_or_else(PoisonError::into_inner);
            held.push_str(line);
            held.push('\n');
        }
        None => eprintln!("{line}"),
    }
}

/// Runs a command whose output goes straight to the terminal.
pub fn run(command: &mut Command) -> Result<()> {
    let shown = describe(command);
    let status = command.stdin(Stdio::null()).status().with_context(|| format!("cannot start `{shown}`"))?;
    if !status.success() {
        bail!("`{shown}` ended with {status}");
    }
    Ok(())
}

/// Runs a command and returns its standard output.
pub fn output(command: &mut Command) -> Result<String> {
    let shown = describe(command);
    let output = command.stdin(Stdio::null()).output().with_context(|| format!("cannot start `{shown}`"))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        bail!("`{shown}` ended with {}: {}", output.status, last_lines(&said, 6));
    }
    String::from_utf8(output.stdout).with_context(|| format!("`{shown}` printed something that is not UTF-8"))
}

/// Runs a command and prints its output as it arrives. Returns the whole output, and whether the command succeeded.
pub fn watch(command: &mut Command) -> Result<(bool, String)> {
    let shown = describe(command);
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot start `{shown}`"))?;
    let streams: [Option<Box<dyn Read + Send>>; 2] = [
        child.stdout.take().map(|stream| Box::new(stream) as _),
        child.stderr.take().map(|stream| Box::new(stream) as _),
    ];
    let held = HELD.with_borrow(Clone::clone);
    let all = Mutex::new(String::new());
    thread::scope(|scope| {
        for stream in streams.into_iter().flatten() {
            scope.spawn(|| {
                // In a line that is not UTF-8, invalid bytes are replaced.
                for line in BufReader::new(stream).split(b'\n').map_while(Result::ok) {
                    let line = String::from_utf8_lossy(&line).into_owned();
                    emit(held.as_ref(), &line);
                    let mut all = all.lock().unwrap_or_else(PoisonError::into_inner);
                    all.push_str(&line);
                    all.push('\n');
                }
            });
        }
    });
    let status = child.wait().with_context(|| format!("cannot wait for `{shown}`"))?;
    Ok((status.success(), all.into_inner().unwrap_or_else(PoisonError::into_inner)))
}

/// Whether the command starts and succeeds; its output is dropped.
pub fn succeeds(command: &mut Command) -> bool {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// The first of these programs that is installed.
pub fn find_program(names: &[&str]) -> Option<PathBuf> {
    names.iter().find_map(|name| {
        let found = output(Command::new("sh").args(["-c", "command -v -- \"$1\"", "sh", name])).ok()?;
        let path = found.trim();
        (!path.is_empty()).then(|| PathBuf::from(path))
    })
}

/// Whether this process may install system packages.
pub fn is_root() -> bool {
    output(Command::new("id").arg("-u")).is_ok_and(|id| id.trim() == "0")
}

fn describe(command: &Command) -> String {
    let program = PathBuf::from(command.get_program());
    let program = program
        .file_name()
        .map_or_else(|| program.display().to_string(), |n| n.to_string_lossy().into_owned());
    command.get_args().fold(program, |shown, argument| format!("{shown} {}", argument.to_string_lossy()))
}

fn last_lines(text: &str, count: usize) -> String {
    let lines: Vec<_> = text.trim().lines().collect();
    lines[lines.len().saturating_sub(count)..].join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_names_the_program_and_its_output() {
        let error = output(Command::new("sh").args(["-c", "echo 'no such table' >&2; exit 3"])).unwrap_err();
        let text = error.to_string();
        assert!(text.starts_with("`sh -c"), "{text}");
        assert!(text.contains("no such table") && text.contains('3'), "{text}");
    }

    #[test]
    fn watched_output_is_returned_completely() {
        let (success, output) =
            watch(Command::new("sh").args(["-c", "echo out; echo err >&2; exit 1"])).unwrap();
        assert!(!success);
        let mut lines: Vec<_> = output.lines().collect();
        lines.sort_unstable();
        assert_eq!(lines, ["err", "out"]);
    }

    #[test]
    fn lines_of_a_task_that_runs_beside_others_are_held() {
        let ((success, output), lines) = hold(|| {
            step("one");
            watch(Command::new("sh").args(["-c", "echo two"])).unwrap()
        });
        assert!(success);
        assert_eq!((&*output, &*lines), ("two\n", "▸ one\ntwo\n"));
        assert_eq!(hold(|| ()).1, "", "another task's lines are its own");
    }

    #[test]
    fn a_missing_program_is_not_found() {
        assert!(find_program(&["spillway-no-such-program"]).is_none());
        assert!(find_program(&["spillway-no-such-program", "sh"]).is_some());
    }
}
