use super::*;
use futures::FutureExt;
use spillway_core::names::Names;
use spillway_dashboard_model::alarms::{AlarmSource, BusinessHours, Limits, RuleSet};
use spillway_testkit::ScriptedAlarms;

fn rules() -> RuleSet {
    RuleSet::built_in(&Limits::built_in().unwrap()).unwrap()
}

fn at(minute: i64) -> Timestamp {
    "2026-03-10T02:00:00Z".parse::<Timestamp>().unwrap() + jiff::SignedDuration::from_mins(minute)
}

fn page(minute: i64) -> Page {
    Page::of("/alarms", "", "", at(minute))
}

#[track_caller]
fn check_condition(rule: &str, expected: &str) {
    let rules = rules();
    assert_eq!(condition(rules.get(rule).unwrap().metric().unwrap()).replace('\u{a0}', " "), expected);
}

#[test]
fn a_rule_is_described_in_words() {
    check_condition("queue-age-high", "3 of the last 5 datapoints, of 1 min each, are over 30 min");
    check_condition("api-5xx-few-low", "2 of the last 3 datapoints, of 5 min each, are over 25 %");
    check_condition("availability-burn-14x-long", "a datapoint of 1 h is over 1.44 %");
    check_condition("budget-actual-high", "a datapoint of 1 h is over 100 %");
    check_condition("api-requests-few-high", "6 datapoints in a row, of 5 min each, are under 6");
    check_condition("receive-count-low", "one of the last 4 datapoints, of 15 min each, is at or over 5");
}

#[track_caller]
fn check_reason(rule: &str, values: &[Option<f64>], expected: &str) {
    let rules = rules();
    assert_eq!(reason(rules.get(rule).unwrap().metric().unwrap(), values).replace('\u{a0}', " "), expected);
}

#[test]
fn a_reason_has_the_deciding_numbers() {
    check_reason(
        "queue-age-high",
        &[Some(60.0), Some(1_900.0), Some(2_000.0), Some(2_100.0), Some(2_280.0)],
        "Over 30 min in 4 of the last 5 minutes (now 38 min); fires at 3.",
    );
    check_reason(
        "queue-age-high",
        &[None, None, Some(5.0)],
        "Over 30 min in 0 of the last 5 minutes, 4 without data (now 5 s); fires at 3.",
    );
    check_reason("queue-age-high", &[None; 5], "No data in the last 5 min.");
    check_reason("budget-actual-high", &[Some(104.0)], "Over 100 % in the last 1 h (now 104 %).");
}

#[track_caller]
fn check_overall(alarms: ScriptedAlarms, minute: i64, tone: Tone, expected: &str) {
    let now = alarms.now().now_or_never().unwrap().unwrap();
    let Overall { tone: said, text, more, .. } = overall(&now, at(minute), None);
    assert_eq!((said, format!("{text} {}", more.unwrap_or_default()).trim()), (tone, expected));
}

#[test]
fn the_verdict_describes_all_alarms() {
    let new = || ScriptedAlarms::new(rules(), &Names::default());
    let fires = |alarms: ScriptedAlarms, rule: &str| {
        alarms.changed(rule, at(0), AlarmState::Alarm, "", Notified::At(at(0)))
    };
    let count = rules().len();
    check_overall(
        new(),
        0,
        Tone::Unknown,
        &format!(
            "The alarm rules have not been evaluated yet. {count} rules wait. The running pipeline evaluates them every minute."
        ),
    );
    check_overall(
        new().evaluated(at(0)),
        1,
        Tone::Good,
        &format!("No alarm is active. {count} rules, evaluated 1 min ago."),
    );
    let cleared =
        fires(new(), "api-5xx-low").changed("api-5xx-low", at(2), AlarmState::Ok, "", Notified::At(at(2)));
    check_overall(
        cleared.evaluated(at(20)),
        20,
        Tone::Good,
        &format!(
            "No alarm is active. {count} rules, evaluated now. The last to clear was api-5xx-low, 18 min ago."
        ),
    );
    let low = fires(new().evaluated(at(0)), "queue-age-low");
    check_overall(low, 0, Tone::Warning, "1 low alarm is active. It turns high if it gets worse.");
    let both = fires(fires(new().evaluated(at(0)), "queue-age-low"), "queue-depth-low");
    check_overall(both, 0, Tone::Warning, "2 low alarms are active. 1 of them turns high if it gets worse.");
    let both = fires(fires(new().evaluated(at(0)), "queue-age-low"), "queue-age-high");
    check_overall(both, 0, Tone::Bad, "1 high alarm needs action now. 1 low.");
    let stopped = fires(new().evaluated(at(0)), "queue-age-high");
    check_overall(
        stopped,
        12,
        Tone::Warning,
        "The alarm rules have not been evaluated for 12 min. The states below are from then. Is the pipeline running?",
    );
}

