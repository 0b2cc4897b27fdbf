//! Incidents: kept over a restart, notified once, and silent while they are muted.

use super::disk::{REFUSE, TAKE, set};
use super::support::{Bench, minute, options, start};
use crate::alarms::{LINK_BASE, WatchOptions};
use jiff::SignedDuration;
use spillway_alerts::incidents::{Act, Incident, IncidentId, MuteKind, News, NoticeOutcome, Response};
use spillway_alerts::{AlarmState::Alarm, NotNotified, Notified};
use spillway_core::ports::AuditNote;

const HOUR: i64 = 60;
const DAY: i64 = 24 * HOUR;

impl Bench {
    /// Does something about an incident, as a page does.
    async fn act(&self, id: &IncidentId, act: Act, at: i64) {
        let ops = &self.pipeline.ports.ops;
        let documents = ops.documents(&[id.document()]).await.unwrap();
        let mut response = Response::by_incident(&documents).remove(id).unwrap_or_default();
        let detail = response.apply(&act, "ada", minute(at)).unwrap();
        let note = AuditNote { at: minute(at), by: "ada".to_owned(), action: act.name(), detail };
        let before = documents.get(&id.document()).map(String::as_str);
        let entry = note.about(id.as_str());
        assert!(ops.replace_document(&id.document(), before, &response.document(), &entry).await.unwrap());
    }

    async fn incidents(&self) -> Vec<Incident> {
        self.pipeline.local.alarms.incidents(100).await.unwrap()
    }
}

fn outcomes(incident: &Incident) -> Vec<(News, NoticeOutcome)> {
    incident.notices.iter().map(|notice| (notice.news, notice.outcome)).collect()
}

#[tokio::test]
async fn an_incident_is_kept_over_a_restart_and_notified_once() {
    let dir = tempfile::tempdir().unwrap();
    let bench = Bench::open(dir.path(), start()).await;
    bench.pipeline.local.note(LINK_BASE, "http://127.0.0.1:3000").await.unwrap();
    bench.ages(0, 20, 400.0);
    bench.ages(20, 20, 2_000.0);
    bench.ages(40, 20, 5.0);
    bench.watch(options()).await.evaluate(bench.until(10)).await.unwrap();
    // A restart, after which the high twin fires.
    let mut watch = bench.watch(options()).await;
    assert_eq!(watch.evaluate(bench.until(30)).await.unwrap().len(), 1, "it escalates");
    watch.evaluate(bench.until(60)).await.unwrap();
    let incidents = bench.incidents().await;
    let [incident] = &incidents[..] else { panic!("{incidents:?}") };
    assert_eq!((incident.id.as_str(), incident.began), ("20260302-0903", minute(3)));
    assert_eq!(
        outcomes(incident),
        [News::Opened, News::Escalated, News::Over].map(|news| (news, NoticeOutcome::Sent))
    );
    assert_eq!(bench.pipeline.local.alarms.incident(&incident.id).await.unwrap().as_ref(), Some(incident));
    let sent = bench.pipeline.local.alarms.deliveries(&incident.id).await.unwrap();
    assert_eq!(sent.len(), 3, "{sent:?}");
    let documents = bench.pipeline.local.alarms.messages("alarm", 10).await.unwrap();
    for document in &documents {
        assert_eq!(document["incident_link"], "http://127.0.0.1:3000/incidents/20260302-0903", "{document}");
        assert!(document["text"].as_str().unwrap().ends_with("/incidents/20260302-0903"), "{document}");
    }
    let low_clears =
        bench.changes().await.into_iter().find(|change| change.0 == 43 && change.1 == "queue-age-low");
    assert_eq!(low_clears.map(|change| change.3), Some(Notified::Never(NotNotified::KnownIncident)));
}

#[tokio::test]
async fn a_muted_incident_is_silent_until_the_mute_is_over_and_is_in_the_digest() {
    let dir = tempfile::tempdir().unwrap();
    let bench = Bench::open(dir.path(), start()).await;
    // From Monday 15:00 on, and it does not end.
    let began = 6 * HOUR;
    bench.ages(0, began, 5.0);
    bench.ages(began, 100, 2_000.0);
    bench.ages(began + 100, 10, 5.0);
    bench.ages(began + 110, DAY, 2_000.0);
    let mut watch = bench.watch(options()).await;
    assert_eq!(watch.evaluate(bench.until(began + 5)).await.unwrap().len(), 1);
    let id = bench.incidents().await[0].id.clone();
    let span = SignedDuration::from_hours(20);
    let mute = Act::Mute(MuteKind::PlannedWork, Some(span), "a new disk".to_owned());
    bench.act(&id, mute, began + 5).await;
    // It clears and comes back, and nobody hears of it.
    let silent = watch.evaluate(bench.until(DAY - 1)).await.unwrap();
    assert_eq!(silent, [], "muted");
    let at_opening = watch.evaluate(bench.until(DAY)).await.unwrap();
    assert_eq!(at_opening.len(), 1, "{at_opening:?}");
    let digest = bench.pipeline.local.alarms.last_digest().await.unwrap().unwrap();
    let [muted] = &digest.muted[..] else { panic!("{digest:?}") };
    assert_eq!((&muted.incident, muted.by.as_str(), muted.reason.as_str()), (&id, "ada", "a new disk"));
    // The mute ends on Tuesday at 11:05.
    let over = watch.evaluate(bench.until(DAY + 3 * HOUR)).await.unwrap();
    assert_eq!(over.len(), 1, "the mute is over, the incident is not: {over:?}");
    let entries = bench.pipeline.ports.ops.entries(Some(id.as_str()), 10).await.unwrap();
    assert_eq!(entries[0].action, "incident mute");
}

#[tokio::test]
async fn what_is_simulated_is_an_incident_that_notified_nobody() {
    let dir = tempfile::tempdir().unwrap();
    let bench = Bench::open(dir.path(), start()).await;
    bench.ages(0, 10, 2_000.0);
    bench.ages(10, 10, 5.0);
    let silent = WatchOptions { silent: true, ..options() };
    bench.watch(silent).await.evaluate(bench.until(20)).await.unwrap();
    let incidents = bench.incidents().await;
    assert_eq!(
        outcomes(&incidents[0]),
        [News::Opened, News::Over].map(|news| (news, NoticeOutcome::Simulated))
    );
    assert!(
        bench
            .changes()
            .await
            .iter()
            .any(|change| { change.2 == Alarm && change.3 == Notified::Never(NotNotified::Simulated) })
    );
}

#[tokio::test]
async fn while_nothing_can_be_written_incidents_are_in_memory_and_notify() {
    let dir = tempfile::tempdir().unwrap();
    let bench = Bench::live(dir.path(), start()).await;
    let mut watch = bench.watch(options()).await;
    bench.ages(0, 10, 2_000.0);
    set(&bench, REFUSE).await;
    assert_eq!(watch.evaluate(bench.until(10)).await.unwrap().len(), 1);
    assert_eq!(bench.incidents().await.len(), 1);
    set(&bench, TAKE).await;
    bench.ages(10, 10, 5.0);
    watch.evaluate(bench.until(20)).await.unwrap();
    assert!(!bench.incidents().await[0].is_active());
}
