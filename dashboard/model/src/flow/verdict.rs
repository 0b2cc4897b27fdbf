//! The verdict: the state of the pipeline now, whether anything is lost, until when something must happen, and what to do.

mod causes;
mod recovery;
#[cfg(test)]
mod tests;
mod words;

use super::summary::{Sentence, State, Target};
use super::{FlowSnapshot, Phrase, Trouble, summary};
use crate::catalogue::Stage;
use jiff::Timestamp;
use serde::Serialize;

/// The state of the pipeline, the least serious first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, strum::IntoStaticStr)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
pub enum VerdictState {
    /// No part fails.
    Healthy,
    /// What failed works again, and what waits is being processed.
    Recovering,
    /// A part fails for a share of the events, or is slow, or something becomes serious unless it is fixed.
    Degrading,
    /// A part fails for a third of the events or more.
    Failing,
}

impl VerdictState {
    /// Its name, such as `failing`.
    pub fn name(self) -> &'static str {
        self.into()
    }
}

/// What is the cause of an incident.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, strum::IntoStaticStr)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum Cause {
    /// The data folder takes no data.
    Disk,
    /// The table fails, throttles or is slow.
    Table,
    /// The consumer fails, or does not receive.
    Consumer,
    /// The primary queue refuses events, so the API does.
    Queue,
    /// The ingest function fails.
    Ingest,
    /// The archiver fails.
    Archiver,
    /// Events become dead letters.
    DeadLetters,
    /// Events are in no place, or in too many.
    Ledger,
    /// Events wait for a reason that is not known.
    Waiting,
    /// Schemas can't be used.
    Schemas,
    /// Dead letters in a replay are gone.
    Replays,
    /// The numbers can't be read.
    Evidence,
}

impl Cause {
    /// Its name, such as `table`.
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// The page with the evidence.
    pub fn target(self) -> Target {
        match self {
            Self::Disk | Self::Queue | Self::Evidence => Target::Metrics(Stage::Api),
            Self::Table => Target::Metrics(Stage::Table),
            Self::Consumer => Target::Metrics(Stage::Consumer),
            Self::Ingest => Target::Metrics(Stage::Ingest),
            Self::Archiver => Target::Metrics(Stage::Archiver),
            Self::DeadLetters | Self::Schemas => Target::DeadLetters(None),
            Self::Ledger | Self::Waiting => Target::Metrics(Stage::Queue),
            Self::Replays => Target::Replays,
        }
    }
}

/// What to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Action {
    /// One sentence.
    pub text: String,
    /// The runbook's name, if there is one.
    pub runbook: Option<&'static str>,
}

impl Action {
    fn new(text: impl Into<String>, runbook: Option<&'static str>) -> Self {
        Self { text: text.into(), runbook }
    }
}

/// One cause, with all that it explains.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Incident {
    /// What is broken.
    pub cause: Cause,
    /// How serious it is now.
    pub state: VerdictState,
    /// Since when it is in this state, as far as that is known: of a recovery, since when it works again.
    pub since: Option<Timestamp>,
    /// What happens, in a sentence.
    pub text: Phrase,
    /// Until when something must happen, and what happens otherwise.
    pub deadline: Phrase,
    /// What to do.
    pub action: Action,
    /// By when everything that waits is processed, in a recovery.
    pub done_by: Option<Timestamp>,
}

/// What there is to say about losses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loss {
    /// Whether an event is lost or may be. It never makes a pipeline healthy.
    pub state: State,
    /// In words.
    pub text: Phrase,
}

/// The verdict.
#[derive(Clone, Debug, PartialEq)]
pub struct Verdict {
    /// The worst present state.
    pub state: VerdictState,
    /// What fails or recovers: the most serious first, and of equal ones the one that is nearest to the disk.
    pub incidents: Vec<Incident>,
    /// The state, in a sentence.
    pub text: Phrase,
    /// Whether anything is lost.
    pub loss: Loss,
    /// Until when something must happen.
    pub deadline: Phrase,
    /// What to do.
    pub action: Action,
    /// What was the matter in the last hour and is over.
    pub after: Option<Phrase>,
    /// How old the evidence is, in seconds; `None` without any.
    pub evidence_age_s: Option<i64>,
    /// What the first incident explains.
    pub symptoms: Vec<Sentence>,
    /// What is true besides.
    pub others: Vec<Sentence>,
}

