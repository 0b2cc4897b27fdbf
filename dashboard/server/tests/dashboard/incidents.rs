//! The pages about incidents, with made-up alarms, and their forms as a browser without JavaScript sends them.

use crate::harness::{Dashboard, NOW, ORIGIN, Setup, header, text};
use http::{Request, StatusCode};
use jiff::{SignedDuration, Timestamp};
use spillway_core::names::Names;
use spillway_core::ports::Clock;
use spillway_dashboard_app::ports::Ports;
use spillway_dashboard_model::alarms::{AlarmSource, AlarmState, Limits, Notified, RuleSet};
use spillway_dashboard_model::incidents::{
    CachedIncidents, DerivedIncidents, IncidentId, IncidentSource as _,
};
use spillway_testkit::{ManualClock, ScriptedAlarms};
use std::sync::Arc;
use std::time::Duration;

fn ago(minutes: i64) -> Timestamp {
    NOW.parse::<Timestamp>().unwrap() - SignedDuration::from_mins(minutes)
}

/// Alarms that fire (`true`) or clear, each some minutes ago, and a signed-in client.
async fn with(changes: &[(&str, i64, bool)]) -> Dashboard {
    let rules = RuleSet::built_in(&Limits::built_in().unwrap()).unwrap();
    let mut alarms = ScriptedAlarms::new(rules, &Names::default()).evaluated(ago(0));
    for (rule, minutes, fires) in changes {
        let state = if *fires { AlarmState::Alarm } else { AlarmState::Ok };
        let at = ago(*minutes);
        alarms = alarms.changed(rule, at, state, "3 of the last 5 datapoints are over 1", Notified::At(at));
    }
    let alarms: Arc<dyn AlarmSource> = Arc::new(alarms);
    let clock: Arc<dyn Clock> = Arc::new(ManualClock::at(NOW.parse().unwrap()));
    let incidents = Arc::new(DerivedIncidents::new(Arc::clone(&alarms), Arc::clone(&clock)));
    let replace = move |ports: Ports| {
        let incidents = Arc::new(CachedIncidents::new(incidents, &ports.pipeline, Duration::ZERO));
        Ports { alarms, incidents, ..ports }
    };
    let setup = Setup { clock, replace: Box::new(replace), ..Setup::default() };
    Dashboard::open(setup).await.signed_in().await
}

/// A store outage that began at 02:30, with its symptoms.
const OUTAGE: [(&str, i64, bool); 4] = [
    ("table-system-errors-low", 30, true),
    ("records-retried-low", 29, true),
    ("table-system-errors-high", 20, true),
    ("records-retried-high", 11, true),
];
const ID: &str = "20260310-0230";
const PAGE: &str = "/incidents/20260310-0230";

impl Dashboard {
    /// Sends a form of the incident's page. Returns where it leads.
    async fn respond(&self, from: &str, form: &str) -> String {
        let request = Request::post("/actions/incident")
            .header("origin", ORIGIN)
            .header("accept", "text/html")
            .header("referer", format!("{ORIGIN}{from}"));
        let answer = self.send_form(request, form).await;
        assert_eq!(answer.status(), StatusCode::FOUND, "{}", header(&answer, "location"));
        let place = header(&answer, "location").to_owned();
        place.strip_prefix(ORIGIN).unwrap_or(&place).to_owned()
    }
}

#[tokio::test]
async fn a_fault_is_one_incident_with_its_cause_its_symptoms_and_its_timeline() {
    let dashboard = with(&OUTAGE).await;
    let list = dashboard.page("/incidents").await;
    assert!(list.contains("1 incident is active, 1 of them with a high alarm."), "{list}");
    assert!(list.contains("4 alarms") && list.contains("not taken yet"), "{list}");
    assert_eq!(list.matches("data-row").count(), 1, "one fault is one row");
    let page = dashboard.page(PAGE).await;
    let main = page.split_once("<main").unwrap().1.split_once("</main>").unwrap().0;
    assert!(!main.contains(" style=") && !main.contains("<script"), "nothing is inline");
    let place = |text: &str| main.find(text).unwrap_or_else(|| panic!("{text} is missing: {main}"));
    // The verdict card comes first, then what can be done, then the evidence.
    let order = [
        "class=\"verdict\"",
        "I have it",
        "Root cause",
        "2 symptoms of the same cause",
        "Alarms over time",
        "What happened",
    ];
    let places: Vec<_> = order.iter().map(|text| place(text)).collect();
    assert!(places.is_sorted(), "{places:?}");
    assert_eq!(main.matches("class=\"strip-bar\"").count(), 4);
    // Links show the time from twenty minutes before it began until now.
    assert!(main.contains("from=2026-03-10T02:10:00Z&amp;to=2026-03-10T03:00:00Z"), "{main}");
    assert!(main.contains("The incident escalated to high: notified"), "{main}");
}

