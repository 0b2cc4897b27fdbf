//! `spillway send --ndjson`: one event for each line.

use super::Options;
use super::answer::{self, Document};
use super::request::request;
use crate::answer::{CommandError, ExitStatus};
use crate::backend;
use crate::console::Console;
use crate::http_client::{self, Answer, HttpClient, NoAnswer, Verdict};
use crate::target::Target;
use crate::text;
use futures::{StreamExt as _, stream};
use http::Uri;
use serde::Serialize;
use spillway_core::ids::EventId;
use spillway_core::ports::Clock;
use std::io::{self, BufRead, BufReader};
use std::time::Duration;
use tokio::sync::mpsc;

/// Requests at once.
const AT_ONCE: usize = 16;
/// Lines that are read ahead.
const READ_AHEAD: usize = 64;
/// How often an event is sent that gets no answer, or one that may pass.
const TRIES: u32 = 5;
/// The first wait before a retry, if the API asks for none. Each further wait is twice as long.
const FIRST_WAIT: Duration = Duration::from_millis(500);
/// The API may ask for a longer wait, but no longer than this.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// The JSON document of one line.
#[derive(Debug, Serialize)]
struct LineDocument {
    line: u64,
    #[serde(flatten)]
    answer: Option<Document>,
    error: Option<String>,
}

/// How the event of a line ended.
enum End {
    Answered(Answer),
    Unanswered(NoAnswer),
    /// It was not sent, as it can't be.
    Unsent(CommandError),
}

impl End {
    /// Whether the event may have been accepted, although nothing says so.
    fn is_open(&self) -> bool {
        match self {
            Self::Answered(answer) => answer.leaves_open(),
            Self::Unanswered(_) => true,
            Self::Unsent(_) => false,
        }
    }

    fn verdict(&self) -> Verdict {
        match self {
            Self::Answered(answer) => answer.verdict(),
            Self::Unanswered(_) => Verdict::TryAgain,
            Self::Unsent(_) => Verdict::Refused,
        }
    }
}

/// What sending a line came to.
struct Sent {
    end: End,
    /// Whether one of the attempts was left open: the API may have accepted the event.
    may_have_arrived: bool,
}

/// Counts of lines.
#[derive(Default)]
struct Counts {
    accepted: u64,
    refused: u64,
    /// Refused for the moment.
    not_now: u64,
    undecided: u64,
}

pub async fn run(options: &Options, target: &Target, console: &mut Console) -> anyhow::Result<ExitStatus> {
    let url = backend::api_url(target, options.url.as_ref())?;
    let client = HttpClient::new(url.clone(), AT_ONCE)?;
    let clock = backend::clock();
    let (client, clock) = (&client, &*clock);
    let lines = stream::unfold(lines(&options.data)?, |mut lines| async move {
        let line = lines.recv().await?;
        Some((line, lines))
    });
    let ends = lines.map(|line| async move {
        let (number, line) = line?;
        Ok::<_, io::Error>((number, send(options, line, client, clock).await))
    });
    let mut ends = std::pin::pin!(ends.buffered(AT_ONCE));
    let mut counts = Counts::default();
    while let Some(end) = ends.next().await {
        let (number, Sent { end, may_have_arrived }) =
            end.map_err(|error| unreadable(&options.data, &error))?;
        match end.verdict() {
            Verdict::Promised => counts.accepted += 1,
            Verdict::Refused => counts.refused += 1,
            Verdict::TryAgain if may_have_arrived => counts.undecided += 1,
            Verdict::TryAgain => counts.not_now += 1,
        }
        print(number, &end, &url, console)?;
    }
    if console.is_for_people() && counts.refused + counts.not_now + counts.undecided > 0 {
        let mut words = vec![format!("{} accepted", text::count(counts.accepted, "event"))];
        for (count, what) in [
            (counts.refused, "refused"),
            (counts.not_now, "refused for the moment"),
            (counts.undecided, "without an answer that decides"),
        ] {
            if count > 0 {
                words.push(format!("{} {what}", text::number(count)));
            }
        }
        console.note(&words.join(", "));
    }
    Ok(match counts {
        Counts { refused: 1.., .. } => ExitStatus::No,
        Counts { not_now: 1.., .. } | Counts { undecided: 1.., .. } => ExitStatus::TryAgain,
        Counts { .. } => ExitStatus::Ok,
    })
}

