use super::*;
use crate::flow::summary::tests::{ago_s, healthy, ledger};
use crate::flow::{DiskTrouble, Outcomes, QueueSnapshot, RecentOutcomes, TroubleKind};
use spillway_core::ledger::Ledger;

/// Ten events each five seconds, from one number of seconds ago to another, of which a share fails.
fn periods(from_ago: i64, until_ago: i64, failed: u64) -> Vec<Outcomes> {
    let at = |ago: i64| ago_s(0).as_second() - ago;
    (at(from_ago)..at(until_ago))
        .step_by(5)
        .map(|start| Outcomes { start, seconds: 5, ok: 10 - failed, failed, ..Outcomes::default() })
        .collect()
}

/// A healthy past, then a share that fails, from one number of seconds ago to another, then a healthy present.
fn trouble(from_ago: i64, until_ago: i64, failed: u64) -> Vec<Outcomes> {
    [periods(1_200, from_ago, 0), periods(from_ago, until_ago, failed), periods(until_ago, 0, 0)].concat()
}

fn flow(stages: Vec<(Stage, Vec<Outcomes>)>) -> FlowSnapshot {
    FlowSnapshot { outcomes: Some(RecentOutcomes::new(stages, ago_s(0))), ..healthy() }
}

/// 692 events wait, the oldest for the given time.
fn waiting(flow: &mut FlowSnapshot, oldest_s: i64) {
    flow.ledger = Ledger { accepted: 172_431, stored: 171_739, in_flight: 692, ..ledger() };
    flow.queue = QueueSnapshot {
        not_visible: 692,
        oldest_sent_at: Some(ago_s(oldest_s)),
        receive_counts: vec![0, 0, 200, 300, 192],
        first_dead_letter_at: Some(ago_s(-10_740)),
        ..QueueSnapshot::default()
    };
}

fn clock(seconds_ago: i64) -> String {
    ago_s(seconds_ago).strftime("%H:%M UTC").to_string()
}

#[test]
fn without_trouble_the_pipeline_is_healthy_and_nothing_is_to_do() {
    let verdict = Verdict::of(&flow(vec![(Stage::Table, periods(1_200, 0, 0))]));
    assert_eq!(verdict.state, VerdictState::Healthy);
    assert_eq!(verdict.loss.text.to_string(), "none: 172,431 of 172,431 events are accounted for");
    assert_eq!((verdict.deadline.to_string().as_str(), verdict.action.text.as_str()), ("none", "Nothing."));
    assert_eq!((verdict.evidence_age_s, verdict.since()), (Some(0), None));
    assert!(verdict.incidents.is_empty() && verdict.symptoms.is_empty() && verdict.others.is_empty());
}

#[test]
fn old_dead_letters_wait_for_a_decision_and_do_not_make_a_pipeline_unhealthy() {
    let mut flow = flow(vec![(Stage::Table, periods(1_200, 0, 0))]);
    flow.ledger = Ledger { stored: 172_428, archived: 3, ..ledger() };
    let verdict = Verdict::of(&flow);
    assert_eq!(verdict.state, VerdictState::Healthy);
    assert_eq!(verdict.others.len(), 1, "{:?}", verdict.others);
}

#[test]
fn an_outage_of_the_table_is_one_incident_with_its_symptoms_under_it() {
    let mut flow = flow(vec![(Stage::Table, trouble(360, 0, 10))]);
    waiting(&mut flow, 360);
    let verdict = Verdict::of(&flow);
    assert_eq!(verdict.state, VerdictState::Failing);
    let text = format!("Nothing stored since {}: every write to the table fails.", clock(360));
    assert_eq!(verdict.text.to_string(), text);
    let deadline =
        format!("first event moves to the DLQ at {}, and can be replayed even then", clock(-10_740));
    assert_eq!(verdict.deadline.to_string(), deadline);
    assert_eq!(verdict.action.runbook, Some("table-system-errors"));
    assert_eq!((verdict.incidents.len(), verdict.since()), (1, Some(ago_s(360))));
    assert_eq!(verdict.symptoms.len(), 1, "the old events: {:?}", verdict.symptoms);
    assert_eq!(verdict.loss.state, State::Ok, "nothing is lost, and that makes nothing green");
}

#[test]
fn one_failure_in_ten_degrades_and_half_fails() {
    let of = |failed| Verdict::of(&flow(vec![(Stage::Table, trouble(120, 0, failed))]));
    assert_eq!(of(1).state, VerdictState::Degrading);
    assert_eq!(of(1).text.to_string(), format!("10 % of the writes to the table fail since {}.", clock(120)));
    assert_eq!([of(5).state, of(9).state], [VerdictState::Failing; 2]);
}

