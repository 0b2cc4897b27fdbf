//! The health of each stage, by the evidence of the verdict: so no stage looks healthy that an incident affects.

use super::verdict::{Cause, Incident, Verdict, VerdictState};
use super::{Counted, FlowSnapshot, Phrase, State, Target};
use crate::catalogue::Stage;

/// The health of a stage, the least serious first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Health {
    /// It works.
    Good,
    /// Nothing tells.
    Unknown,
    /// It works again, or works off what waited.
    Recovering,
    /// It works, and another stage holds its events up.
    HeldUp,
    /// A share of its work fails, or something becomes serious.
    Degrading,
    /// It fails.
    Failing,
}

/// What there is to say about a stage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StageNote {
    /// How serious it is.
    pub health: Health,
    /// In a sentence.
    pub text: Phrase,
    /// What to do, if anything.
    pub todo: Option<String>,
}

impl Cause {
    /// The stages that are the cause.
    fn stages(self) -> &'static [Stage] {
        use Stage::{Api, Archiver, Consumer, Ingest, Queue, Table};
        match self {
            Self::Disk => &[Api, Ingest, Queue, Consumer, Table],
            Self::Table => &[Table],
            Self::Consumer | Self::DeadLetters | Self::Schemas => &[Consumer],
            Self::Queue | Self::Waiting => &[Queue],
            Self::Ingest => &[Ingest],
            Self::Archiver => &[Archiver],
            Self::Ledger | Self::Replays | Self::Evidence => &[],
        }
    }

    /// The stages whose events it holds up.
    fn holds_up(self) -> &'static [Stage] {
        use Stage::{Api, Consumer, Dlq, Ingest, Queue};
        match self {
            Self::Table => &[Consumer, Queue],
            Self::Consumer => &[Queue],
            Self::Queue => &[Ingest, Api],
            Self::Ingest => &[Api],
            Self::Archiver => &[Dlq],
            _ => &[],
        }
    }
}

impl Incident {
    fn of_cause(&self) -> Health {
        match self.state {
            VerdictState::Healthy => Health::Good,
            VerdictState::Recovering => Health::Recovering,
            VerdictState::Degrading => Health::Degrading,
            VerdictState::Failing => Health::Failing,
        }
    }

    /// What it means for a stage; `None` if it does not concern it.
    fn at(&self, stage: Stage, flow: &FlowSnapshot) -> Option<Health> {
        if self.cause.stages().contains(&stage) {
            return Some(self.of_cause());
        }
        if !self.cause.holds_up().contains(&stage) {
            return None;
        }
        let is_concerned = match stage {
            Stage::Queue => !flow.queue.is_empty(),
            Stage::Dlq => !flow.dlq.is_empty(),
            // Slow writes hold nothing up, unless records are retried.
            Stage::Consumer => {
                self.state == VerdictState::Failing
                    || flow
                        .outcomes
                        .as_ref()
                        .is_some_and(|outcomes| outcomes.last_minute().sum(Counted::Retried).ok > 0)
            }
            _ => true,
        };
        is_concerned.then(|| self.of_cause().min(Health::HeldUp))
    }
}

impl Verdict {
    /// The health of a stage: that of the most serious of what there is to say about it.
    pub fn health(&self, stage: Stage, flow: &FlowSnapshot) -> Health {
        let noted = self.notes(stage, flow).into_iter().map(|note| note.health).max();
        // The queues and the ledger are read directly.
        let is_known = match stage {
            Stage::Queue | Stage::Dlq => true,
            Stage::Account => false,
            _ => flow.outcomes.is_some() || flow.activity.is_some(),
        };
        noted.unwrap_or(if is_known { Health::Good } else { Health::Unknown })
    }