fn unreadable(data: &str, error: &io::Error) -> CommandError {
    let what = if data == "-" { "standard input" } else { data.trim_start_matches('@') };
    CommandError::Usage(format!("cannot read {what}: {error}"))
}

/// A line, and its number from 1 on.
type Line = (u64, Vec<u8>);

/// The lines of the data. A thread reads them, because reading a pipe waits for its writer.
fn lines(data: &str) -> Result<mpsc::Receiver<io::Result<Line>>, CommandError> {
    let reader: Box<dyn BufRead + Send> = match data.strip_prefix('@') {
        Some(file) => {
            let file = std::fs::File::open(file).map_err(|error| unreadable(data, &error))?;
            Box::new(BufReader::new(file))
        }
        None if data == "-" => Box::new(BufReader::new(io::stdin())),
        None => Box::new(io::Cursor::new(data.as_bytes().to_vec())),
    };
    let (sender, receiver) = mpsc::channel(READ_AHEAD);
    std::thread::spawn(move || {
        let lines = reader.split(b'\n').zip(1..).map(|(line, number)| line.map(|line| (number, line)));
        let is_blank = |line: &[u8]| line.iter().all(u8::is_ascii_whitespace);
        for line in lines.filter(|line| !line.as_ref().is_ok_and(|(_, line)| is_blank(line))) {
            // The command has ended.
            if sender.blocking_send(line).is_err() {
                return;
            }
        }
    });
    Ok(receiver)
}

/// Sends an event until its answer decides, always with the same id.
async fn send(options: &Options, line: Vec<u8>, client: &HttpClient, clock: &dyn Clock) -> Sent {
    let request = match request(options, EventId::at(clock.now()).as_str(), line) {
        Ok(request) => request,
        Err(error) => return Sent { end: End::Unsent(error), may_have_arrived: false },
    };
    let (mut tries, mut may_have_arrived) = (0, false);
    loop {
        let answer = client.post(&request.content_type, &request.headers, request.body.clone()).await;
        tries += 1;
        let asked_for = answer.as_ref().ok().and_then(|answer| answer.retry_after);
        let end = answer.map_or_else(End::Unanswered, End::Answered);
        may_have_arrived |= end.is_open();
        if end.verdict() != Verdict::TryAgain || tries == TRIES {
            return Sent { end, may_have_arrived };
        }
        clock.sleep(asked_for.unwrap_or(FIRST_WAIT * 2_u32.pow(tries - 1)).min(LONGEST_WAIT)).await;
    }
}

fn print(number: u64, end: &End, url: &Uri, console: &mut Console) -> anyhow::Result<()> {
    let error = match end {
        End::Answered(_) => None,
        End::Unanswered(error) => Some(http_client::unreachable(url, error).to_string()),
        End::Unsent(error) => Some(error.to_string()),
    };
    if console.json() {
        let answer = match end {
            End::Answered(answer) => Some(Document::of(answer)),
            End::Unanswered(_) | End::Unsent(_) => None,
        };
        let line = serde_json::to_string(&LineDocument { line: number, answer, error })?;
        return console.json_line(&line);
    }
    match end {
        End::Answered(answer) if answer.verdict() == Verdict::Promised => console.line(&answer::id(answer)),
        End::Answered(answer) => {
            for line in answer::refusal(answer, url) {
                console.note(&format!("line {number}: {}", line.trim_start()));
            }
            Ok(())
        }
        End::Unanswered(_) | End::Unsent(_) => {
            console.note(&format!("line {number}: {}", text::clean(&error.unwrap_or_default())));
            Ok(())
        }
    }
}
