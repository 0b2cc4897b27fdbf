//! Where a command writes to: text for people, one JSON document, or lines of values.

use crate::answer::CommandError;
use crate::listing::{Column, Listing};
use crate::target::Target;
use crate::text::{self, Table};
use anstream::AutoStream;
use anstyle::{AnsiColor, Style};
use anyhow::Context as _;
use clap::ValueEnum;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Serialize;
use spillway_core::{Timestamp, one_line};
use std::io::{self, BufRead as _, IsTerminal as _, Write};
use std::sync::{Arc, Mutex, PoisonError};

/// Section titles and key figures.
pub const BOLD: Style = Style::new().bold();
/// Details that are shown only for completeness.
pub const DIM: Style = Style::new().dimmed();
/// Errors.
pub const RED: Style = AnsiColor::Red.on_default().bold();
/// Waits for an operator.
pub const YELLOW: Style = AnsiColor::Yellow.on_default();
/// OK.
pub const GREEN: Style = AnsiColor::Green.on_default();

/// Text in a style. The stream removes the style if it is not a terminal, or if `NO_COLOR` is set.
pub fn paint(style: Style, text: &str) -> String {
    format!("{style}{text}{style:#}")
}

/// The form of a command's output.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Text and tables for people
    #[default]
    Table,
    /// One JSON document
    Json,
    /// One line for each item of a list, its values separated by tabs; the first line has their names
    Tsv,
}

/// Moves to the top of a terminal and clears it.
const CLEAR: &str = "\u{1b}[H\u{1b}[2J\u{1b}[3J";

/// Output that is kept back.
#[derive(Clone, Default)]
struct Page(Arc<Mutex<Vec<u8>>>);