#[test]
fn low_alarms_wait_only_if_the_calendar_says_so_and_nothing_fails() {
    let low = |hours: Option<BusinessHours>, verdict| {
        let alarms = ScriptedAlarms::new(rules(), &Names::default()).evaluated(at(0)).changed(
            "api-4xx-low",
            at(0),
            AlarmState::Alarm,
            "",
            Notified::At(at(0)),
        );
        let now = AlarmsNow { hours, ..alarms.now().now_or_never().unwrap().unwrap() };
        overall(&now, at(0), verdict).text
    };
    // It is two in the night of a Tuesday.
    let hours = |open: &str, close: &str| {
        let config = serde_json::json!({"zone": "UTC", "days": ["tuesday"], "open": open, "close": close});
        Some(BusinessHours::new(&serde_json::from_value(config).unwrap()).unwrap())
    };
    let said = "1 low alarm is active";
    let of_day = || hours("09:00:00", "17:00:00");
    assert_eq!(low(of_day(), None), format!("{said}: look at it in business hours."));
    assert_eq!(low(hours("01:00:00", "09:00:00"), None), format!("{said}: look at it today."));
    assert_eq!(low(None, Some(VerdictState::Healthy)), format!("{said}: look at it today."));
    for state in [VerdictState::Failing, VerdictState::Degrading, VerdictState::Recovering] {
        let text = low(of_day(), Some(state));
        assert!(!text.contains("business hours") && !text.contains("today"), "{text}");
    }
}

#[test]
fn the_result_of_a_notification_has_its_time() {
    let said = |one: Notified| notified(&one, &page(0));
    assert_eq!(said(Notified::At(at(0))), "notified 02:00");
    let monday = "2026-03-16T09:00:00Z".parse().unwrap();
    assert_eq!(said(Notified::Held(Some(monday))), "held back until Mon 16 Mar 09:00");
    assert_eq!(said(Notified::Held(Some(at(60 * 31)))), "held back until Wed 09:00");
    assert_eq!(said(Notified::InDigest(at(-60 * 17))), "notified in the digest of Mon 09:00");
    let failed = Notified::Failed { at: at(0), reason: "the webhook answers 500".into() };
    assert_eq!(said(failed), "notifying failed 02:00: the webhook answers 500");
}

#[test]
fn active_and_cleared_alarms_have_their_duration() {
    let alarms = ScriptedAlarms::new(rules(), &Names::default()).evaluated(at(0)).changed(
        "queue-age-low",
        at(0),
        AlarmState::Alarm,
        "",
        Notified::At(at(0)),
    );
    let status = |alarms: &ScriptedAlarms| {
        alarms.now().now_or_never().unwrap().unwrap().status("queue-age-low").unwrap().clone()
    };
    assert_eq!(since(&status(&alarms), at(38)).unwrap(), "for 38 min");
    let alarms = alarms.changed("queue-age-low", at(12), AlarmState::Ok, "", Notified::At(at(12)));
    assert_eq!(since(&status(&alarms), at(192)).unwrap(), "cleared 3 h ago, after 12 min");
}

#[test]
fn subsystems_have_readable_headings() {
    assert_eq!(["api", "dead_letters", "queue"].map(subsystem), ["API", "Dead letters", "Queue"]);
}
