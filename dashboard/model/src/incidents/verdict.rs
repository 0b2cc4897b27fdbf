//! The verdict about one incident, in the form of the verdict about the pipeline.

use super::Incident;
use crate::alarms::{RuleSet, Tier, runbooks};
use crate::flow::{Action, Cause, FlowSnapshot, Part, Phrase, Verdict, VerdictState};
use jiff::Timestamp;
use spillway_dashboard_words::duration;

/// The verdict about an incident: by its alarms, and by what the last outcomes say about its cause.
pub fn verdict(incident: &Incident, rules: &RuleSet, flow: &FlowSnapshot) -> Verdict {
    let whole = Verdict::of(flow);
    let rule = incident.lead().and_then(|lead| rules.get(lead.rule.as_str()));
    let summary = rule.map_or_else(|| format!("Alarms of {}.", incident.cause), |rule| rule.summary.clone());
    let runbook = rule.and_then(|rule| runbooks::names().find(|name| *name == rule.runbook));
    let time = |before: &str, at: Timestamp, after: String| {
        let [before, after] = [before.to_owned(), after].map(Part::Text);
        Phrase(vec![before, Part::Time(at), after])
    };
    let seconds =
        |from: Timestamp, to: Timestamp| duration((to.as_second() - from.as_second()).max(0) as f64);
    let none = || Phrase(vec![Part::Text("none".to_owned())]);
    let base =
        Verdict { incidents: Vec::new(), after: None, symptoms: Vec::new(), others: Vec::new(), ..whole };
    if let Some(ended) = incident.ended {
        let lasted = seconds(incident.began, ended);
        return Verdict {
            state: VerdictState::Healthy,
            text: time("over since ", ended, format!(", after {lasted}. {summary}")),
            deadline: none(),
            action: Action { text: "Nothing.".to_owned(), runbook },
            ..base
        };
    }
    let since = time("since ", incident.active_since, format!(": {summary}"));
    // The outcomes know sooner than alarms that something is better or worse.
    let cause = cause_of(&incident.cause).filter(|_| flow.outcomes.is_some());
    let live = Verdict::of(flow).incidents.into_iter().find(|live| Some(live.cause) == cause);
    match (live, cause) {
        (Some(live), _) => Verdict {
            state: live.state,
            text: live.text,
            deadline: live.deadline,
            action: Action { runbook: live.action.runbook.or(runbook), ..live.action },
            ..base
        },
        (None, Some(_)) => Verdict {
            state: VerdictState::Recovering,
            text: time(
                "the cause is gone; alarms are active since ",
                incident.active_since,
                format!(". {summary}"),
            ),
            deadline: none(),
            action: Action { text: "Nothing: the alarms clear by themselves.".to_owned(), runbook },
            ..base
        },
        (None, None) => Verdict {
            state: if incident.tier() == Tier::High {
                VerdictState::Failing
            } else {
                VerdictState::Degrading
            },
            text: since,
            deadline: none(),
            action: Action { text: "Follow the runbook.".to_owned(), runbook },
            ..base
        },
    }
}

/// The cause that the verdict about the pipeline would name; `None` if outcomes say nothing about it.
fn cause_of(family: &str) -> Option<Cause> {
    Some(match family {
        "table-system-errors" | "table-throttles" | "table-user-errors" | "records-retried" => Cause::Table,
        "consumer-errors" | "consumer-throttles" => Cause::Consumer,
        "ingest-errors" | "ingest-throttles" => Cause::Ingest,
        "api-5xx" => Cause::Queue,
        "archiver-errors" | "archiver-throttles" => Cause::Archiver,
        "records-rejected" | "dead-letters-arriving" => Cause::DeadLetters,
        _ => return None,
    })
}