#[test]
fn a_recovery_says_what_is_left_and_when_it_is_done() {
    let mut flow = flow(vec![(Stage::Table, trouble(1_080, 60, 10))]);
    waiting(&mut flow, 1_080);
    let verdict = Verdict::of(&flow);
    assert_eq!(verdict.state, VerdictState::Recovering);
    // 120 a minute are stored, so 692 take longer than the longest wait for a next attempt.
    let text = format!("Storing again since {}; 692 left, done by about {}.", clock(60), clock(-346));
    assert_eq!(verdict.text.to_string(), text);
    assert_eq!(verdict.deadline.to_string(), "none");
    assert!(verdict.action.text.starts_with("Nothing"));
    assert!(verdict.others.iter().chain(&verdict.symptoms).all(|sentence| sentence.state == State::Ok));
}

#[test]
fn what_is_over_is_an_after_note_for_an_hour() {
    let mut flow = flow(vec![(Stage::Table, trouble(1_080, 60, 10))]);
    let verdict = Verdict::of(&flow);
    assert_eq!(verdict.state, VerdictState::Healthy);
    let note = format!(
        "Recovered: from {} to {} (17 min) 100 % of the writes to the table failed. Nothing is lost.",
        clock(1_080),
        clock(60)
    );
    assert_eq!(verdict.after.unwrap().to_string(), note);
    flow.at = ago_s(-3_600);
    assert_eq!(Verdict::of(&flow).after, None);
}

#[test]
fn the_root_cause_comes_first_and_what_it_explains_is_no_incident() {
    let stages = || vec![(Stage::Table, trouble(120, 0, 10)), (Stage::Consumer, trouble(120, 0, 10))];
    let mut flow = flow(stages());
    let causes = |flow: &FlowSnapshot| -> Vec<_> {
        Verdict::of(flow).incidents.iter().map(|incident| incident.cause).collect()
    };
    assert_eq!(causes(&flow), [Cause::Table]);
    let mut all = stages();
    all.extend([(Stage::Api, trouble(60, 0, 10)), (Stage::Archiver, trouble(60, 0, 1))]);
    flow.outcomes = Some(RecentOutcomes::new(all, ago_s(0)));
    assert_eq!(causes(&flow), [Cause::Table, Cause::Queue, Cause::Archiver]);
    flow.host.disk = Some(DiskTrouble::Full);
    assert_eq!(causes(&flow), [Cause::Disk, Cause::Archiver], "the disk explains the table and the queue");
}

#[test]
fn a_failing_function_before_the_queue_is_not_taken_for_the_queue() {
    let stages = vec![(Stage::Api, trouble(60, 0, 10)), (Stage::Ingest, trouble(60, 0, 10))];
    let verdict = Verdict::of(&flow(stages));
    assert_eq!(verdict.incidents[0].cause, Cause::Ingest);
    let verdict = Verdict::of(&flow(vec![(Stage::Api, trouble(60, 0, 10))]));
    assert_eq!(verdict.incidents[0].cause, Cause::Queue);
    assert!(verdict.text.to_string().starts_with("Nothing accepted since"), "{}", verdict.text);
    assert!(verdict.deadline.to_string().starts_with("now: clients get an error"));
}

#[test]
fn slow_writes_degrade() {
    let mut periods = periods(1_200, 0, 0);
    let recent = periods.len() - 24;
    periods[recent..].iter_mut().for_each(|of| of.slow = of.ok);
    let verdict = Verdict::of(&flow(vec![(Stage::Table, periods)]));
    assert_eq!((verdict.state, verdict.incidents[0].cause), (VerdictState::Degrading, Cause::Table));
    assert!(verdict.text.to_string().starts_with("100 % of the writes to the table take longer than 250 ms"));
}

#[test]
fn a_loss_is_a_failure_also_while_all_parts_work() {
    let mut flow = flow(vec![(Stage::Table, periods(1_200, 0, 0))]);
    flow.ledger.accepted += 3;
    let verdict = Verdict::of(&flow);
    assert_eq!((verdict.state, verdict.incidents[0].cause), (VerdictState::Failing, Cause::Ledger));
    assert_eq!(verdict.loss.text.to_string(), "3 events of 172,434 accepted are unaccounted for");
    assert_eq!(verdict.loss.state, State::Bad);
}

#[test]
fn without_outcomes_averages_have_to_do() {
    let mut flow = healthy();
    let activity = flow.activity.get_or_insert_default();
    (activity.table.writes, activity.table.failed) = (0.0, 120.0);
    let verdict = Verdict::of(&flow);
    assert_eq!((verdict.state, verdict.incidents[0].cause), (VerdictState::Failing, Cause::Table));
    assert_eq!(verdict.evidence_age_s, None);
}

#[test]
fn every_action_names_a_runbook_that_exists() {
    let periods = trouble(120, 0, 10);
    let found = Trouble::failures(&periods, ago_s(0)).unwrap();
    let causes =
        [Cause::Table, Cause::Consumer, Cause::Queue, Cause::Ingest, Cause::Archiver, Cause::DeadLetters];
    for cause in causes {
        for kind in [TroubleKind::Fails, TroubleKind::Throttles, TroubleKind::Slow] {
            let action = words::action(cause, &Trouble { kind, ..found });
            let name = action.runbook.unwrap();
            assert!(crate::alarms::runbooks::page(name).is_some(), "{name}");
        }
    }
}
