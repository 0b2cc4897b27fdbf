//! What a stage without problems does.

use spillway_dashboard_charts::Unit;
use spillway_dashboard_model::catalogue::Stage;
use spillway_dashboard_model::flow::{Fact, FlowSnapshot, Outcomes, Part, Phrase, RecentOutcomes};
use spillway_dashboard_words::{counted, duration};

/// The state of a stage, with the number that proves it. Latencies are in the charts.
pub(super) fn normal(stage: Stage, flow: Option<&FlowSnapshot>) -> Phrase {
    let Some(flow) = flow else {
        return "The state of this stage cannot be read now.".into();
    };
    match stage {
        Stage::Account => {
            return "These numbers are for the whole AWS account, not for Spillway alone.".into();
        }
        Stage::Queue if flow.queue.is_empty() => return "The queue is empty.".into(),
        Stage::Queue => return queue(flow),
        Stage::Dlq if flow.dlq.is_empty() => return "The dead letter queue is empty.".into(),
        Stage::Dlq => {
            let wait = if flow.ledger.in_dlq == 1 { " dead letter is" } else { " dead letters are" };
            return Phrase::default()
                .count(Fact::InDlq, flow)
                .text(format!("{wait} on the way to the archive."));
        }
        _ => {}
    }
    let Some(minute) = flow.outcomes.as_ref().map(RecentOutcomes::last_minute) else {
        return "The numbers of the last minute are not known.".into();
    };
    work(stage, minute.of(stage), minute.seconds()).into()
}

fn queue(flow: &FlowSnapshot) -> Phrase {
    let text = Phrase::default()
        .count(Fact::Queued, flow)
        .text(" queued, ")
        .count(Fact::InFlight, flow)
        .text(" in flight");
    match flow.queue.oldest_sent_at {
        Some(sent) => text.text("; the oldest was sent ").with(Part::Ago(Fact::Oldest, sent)).text("."),
        None => text.text("."),
    }
}

/// What a stage did in the last minute: `Consumer: 1.2 invocations a second, no errors.`
fn work(stage: Stage, of: Outcomes, seconds: f64) -> String {
    let (name, one, many) = match stage {
        Stage::Api => ("API", "request", "requests"),
        Stage::Ingest => ("Ingest function", "invocation", "invocations"),
        Stage::Archiver => ("Archiver", "invocation", "invocations"),
        Stage::Table => ("Table", "write", "writes"),
        _ => ("Consumer", "invocation", "invocations"),
    };
    if of.all() == 0 {
        return format!("{name}: idle in the last minute.");
    }
    let per_second = of.all() as f64 / seconds;
    let work = if per_second < 0.95 {
        format!("{} in {}", counted(of.all(), one, many), duration(seconds))
    } else {
        format!("{} {many} a second", Unit::Number.format(per_second))
    };
    let errors = match of.bad() {
        0 => "no errors".to_owned(),
        some => counted(some, "error", "errors"),
    };
    format!("{name}: {work}, {errors}.")
}

/// A stage's short name.
pub(super) fn short(stage: Stage) -> &'static str {
    match stage {
        Stage::Ingest => "Ingest",
        Stage::Consumer => "Consumer",
        Stage::Dlq => "DLQ",
        Stage::Archiver => "Archiver",
        Stage::Account => "Account",
        stage => stage.title(),
    }
}

/// What a stage's charts leave out, and the chart that shows it.
pub(super) fn caveat(stage: Stage) -> Option<(&'static str, (Stage, &'static str), &'static str)> {
    match stage {
        Stage::Queue => Some((
            "The age leaves out messages that were received three times or more. They appear in the consumer's",
            (Stage::Consumer, "receive-count"),
            "receive counts",
        )),
        Stage::Dlq => Some((
            "Messages sent stays 0 when the queue itself moves messages here after their last receive. Every \
             dead letter appears in messages waiting and in the archiver's",
            (Stage::Archiver, "invocations"),
            "invocations",
        )),
        Stage::Account => Some((
            "User errors have no dimension, so they may be another table's. Spillway's own refusals appear in",
            (Stage::Table, "error-share"),
            "share of writes refused",
        )),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use spillway_core::names::Names;
    use spillway_dashboard_model::catalogue::of_stage;

    #[test]
    fn every_caveat_links_to_an_existing_chart() {
        for (_, (stage, key), _) in Stage::ALL.iter().copied().filter_map(caveat) {
            assert!(of_stage(stage, &Names::default()).iter().any(|entry| entry.key == key), "{key}");
        }
        assert!(caveat(Stage::Dlq).is_some_and(|(text, ..)| text.contains("stays 0")));
    }

    #[test]
    fn a_stage_says_what_it_did_in_the_last_minute() {
        let of = |ok, failed| Outcomes { ok, failed, ..Outcomes::default() };
        let said = |of| work(Stage::Consumer, of, 60.0);
        assert_eq!(said(of(119, 1)), "Consumer: 2 invocations a second, 1 error.");
        assert_eq!(said(of(3, 0)), "Consumer: 3 invocations in 1 min, no errors.");
        assert_eq!(said(of(0, 0)), "Consumer: idle in the last minute.");
        assert!(normal(Stage::Api, None).to_string().contains("cannot be read"));
    }
}