impl Page {
    fn take(&self) -> Vec<u8> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Write for Page {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Standard output and error, or a test's buffers.
pub struct Console {
    /// For people: styles are removed where they do not belong.
    out: Box<dyn Write + Send>,
    /// For programs: bytes as they are.
    raw: Box<dyn Write + Send>,
    err: Box<dyn Write + Send>,
    format: Format,
    width: usize,
    /// Whether a person reads standard output.
    is_terminal: bool,
    interactive: bool,
    /// Parts of the answer that are no change of it.
    unwatched: Vec<String>,
    /// How a command line begins that names the same pipeline as this one.
    program: String,
    /// The data folder that it names.
    folder: Option<String>,
}

const FOLDER: &str = "the data folder";
/// The program, where no pipeline was named.
const PROGRAM: &str = "spillway";
/// The commands that need a pipeline, so that a hint at one has to name it.
const ADDRESSED: [&str; 10] =
    ["alarms", "dlq", "events", "fault", "flow", "get", "replays", "schemas", "sign-in", "status"];

/// The output of a command that was kept back.
pub struct Kept {
    /// The output.
    pub page: Vec<u8>,
    /// What is left of it without the parts that are no change.
    pub answer: String,
}

impl Console {
    /// The process's own streams.
    pub fn standard(format: Format) -> Self {
        // What another program reads is whole: a person cuts it with the tools of the shell.
        let width = match io::stdout().is_terminal() {
            true => terminal_size::terminal_size().map_or(80, |(width, _)| usize::from(width.0)),
            false => usize::MAX,
        };
        Self {
            out: Box::new(AutoStream::auto(io::stdout())),
            raw: Box::new(io::stdout()),
            err: Box::new(AutoStream::auto(io::stderr())),
            format,
            width: width.max(60),
            is_terminal: io::stdout().is_terminal(),
            interactive: io::stdin().is_terminal() && io::stderr().is_terminal(),
            unwatched: Vec::new(),
            program: PROGRAM.to_owned(),
            folder: None,
        }
    }

    /// The streams of a test: 80 columns, and no user to ask.
    #[cfg(test)]
    pub fn of(
        out: Box<dyn Write + Send>,
        raw: Box<dyn Write + Send>,
        err: Box<dyn Write + Send>,
        format: Format,
    ) -> Self {
        Self {
            out,
            raw,
            err,
            format,
            width: 80,
            is_terminal: false,
            interactive: false,
            unwatched: Vec::new(),
            program: PROGRAM.to_owned(),
            folder: None,
        }
    }

    /// From now on, hints name this pipeline, so that a person can paste them.
    pub fn address(&mut self, target: &Target) {
        self.program = format!("{PROGRAM}{}", target.as_options());
        self.folder = target.embedded.as_ref().map(|folder| folder.display().to_string());
    }

    /// A text of our own, in which each command names the pipeline.
    pub fn addressed(&self, text: &str) -> String {
        ADDRESSED.iter().fold(text.to_owned(), |text, command| {
            text.replace(&format!("{PROGRAM} {command}"), &format!("{} {command}", self.program))
        })
    }

    /// Prints a line that names a command.
    pub fn hint(&mut self, line: &str) -> anyhow::Result<()> {
        self.line(&self.addressed(line))
    }

    /// The form of the output.
    pub fn format(&self) -> Format {
        self.format
    }

    /// Whether to print JSON.
    pub fn json(&self) -> bool {
        self.format == Format::Json
    }

    /// Whether to print lines of values.
    pub fn tsv(&self) -> bool {
        self.format == Format::Tsv
    }

    /// Whether to print text for people.
    pub fn is_for_people(&self) -> bool {
        self.format == Format::Table
    }

    /// Refuses another format for an option or a command that has its own.
    pub fn only_for_people(&self, what: &str) -> Result<(), CommandError> {
        match self.format {
            Format::Table => Ok(()),
            Format::Json => Err(CommandError::Usage(format!("{what} has its own output: leave --json out"))),
            Format::Tsv => Err(CommandError::Usage(format!("{what} has its own output: leave -o tsv out"))),
        }
    }

    /// Prints the command's one JSON document.
    pub fn document(&mut self, document: &impl Serialize) -> anyhow::Result<()> {
        let mut text = serde_json::to_string_pretty(document).map_err(io::Error::from)?;
        if self.is_terminal {
            text = text::escaped_in_json(&text);
        }
        text.push('\n');
        self.write_raw(text.as_bytes())
    }

    /// Prints one JSON document on one line: a part of a stream of them.
    pub fn json_line(&mut self, line: &str) -> anyhow::Result<()> {
        let line = if self.is_terminal { text::escaped_in_json(line) } else { line.to_owned() };
        self.write_raw(format!("{line}\n").as_bytes())
    }

    /// Prints a body byte for byte. On a terminal, characters that could control it are replaced.
    pub fn body(&mut self, body: &str) -> anyhow::Result<()> {
        if self.is_terminal {
            return self.write_raw(format!("{}\n", text::clean(body)).as_bytes());
        }
        self.write_raw(body.as_bytes())
    }

    fn write_raw(&mut self, bytes: &[u8]) -> anyhow::Result<()> {
        written(self.raw.write_all(bytes).and_then(|()| self.raw.flush()))
    }

    /// Prints a line.
    pub fn line(&mut self, line: &str) -> anyhow::Result<()> {
        self.text(&format!("{line}\n"))
    }

    /// Prints a text that ends with a newline.
    pub fn text(&mut self, text: &str) -> anyhow::Result<()> {
        written(self.out.write_all(text.as_bytes()).and_then(|()| self.out.flush()))
    }

    /// Prints a table.
    pub fn table(&mut self, table: &Table) -> anyhow::Result<()> {
        self.text(&table.render(self.width))
    }

    /// Prints items: as a table for people, or as lines of values.
    pub fn items<T>(&mut self, columns: &[Column<T>], items: &[T], now: Timestamp) -> anyhow::Result<()> {
        let listing = Listing { columns, items };
        if self.tsv() {
            let mut lines = listing.lines();
            if self.is_terminal {
                lines = text::clean(&lines);
            }
            return self.write_raw(lines.as_bytes());
        }
        self.table(&listing.table(now))
    }

    /// Prints labelled values, one per line.
    pub fn fields(&mut self, fields: &[(&str, String)]) -> anyhow::Result<()> {
        self.text(&text::fields(fields, self.width))
    }

    /// Prints progress and notes on standard error. The command continues if they cannot be written.
    pub fn note(&mut self, line: &str) {
        let _ = writeln!(self.err, "{line}");
    }

    /// Prints why the command failed.
    pub fn error(&mut self, error: &anyhow::Error) {
        let label = paint(RED, "error:");
        let mut what = self.addressed(&one_line(error.as_ref()));
        if let Some(folder) = self.folder.as_ref().filter(|folder| !what.contains(&format!(" {folder}"))) {
            // An adapter deep inside says what is wrong with the data folder, and not which one it is.
            what = what.replacen(FOLDER, &format!("{FOLDER} {folder}"), 1);
        }
        let _ = writeln!(self.err, "{label} {}", text::clean(&what));
    }

    /// Asks a question that the user answers by typing `y`; `None` if there is no user to ask.
    pub fn ask(&mut self, question: &str) -> anyhow::Result<Option<bool>> {
        if !self.interactive {
            return Ok(None);
        }
        write!(self.err, "{question} [y/N] ")?;
        self.err.flush()?;
        let mut answer = String::new();
        io::stdin().lock().read_line(&mut answer)?;
        Ok(Some(matches!(answer.trim(), "y" | "Y" | "yes")))
    }

    /// Names a part of the answer that is another one at each reading, such as the time: `--watch` takes it for no change.
    pub fn not_a_change(&mut self, part: impl std::fmt::Display) {
        self.unwatched.push(part.to_string());
    }

    /// Runs a command whose output is kept back.
    pub async fn page<T>(&mut self, command: impl AsyncFnOnce(&mut Self) -> T) -> (T, Kept) {
        let page = Page::default();
        let out = std::mem::replace(&mut self.out, Box::new(page.clone()));
        let raw = std::mem::replace(&mut self.raw, Box::new(page.clone()));
        let result = command(self).await;
        (self.out, self.raw) = (out, raw);
        let page = page.take();
        let mut answer = String::from_utf8_lossy(&page).into_owned();
        for part in self.unwatched.drain(..) {
            answer = answer.replace(&part, "");
        }
        (result, Kept { page, answer })
    }

    /// Prints output that was kept back. On a terminal it takes the place of what is there.
    pub fn show(&mut self, page: &[u8]) -> anyhow::Result<()> {
        if self.is_terminal {
            self.write_raw(CLEAR.as_bytes())?;
        }
        if !self.is_for_people() {
            return self.write_raw(page);
        }
        written(self.out.write_all(page).and_then(|()| self.out.flush()))
    }

    /// A progress bar on standard error, if that is a terminal.
    pub fn progress(&self, length: u64) -> ProgressBar {
        // A draw target that is not a terminal draws nothing.
        let bar = ProgressBar::with_draw_target(Some(length), ProgressDrawTarget::stderr());
        let template = "{elapsed:>4} [{bar:30}] {human_pos}/{human_len} {msg}";
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style.progress_chars("=> "));
        }
        bar
    }
}

