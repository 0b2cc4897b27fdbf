//! The alarms' pages in different states, with made-up alarms over a real data folder.

use crate::harness::{Dashboard, NOW, Setup};
use http::StatusCode;
use jiff::{SignedDuration, Timestamp};
use spillway_core::names::Names;
use spillway_dashboard_app::ports::Ports;
use spillway_dashboard_model::ReadError;
use spillway_dashboard_model::alarms::{
    AlarmSource, AlarmState, AlarmStatus, Digest, DigestEntry, Limits, Notified, RuleName, RuleSet,
    Suppressed, Suppressor,
};
use spillway_testkit::ScriptedAlarms;
use std::sync::Arc;

fn ago(minutes: i64) -> Timestamp {
    NOW.parse::<Timestamp>().unwrap() - SignedDuration::from_mins(minutes)
}

fn rules() -> RuleSet {
    RuleSet::built_in(&Limits::built_in().unwrap()).unwrap()
}

fn alarms() -> ScriptedAlarms {
    ScriptedAlarms::new(rules(), &Names::default())
}

fn fires(alarms: ScriptedAlarms, rule: &str, minutes_ago: i64) -> ScriptedAlarms {
    let at = ago(minutes_ago);
    alarms.changed(rule, at, AlarmState::Alarm, "3 of the last 5 datapoints > 300", Notified::At(at))
}

/// A signed-in client of a dashboard with these alarms.
async fn with(alarms: ScriptedAlarms) -> Dashboard {
    let replace = |ports| Ports { alarms: Arc::new(alarms) as Arc<dyn AlarmSource>, ..ports };
    Dashboard::open(Setup { replace: Box::new(replace), ..Setup::default() }).await.signed_in().await
}

impl Dashboard {
    /// The main part of a page. Checks that it has nothing inline.
    async fn main(&self, path: &str) -> String {
        let page = self.page(path).await;
        let main = page.split_once("<main").unwrap().1.split_once("</main>").unwrap().0;
        assert!(!main.contains(" style=") && !main.contains("<script"), "{path} has something inline");
        main.to_owned()
    }

    /// The text of a page, without tags, in one line.
    async fn text(&self, path: &str) -> String {
        words(&self.main(path).await)
    }
}

