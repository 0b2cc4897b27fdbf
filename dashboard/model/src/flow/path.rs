//! Whether what a replay puts back would be stored now: the path, where the consumer's checks are about the payload.

use super::verdict::{Cause, Verdict, VerdictState};
use super::{FlowSnapshot, Phrase};
use crate::ReadError;
use crate::alarms::{AlarmsNow, Tier};
use serde::Serialize;

/// Whether messages get through.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, strum::IntoStaticStr)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
pub enum Passage {
    /// They are stored.
    Open,
    /// Some may not be, or it is not known.
    Doubtful,
    /// None would be stored, or most would not. A replay is refused, unless an operator insists.
    Closed,
}

impl Passage {
    /// Its name, such as `closed`.
    pub fn name(self) -> &'static str {
        self.into()
    }
}

/// The path from the archive to the event store: queue, consumer and table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ReplayPath {
    /// Whether messages get through.
    pub passage: Passage,
    /// Why not, the most serious reason first; empty if they do.
    pub reasons: Vec<Phrase>,
}

/// The subsystems of alarms about the path.
const SUBSYSTEMS: [&str; 5] = ["flow", "queue", "functions", "table", "dead_letters"];

impl ReplayPath {
    /// The path as it is now. Without a snapshot nothing is known about it. `alarms` is `None` where they can't be read.
    pub fn of(flow: Result<&FlowSnapshot, &ReadError>, alarms: Option<&AlarmsNow>) -> Self {
        let flow = match flow {
            Ok(flow) => flow,
            Err(error) => {
                let why = Phrase::new(format!("The state of the pipeline can't be read: {error}."));
                return Self { passage: Passage::Doubtful, reasons: vec![why] };
            }
        };
        let verdict = Verdict::of(flow);
        let mut found: Vec<(Passage, Phrase)> = Vec::new();
        for incident in &verdict.incidents {
            let passage = match (incident.cause, incident.state) {
                (_, VerdictState::Healthy) => continue,
                (Cause::Disk | Cause::Table | Cause::Consumer | Cause::Queue | Cause::Waiting, state) => {
                    if state == VerdictState::Failing {
                        Passage::Closed
                    } else {
                        Passage::Doubtful
                    }
                }
                (Cause::Archiver | Cause::Evidence, _) => Passage::Doubtful,
                _ => continue,
            };
            found.push((passage, incident.text.clone()));
        }
        if flow.outcomes.is_none() {
            found.push((Passage::Doubtful, "The outcomes of the last minute are not known.".into()));
        }
        // A cause that the verdict names has its alarms too.
        if found.is_empty() {
            found.extend(alarms.map(high_alarms).unwrap_or_default());
        }
        found.sort_by_key(|(passage, _)| std::cmp::Reverse(*passage));
        let passage = found.first().map_or(Passage::Open, |(passage, _)| *passage);
        Self { passage, reasons: found.into_iter().map(|(_, why)| why).collect() }
    }

    /// In a sentence: whether they get through, and the most serious reason if not.
    pub fn sentence(&self) -> Phrase {
        let start = match self.passage {
            Passage::Open => return "The table, the consumer and the queue work.".into(),
            Passage::Doubtful => "Not all of it may get through. ",
            Passage::Closed => "A replay would not get through now. ",
        };
        let mut sentence = Phrase::new(start);
        sentence.0.extend(self.reasons.first().into_iter().flat_map(|why| why.0.clone()));
        sentence
    }
}

/// High alarms about the path.
fn high_alarms(now: &AlarmsNow) -> Vec<(Passage, Phrase)> {
    let active = now.active().into_iter();
    let of_path =
        active.filter(|(rule, _)| rule.tier == Tier::High && SUBSYSTEMS.contains(&rule.subsystem.as_str()));
    let why = |name: &str, summary: &str| Phrase::new(format!("The high alarm {name} is active: {summary}"));
    of_path.map(|(rule, _)| (Passage::Doubtful, why(rule.name.as_str(), &rule.summary))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::Stage;
    use crate::flow::summary::tests::{ago_s, healthy};
    use crate::flow::{DiskTrouble, Outcomes, RecentOutcomes};

    /// Ten writes each five seconds, of which some fail since two minutes ago.
    fn flow(failed: u64, until_ago: i64) -> FlowSnapshot {
        let period = |ago: i64| {
            let fails = if (until_ago..=120).contains(&ago) { failed } else { 0 };
            let start = ago_s(ago).as_second();
            Outcomes { start, seconds: 5, ok: 10 - fails, failed: fails, ..Outcomes::default() }
        };
        let periods = (1..=240).rev().map(|step| period(5 * step)).collect();
        FlowSnapshot {
            outcomes: Some(RecentOutcomes::new(vec![(Stage::Table, periods)], ago_s(0))),
            ..healthy()
        }
    }

    fn path(flow: &FlowSnapshot) -> (Passage, String) {
        let path = ReplayPath::of(Ok(flow), None);
        (path.passage, path.sentence().to_string())
    }

    #[test]
    fn an_outage_closes_the_path_and_less_makes_it_doubtful() {
        assert_eq!(path(&flow(0, 0)).0, Passage::Open);
        let (passage, why) = path(&flow(10, 0));
        assert_eq!(passage, Passage::Closed);
        assert!(why.starts_with("A replay would not get through now. Nothing stored since"), "{why}");
        assert_eq!(path(&flow(5, 0)).0, Passage::Closed, "half of the writes fail");
        let (passage, why) = path(&flow(1, 0));
        assert_eq!(passage, Passage::Doubtful);
        assert!(why.contains("10 % of the writes to the table fail"), "{why}");
        let mut full = flow(0, 0);
        full.host.disk = Some(DiskTrouble::Full);
        assert_eq!(path(&full).0, Passage::Closed);
    }

    #[test]
    fn a_path_that_is_not_known_is_doubtful() {
        let mut unknown = flow(0, 0);
        unknown.outcomes = None;
        assert_eq!(path(&unknown).0, Passage::Doubtful);
        let unreadable = ReplayPath::of(Err(&ReadError::Throttled), None);
        assert_eq!(unreadable.passage, Passage::Doubtful);
        assert!(unreadable.sentence().to_string().contains("can't be read"));
    }
}