/// What failed, if the answer could not be written.
fn written(result: io::Result<()>) -> anyhow::Result<()> {
    result.context("standard output can't be written")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answer::reader_is_gone;

    /// A disk that is full, or a reader that has gone.
    struct Closed(io::ErrorKind);

    impl Write for Closed {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(self.0.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn an_answer_that_cannot_be_written_is_an_error_of_standard_output() {
        for (kind, is_gone) in [(io::ErrorKind::StorageFull, false), (io::ErrorKind::BrokenPipe, true)] {
            let stream = || Box::new(Closed(kind));
            let mut console = Console::of(stream(), stream(), stream(), Format::Table);
            for error in [console.line("x"), console.document(&1), console.table(&Table::with_header(&["a"]))]
            {
                let error = error.unwrap_err();
                assert!(error.to_string().starts_with("standard output"), "{error}");
                assert_eq!(reader_is_gone(&error), is_gone);
            }
        }
    }

    #[derive(Debug, thiserror::Error)]
    #[error("business_hours: {0}")]
    struct Outer(#[source] io::Error);

    fn console(page: &Page, is_terminal: bool) -> Console {
        let stream = || Box::new(page.clone());
        Console { is_terminal, ..Console::of(stream(), stream(), stream(), Format::Table) }
    }

    fn printed(is_terminal: bool, print: impl FnOnce(&mut Console)) -> String {
        let page = Page::default();
        print(&mut console(&page, is_terminal));
        String::from_utf8(page.take()).unwrap()
    }

    #[test]
    fn an_error_says_nothing_twice() {
        let error = anyhow::Error::from(Outer(io::Error::other("no such day"))).context("cannot start");
        let text = anstream::adapter::strip_str(&printed(false, |console| console.error(&error))).to_string();
        assert_eq!(text, "error: cannot start: business_hours: no such day\n");
    }

    #[test]
    fn a_pipe_gets_a_body_byte_for_byte_and_a_terminal_gets_nothing_that_controls_it() {
        let body = "{\"a\" : \"x\u{7f}\u{9b}2J\u{1b}[0m\"}\r\n";
        assert_eq!(printed(false, |console| console.body(body).unwrap()), body);
        let shown = printed(true, |console| console.body(body).unwrap());
        assert!(!shown.contains(['\u{7f}', '\u{9b}', '\u{1b}']), "{shown:?}");
        let json = serde_json::json!({"body": "x\u{7f}\u{9b}"});
        let [pipe, terminal] =
            [false, true].map(|is| printed(is, |console| console.document(&json).unwrap()));
        assert!(pipe.contains("x\u{7f}\u{9b}") && terminal.contains("x\\u007f\\u009b"), "{terminal:?}");
    }
}