fn words(html: &str) -> String {
    let mut text = String::new();
    for piece in html.split('<') {
        text.push(' ');
        text.push_str(piece.split_once('>').map_or(piece, |(_, text)| text));
    }
    let text = text.replace("&#x27;", "'").replace("&amp;", "&").replace("&gt;", ">").replace('\u{a0}', " ");
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[track_caller]
fn in_order(text: &str, words: &[&str]) {
    let mut rest = text;
    for word in words {
        let Some((_, after)) = rest.split_once(word) else {
            panic!("\"{word}\" is missing, or in the wrong order: {text}");
        };
        rest = after;
    }
}

#[tokio::test]
async fn active_alarms_come_first_then_cleared_ones_then_inactive_ones() {
    let alarms = fires(alarms().evaluated(ago(0)), "queue-age-low", 60);
    let alarms = fires(fires(alarms, "queue-age-high", 38), "table-throttles-low", 50);
    let cleared = "0 of the last 2 datapoints > 2";
    let alarms =
        alarms.changed("table-throttles-low", ago(20), AlarmState::Ok, cleared, Notified::At(ago(20)));
    let dashboard = with(alarms).await;
    let text = dashboard.text("/alarms").await;
    in_order(
        &text,
        &[
            "1 high alarm needs action now. 1 low.",
            "Active",
            "The oldest message has waited for more than half an hour.",
            "for 38 min , since 02:22:00 queue-age-high notified 02:22 3 of the last 5 datapoints > 300",
            "The oldest message has waited for more than five minutes.",
            "Cleared in this range",
            "cleared 20 min ago, after 30 min table-throttles-low",
            "OK",
            "API",
            "Last changes",
            "table-throttles-low cleared",
            "queue-age-high fired",
        ],
    );
    let overview = dashboard.text("/").await;
    in_order(
        &overview,
        &["unaccounted", "1 high alarm needs action now", "half an hour", "five minutes", "API"],
    );
    assert!(!overview.contains("table-throttles-low"), "cleared alarms are on the alarms' page");
}

#[tokio::test]
async fn filters_are_in_the_url_and_the_form_shows_them() {
    let alarms = fires(fires(alarms().evaluated(ago(0)), "queue-age-low", 60), "queue-age-high", 38);
    let dashboard = with(alarms).await;
    let page = dashboard.main("/alarms?tier=high&subsystem=queue&range=7d").await;
    assert!(page.contains("/alarms/queue-age-high?range=7d") && !page.contains("for more than five minutes"));
    assert!(page.contains("value=\"high\" selected") && page.contains("value=\"queue\" selected"), "{page}");
    assert!(page.contains("name=\"range\" value=\"7d\""), "the range stays");
    let none = dashboard.text("/alarms?state=alarm&subsystem=table").await;
    in_order(&none, &["No alarm matches these filters.", "Show all of them"]);
    let strange = dashboard.main("/alarms?tier=%3Cscript%3E&state=on+fire").await;
    assert!(strange.contains("queue-age-high") && !strange.contains("<script>"));
}

#[tokio::test]
async fn one_alarm_shows_problem_loss_and_action_before_the_evidence() {
    let alarms = fires(fires(alarms().evaluated(ago(0)), "queue-age-low", 63), "queue-age-high", 38);
    let dashboard = with(alarms).await;
    let text = dashboard.text("/alarms/queue-age-high?range=3h").await;
    in_order(
        &text,
        &[
            "In alarm for 38 min , since 02:22:00 : The oldest message has waited for more than half an hour.",
            "If nothing is done: Nothing is stored",
            "Is anything lost? No events have been accepted yet.",
            "Notified 02:22. High: notifies at once, at any hour.",
            "Queue metrics",
            "Runbook: Messages wait long in the queue",
            "First look",
            "Mitigate",
            "Escalate",
            "Meaning",
            "Measurements",
            "Changes",
            "fired",
            "The rule",
            "In alarm when 3 of the last 5 datapoints, of 1 min each, are over 30 min.",
            "Early warning queue-age-low in alarm It last fired 25 min before this alarm.",
        ],
    );
    let page = dashboard.main("/alarms/queue-age-high?range=3h").await;
    assert!(
        page.contains("high: 30\u{a0}min") && page.contains("low: 5\u{a0}min"),
        "both thresholds are drawn"
    );
    assert!(page.contains("alarm-shade high"), "and the time in alarm is shaded");
    assert!(page.contains("/metrics?range=3h&amp;stage=queue#age"), "the same chart among the others");
    assert!(page.contains("href=\"/runbooks/receive-count\""), "runbooks link to each other");
    assert!(!page.contains("href=\"/traces"), "and to no missing page");
}

#[tokio::test]
async fn a_composite_shows_its_parts() {
    let dashboard = with(alarms().evaluated(ago(0))).await;
    let text = dashboard.text("/alarms/availability-burn-14x-high").await;
    in_order(
        &text,
        &[
            ": OK. It has not been in alarm.",
            "Fires when: Errors use up the availability objective",
            "availability-burn-14x-long: Server errors in percent",
            "availability-burn-14x-short: Server errors in percent",
            "Nothing changed in this range.",
            "Parts availability-burn-14x-long OK a datapoint of 1 h is over 1.44 %",
        ],
    );
    let part = dashboard.text("/alarms/availability-burn-14x-long").await;
    in_order(
        &part,
        &["Part of a composite alarm; does not notify on its own.", "Part of availability-burn-14x-high"],
    );
}

#[tokio::test]
async fn a_held_back_alarm_shows_when_it_notifies() {
    let until = "2026-03-10T08:00:00Z".parse().unwrap();
    let held = AlarmStatus {
        state: AlarmState::Alarm,
        since: Some(ago(22)),
        notified: Some(Notified::Held(Some(until))),
        suppressed: Some(Suppressed { by: Suppressor::BusinessHours, until: Some(until) }),
        ..AlarmStatus::unevaluated(&RuleName::new("queue-age-low"))
    };
    let dashboard = with(alarms().evaluated(ago(0)).with_status(held)).await;
    let list = dashboard.text("/alarms").await;
    let verdict = "1 low alarm is active. It turns high if it gets worse.";
    in_order(&list, &[verdict, "for 22 min", "queue-age-low held back until 08:00"]);
    let one = dashboard.text("/alarms/queue-age-low").await;
    in_order(&one, &["In alarm for 22 min", "Held back until 08:00: outside business hours."]);
}

#[tokio::test]
async fn the_digest_lists_alarms_from_outside_business_hours() {
    let entry = |rule: &str, from, until: Option<i64>| DigestEntry {
        rule: RuleName::new(rule),
        from: ago(from),
        until: until.map(ago),
        reason: "2 of 2".to_owned(),
    };
    let digest = Digest {
        closed_at: Some(ago(16 * 60)),
        opened_at: ago(60),
        still_in_alarm: vec![entry("dlq-depth-low", 90, None)],
        cleared: vec![entry("queue-age-low", 300, Some(262))],
        muted: Vec::new(),
    };
    let dashboard = with(alarms().evaluated(ago(0)).with_digest(digest)).await;
    let text = dashboard.text("/alarms").await;
    in_order(
        &text,
        &[
            "While you were away Mon 11:00 to 02:00. 1 low alarm was in alarm at opening, 1 more had cleared.",
            "In alarm at opening",
            "since 01:30",
            "Fired and cleared",
            "for more than five minutes.",
            "Mon 22:00 to Mon 22:38, 38 min",
        ],
    );
}

#[tokio::test]
async fn stale_states_and_a_failing_source_are_reported() {
    let new = with(alarms()).await;
    let of_api = rules().iter().filter(|rule| rule.subsystem == "api").count();
    in_order(
        &new.text("/alarms").await,
        &[
            "The alarm rules have not been evaluated yet.",
            "All rules",
            &format!("API {of_api} without data"),
            "Nothing changed",
        ],
    );
    in_order(
        &new.text("/alarms/queue-age-high").await,
        &["Not evaluated yet.", "First look", "no data in this range"],
    );

    let stale = with(fires(alarms().evaluated(ago(42)), "queue-age-high", 50)).await;
    let text = stale.text("/alarms").await;
    in_order(&text, &["The alarm rules have not been evaluated for 42 min.", "Active", "for 50 min"]);
    in_order(
        &stale.text("/alarms/queue-age-high").await,
        &["The alarm rules have not been evaluated for 42 min. The state is from then.", "First look"],
    );

    let error = ReadError::Unavailable { reason: "alarms: the file is locked".into() };
    let failing = with(alarms().failing(error)).await;
    for path in ["/alarms", "/alarms/queue-age-high"] {
        let text = failing.text(path).await;
        in_order(&text, &["The alarms cannot be read now.", "the file is locked", "Try again"]);
    }
    let overview = failing.main("/").await;
    in_order(&words(&overview), &["The alarms cannot be read now:", "the file is locked"]);
    assert!(overview.contains("data-series="), "charts use another source");
}

#[tokio::test]
async fn thresholds_and_times_in_alarm_are_on_the_metrics_page() {
    let dashboard = with(fires(alarms().evaluated(ago(0)), "queue-age-high", 38)).await;
    let page = dashboard.main("/metrics?stage=queue&range=3h").await;
    let age = page.split_once("id=\"age\"").unwrap().1.split_once("</figure>").unwrap().0;
    assert!(age.contains("high: 30\u{a0}min") && age.contains("alarm-shade high"), "{age}");
    let sent = page.split_once("id=\"sent\"").unwrap().1.split_once("</figure>").unwrap().0;
    assert!(!sent.contains("alarm-shade") && !sent.contains("threshold"), "no rule watches that alone");
}

#[tokio::test]
async fn runbooks_have_pages_and_unknown_names_have_none() {
    let dashboard = with(fires(alarms().evaluated(ago(0)), "queue-age-high", 38)).await;
    let text = dashboard.text("/runbooks/queue-age").await;
    in_order(
        &text,
        &["Messages wait long in the queue", "Meaning", "Mitigate", "Alarms that link here", "for 38 min"],
    );
    for unknown in ["/alarms/no-such-alarm", "/runbooks/no-such-page", "/runbooks/..%2F..%2FREADME"] {
        assert_eq!(dashboard.get(unknown).await.status(), StatusCode::NOT_FOUND, "{unknown}");
    }
}