impl Verdict {
    /// The verdict about a pipeline.
    pub fn of(flow: &FlowSnapshot) -> Self {
        let mut incidents = causes::incidents(flow);
        // The sort is stable: of equal states the one that comes first along the pipeline stays first.
        incidents.sort_by_key(|incident| std::cmp::Reverse(incident.state));
        let (symptoms, others) = split(summary(flow), &incidents);
        let (state, text, deadline, action) = match incidents.first() {
            Some(first) => (first.state, first.text.clone(), first.deadline.clone(), first.action.clone()),
            None => (VerdictState::Healthy, words::healthy(flow), Phrase::new("none"), words::idle(flow)),
        };
        Self {
            state,
            text,
            loss: words::loss(flow),
            deadline,
            action,
            after: causes::after(flow, &incidents),
            evidence_age_s: flow.outcomes.as_ref().map(|outcomes| outcomes.age_s(flow.at)),
            symptoms,
            others,
            incidents,
        }
    }

    /// Since when the state is what it is, as far as that is known.
    pub fn since(&self) -> Option<Timestamp> {
        self.incidents.first().and_then(|first| first.since)
    }

    /// The page with the evidence, if something is the matter.
    pub fn target(&self) -> Option<Target> {
        self.incidents.first().map(|first| first.cause.target())
    }
}

/// Divides the other sentences of a summary: into those that the first incident explains, and the rest. Those that say the
/// same as an incident are left out.
fn split(sentences: Vec<Sentence>, incidents: &[Incident]) -> (Vec<Sentence>, Vec<Sentence>) {
    let of_a_stage =
        [Cause::Disk, Cause::Table, Cause::Consumer, Cause::Queue, Cause::Ingest, Cause::Archiver];
    let says_the_same = |incident: &Incident, sentence: &Sentence| {
        let is_of_its_stage =
            of_a_stage.contains(&incident.cause) && incident.cause.target() == sentence.target;
        sentence.state != State::Ok && (is_of_its_stage || incident.text == sentence.text)
    };
    let rest = sentences.into_iter().skip(1);
    let rest = rest.filter(|sentence| !incidents.iter().any(|incident| says_the_same(incident, sentence)));
    rest.partition(|sentence| !incidents.is_empty() && matches!(sentence.target, Target::Metrics(_)))
}

/// The troubles of the stages, as their last outcomes show.
pub(in crate::flow) struct Troubles {
    pub(in crate::flow) table: Option<Trouble>,
    pub(in crate::flow) slow_table: Option<Trouble>,
    pub(in crate::flow) consumer: Option<Trouble>,
    pub(in crate::flow) api: Option<Trouble>,
    pub(in crate::flow) ingest: Option<Trouble>,
    pub(in crate::flow) archiver: Option<Trouble>,
    pub(in crate::flow) dead_letters: Option<Trouble>,
}

impl Troubles {
    /// Those of a pipeline; `None` if its outcomes are not known.
    pub(in crate::flow) fn of(flow: &FlowSnapshot) -> Option<Self> {
        let outcomes = flow.outcomes.as_ref()?;
        let failures = |stage| Trouble::failures(outcomes.of(stage), flow.at);
        Some(Self {
            table: failures(Stage::Table),
            slow_table: Trouble::slowness(outcomes.of(Stage::Table), flow.at),
            consumer: failures(Stage::Consumer),
            api: failures(Stage::Api),
            ingest: failures(Stage::Ingest),
            archiver: failures(Stage::Archiver),
            dead_letters: failures(Stage::Dlq),
        })
    }

    /// Whether storing failed, and works again.
    pub(in crate::flow) fn is_storing_again(&self) -> bool {
        let of_storing = || [&self.table, &self.consumer].into_iter().flatten();
        of_storing().next().is_some() && of_storing().all(|trouble| trouble.over_since.is_some())
    }

    /// The cause of what the API refuses: the function before the queue, if it fails as often, or else the queue.
    pub(in crate::flow) fn refuses(&self) -> Option<(Cause, &Trouble)> {
        let api = self.api.as_ref()?;
        let by_ingest = self.ingest.as_ref().filter(|ingest| ingest.share >= api.share / 2.0);
        Some(by_ingest.map_or((Cause::Queue, api), |ingest| (Cause::Ingest, ingest)))
    }
}