    /// What there is to say about a stage, the most serious first; empty if all is well.
    pub fn notes(&self, stage: Stage, flow: &FlowSnapshot) -> Vec<StageNote> {
        let of_incidents = self.incidents.iter().filter_map(|incident| {
            let health = incident.at(stage, flow)?;
            let is_cause = incident.cause.stages().contains(&stage);
            let mut text = incident.text.clone();
            if !is_cause && health == Health::HeldUp {
                text.0.insert(0, super::Part::Text("Held up by another stage. ".to_owned()));
            }
            let todo = (!incident.action.text.is_empty()).then(|| incident.action.text.clone());
            Some(StageNote { health, text, todo })
        });
        let of_sentences = self.symptoms.iter().chain(&self.others).filter_map(|sentence| {
            let health = match sentence.state {
                State::Ok => return None,
                State::Warn => Health::Degrading,
                State::Bad => Health::Failing,
            };
            let text = sentence.text.clone();
            (sentence.target == Target::Metrics(stage)).then(|| StageNote {
                health,
                text,
                todo: sentence.todo.clone(),
            })
        });
        let mut notes: Vec<StageNote> = of_incidents.chain(of_sentences).collect();
        notes.sort_by_key(|note| std::cmp::Reverse(note.health));
        notes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flow::summary::tests::{ago_s, healthy};
    use crate::flow::{Outcomes, QueueSnapshot, RecentOutcomes};

    /// Ten of a stage's work each five seconds, of which some fail from two minutes ago until a number of seconds ago.
    fn flow(stage: Stage, failed: u64, until_ago: i64) -> FlowSnapshot {
        let period = |ago: i64| {
            let fails = if ago > until_ago && ago <= 120 { failed } else { 0 };
            let start = ago_s(ago).as_second();
            Outcomes { start, seconds: 5, ok: 10 - fails, failed: fails, ..Outcomes::default() }
        };
        let periods = (1..=240).rev().map(|step| period(5 * step)).collect();
        let mut flow = healthy();
        flow.outcomes = Some(RecentOutcomes::new(vec![(stage, periods)], ago_s(0)));
        flow.ledger.in_flight = 7;
        flow.ledger.accepted += 7;
        flow.queue =
            QueueSnapshot { not_visible: 7, oldest_sent_at: Some(ago_s(120)), ..QueueSnapshot::default() };
        flow
    }

    fn of(flow: &FlowSnapshot, stages: &[Stage]) -> Vec<Health> {
        let verdict = Verdict::of(flow);
        stages.iter().map(|stage| verdict.health(*stage, flow)).collect()
    }

    const PATH: [Stage; 5] = [Stage::Api, Stage::Ingest, Stage::Queue, Stage::Consumer, Stage::Table];

    #[test]
    fn no_stage_that_an_incident_affects_is_good() {
        use Health::{Degrading, Failing, Good, HeldUp, Recovering};
        assert_eq!(of(&flow(Stage::Table, 0, 0), &PATH), [Good; 5]);
        assert_eq!(of(&flow(Stage::Table, 10, 0), &PATH), [Good, Good, HeldUp, HeldUp, Failing]);
        let again = of(&flow(Stage::Table, 10, 60), &PATH);
        assert_eq!(again, [Good, Good, Recovering, Good, Recovering], "nothing is retried any more");
        assert_eq!(of(&flow(Stage::Consumer, 10, 0), &PATH), [Good, Good, HeldUp, Failing, Good]);
        assert_eq!(of(&flow(Stage::Api, 10, 0), &PATH), [HeldUp, HeldUp, Failing, Good, Good]);
        assert_eq!(of(&flow(Stage::Table, 1, 0), &[Stage::Table]), [Degrading]);
    }

    #[test]
    fn a_held_up_stage_says_by_what() {
        let flow = flow(Stage::Table, 10, 0);
        let notes = Verdict::of(&flow).notes(Stage::Queue, &flow);
        assert!(
            notes[0].text.to_string().starts_with("Held up by another stage. Nothing stored since"),
            "{notes:?}"
        );
    }

    #[test]
    fn without_numbers_nothing_is_known_but_the_queues() {
        let mut flow = healthy();
        (flow.activity, flow.outcomes) = (None, None);
        assert_eq!(
            of(&flow, &[Stage::Api, Stage::Table, Stage::Queue]),
            [Health::Unknown, Health::Unknown, Health::Good]
        );
    }
}
