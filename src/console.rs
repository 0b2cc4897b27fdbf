//! Where a command writes to: text for people, or one JSON document.

use crate::text::{self, Table};
use anstream::AutoStream;
use anstyle::{AnsiColor, Style};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Serialize;
use std::io::{self, BufRead as _, IsTerminal as _, Write};

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

/// Standard output and error, or a test's buffers.
pub struct Console {
    out: Box<dyn Write + Send>,
    err: Box<dyn Write + Send>,
    json: bool,
    width: usize,
    interactive: bool,
}

impl Console {
    /// The process's own streams.
    pub fn standard(json: bool) -> Self {
        let width = terminal_size::terminal_size().map_or(80, |(width, _)| usize::from(width.0));
        Self {
            out: Box::new(AutoStream::auto(io::stdout())),
            err: Box::new(AutoStream::auto(io::stderr())),
            json,
            width: width.max(60),
            interactive: io::stdin().is_terminal() && io::stderr().is_terminal(),
        }
    }

    /// The streams of a test: 80 columns, and no user to ask.
    #[cfg(test)]
    pub fn of(out: Box<dyn Write + Send>, err: Box<dyn Write + Send>, json: bool) -> Self {
        Self { out, err, json, width: 80, interactive: false }
    }

    /// Whether to print JSON.
    pub fn json(&self) -> bool {
        self.json
    }

    /// Prints the command's one JSON document.
    pub fn document(&mut self, document: &impl Serialize) -> anyhow::Result<()> {
        serde_json::to_writer_pretty(&mut self.out, document).map_err(io::Error::from)?;
        writeln!(self.out)?;
        Ok(self.out.flush()?)
    }

    /// Prints a line.
    pub fn line(&mut self, line: &str) -> anyhow::Result<()> {
        writeln!(self.out, "{line}")?;
        Ok(self.out.flush()?)
    }

    /// Prints a text that ends with a newline.
    pub fn text(&mut self, text: &str) -> anyhow::Result<()> {
        self.out.write_all(text.as_bytes())?;
        Ok(self.out.flush()?)
    }

    /// Prints a table.
    pub fn table(&mut self, table: &Table) -> anyhow::Result<()> {
        write!(self.out, "{}", table.render(self.width))?;
        Ok(self.out.flush()?)
    }

    /// Prints labelled values, one per line.
    pub fn fields(&mut self, fields: &[(&str, String)]) -> anyhow::Result<()> {
        write!(self.out, "{}", text::fields(fields, self.width))?;
        Ok(self.out.flush()?)
    }

    /// Prints progress and notes on standard error. The command continues if they cannot be written.
    pub fn note(&mut self, line: &str) {
        let _ = writeln!(self.err, "{line}");
    }

    /// Prints why the command failed.
    pub fn error(&mut self, error: &anyhow::Error) {
        let label = paint(RED, "error:");
        let _ = writeln!(self.err, "{label} {}", text::clean(&format!("{error:#}")));
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