#[tokio::test]
async fn an_incident_is_taken_in_two_taps_from_overview_and_given_back() {
    let dashboard = with(&OUTAGE).await;
    let overview = dashboard.page("/").await;
    assert!(overview.contains("I have it") && overview.contains(PAGE), "{overview}");
    let place = dashboard.respond("/", &format!("id={ID}&act=ack&name=ada")).await;
    assert!(place.starts_with(&format!("{PAGE}?__done=taken&__at=")), "{place}");
    let page = dashboard.page(&place).await;
    assert!(page.contains("You have it, until it clears.") && page.contains("Undo"), "{page}");
    assert!(page.contains("taken by ada via dashboard"), "{page}");
    assert!(!dashboard.page("/").await.contains("I have it"), "somebody has it");
    let place = dashboard.respond(&place, &format!("id={ID}&act=release")).await;
    assert!(dashboard.page(&place).await.contains("not taken yet"));
    let entries = dashboard.pipeline.ports.ops.entries(Some(ID), 10).await.unwrap();
    let actions: Vec<_> = entries.iter().map(|entry| (entry.action.as_str(), entry.by.as_str())).collect();
    assert_eq!(
        actions,
        [("incident release", "operator via dashboard"), ("incident ack", "ada via dashboard")]
    );
}

#[tokio::test]
async fn an_incident_is_muted_with_an_end_and_noted_and_each_is_undone() {
    let dashboard = with(&OUTAGE).await;
    let place =
        dashboard.respond(PAGE, &format!("id={ID}&act=mute&kind=for-a-time&hours=4&text=release")).await;
    let page = dashboard.page(&place).await;
    assert!(page.contains("muted until 07:00") && page.contains("release"), "{page}");
    let place = dashboard.respond(&place, &format!("id={ID}&act=unmute")).await;
    assert!(dashboard.page(&place).await.contains("It notifies again."));
    let place = dashboard.respond(PAGE, &format!("id={ID}&act=note&text=%3Cb%3Erestarted")).await;
    let page = dashboard.page(&place).await;
    assert!(page.contains("&lt;b&gt;restarted") && page.contains("1 note"), "escaped: {page}");
    let at = place.split_once("__at=").unwrap().1;
    let place = dashboard.respond(&place, &format!("id={ID}&act=remove-note&at={at}")).await;
    assert!(!dashboard.page(&place).await.contains("restarted"));
}

#[tokio::test]
async fn what_makes_no_sense_is_explained_and_changes_nothing() {
    let dashboard = with(&OUTAGE).await;
    for (form, why) in [
        ("act=mute&kind=for-a-time", "A mute lasts from a minute to seven days."),
        ("act=mute&kind=for-a-time&hours=1000", "A mute lasts from a minute to seven days."),
        ("act=mute&kind=planned-work&hours=1", "Planned work needs a reason."),
        ("act=note&text=+", "The note is empty."),
        ("act=unmute", "There is nothing to undo"),
        ("act=dance", "The form could not be read."),
    ] {
        let place = dashboard.respond(PAGE, &format!("id={ID}&{form}")).await;
        let page = dashboard.page(&place).await;
        assert!(page.contains(why), "{form}: {page}");
    }
    let place = dashboard.respond(PAGE, "id=20200101-0000&act=ack").await;
    assert!(dashboard.page(&place).await.contains("There is no such incident."));
    assert_eq!(dashboard.pipeline.ports.ops.entries(None, 10).await.unwrap(), []);
    let forged = dashboard
        .send_form(Request::post("/actions/incident").header("origin", "https://evil.example"), "act=ack");
    assert_eq!(forged.await.status(), StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn an_incident_that_is_over_says_so_and_has_nothing_to_take() {
    let mut changes = OUTAGE.to_vec();
    changes.extend(OUTAGE.iter().map(|(rule, ..)| (*rule, 5, false)));
    let dashboard = with(&changes).await;
    let page = dashboard.page(PAGE).await;
    assert!(page.contains("over since ") && !page.contains("I have it"), "{page}");
    assert!(dashboard.page("/incidents").await.contains("No incident is active."));
    let answer = dashboard.get("/incidents/nothing").await;
    assert_eq!(answer.status(), StatusCode::NOT_FOUND);
    assert!(text(answer).await.contains("There is no incident with this id."));
    assert!(with(&[]).await.page("/incidents").await.contains("No incident has ended yet."));
}

#[tokio::test]
async fn what_fires_in_one_minute_is_one_incident_with_its_root_cause() {
    let rules = RuleSet::built_in(&Limits::built_in().unwrap()).unwrap();
    let mut alarms = ScriptedAlarms::new(rules, &Names::default());
    // CloudWatch evaluates the symptom some seconds before its cause.
    for (rule, seconds) in [("availability-burn-14x-high", 55), ("api-5xx-high", 19), ("queue-age-low", -400)]
    {
        let at = ago(30) - SignedDuration::from_secs(seconds);
        alarms = alarms.changed(rule, at, AlarmState::Alarm, "why", Notified::At(at));
    }
    let source = DerivedIncidents::new(Arc::new(alarms), Arc::new(ManualClock::at(ago(0))));
    let found = source.incidents(10).await.unwrap();
    let ids: Vec<_> = found.iter().map(|one| (one.id.as_str(), &*one.cause)).collect();
    assert_eq!(ids, [("20260310-0236", "queue-age"), ("20260310-0229", "api-5xx")]);
    assert_eq!(found[1].high_alerts(), 1);
    assert_eq!(source.sent(&found[1].id).await.unwrap().len(), 1);
    assert_eq!(source.incident(&IncidentId::new("20200101-0000")).await.unwrap(), None);
}
