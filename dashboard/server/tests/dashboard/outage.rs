//! Pages while every write to the table fails, and no average says so yet.

use crate::harness::{Dashboard, NOW, ORIGIN, Setup, header};
use async_trait::async_trait;
use http::{Request, StatusCode, header as name};
use jiff::{SignedDuration, Timestamp};
use spillway_core::Pipeline;
use spillway_core::failure::FailureClass;
use spillway_core::ledger::Ledger;
use spillway_core::ports::{LedgerError, LedgerReader, QueueKind};
use spillway_dashboard_app::ports::Ports;
use spillway_dashboard_model::flow::{FlowSnapshots, FlowSources, QueueReader, QueueSnapshot};
use spillway_dashboard_model::{
    Freshness, MetricQuery, MetricReader, Period, ReadError, Reading, Series, TimeRange,
};
use spillway_testkit::letters;
use std::sync::Arc;
use std::time::Duration;

/// Since a minute every write fails and every record is retried. Before, two a second were stored.
struct Outage;

fn now() -> Timestamp {
    NOW.parse().unwrap()
}

#[async_trait]
impl MetricReader for Outage {
    async fn read(
        &self,
        queries: &[MetricQuery],
        range: TimeRange,
        period: Period,
    ) -> Result<Reading, ReadError> {
        let seconds = i64::from(period.seconds());
        let per_period = 2.0 * seconds as f64;
        let series = queries.iter().map(|query| {
            let mut series = Series::empty(range, period);
            let start = series.start.as_second();
            for (position, point) in (0..).zip(&mut series.points) {
                let ago = now().as_second() - (start + position * seconds);
                let fails = ago <= 60;
                *point = match &*query.metric.name {
                    _ if ago <= 0 => None,
                    "SystemErrors" | "RecordsRetried" if fails => Some(per_period),
                    "SuccessfulRequestLatency" | "RecordsStored" if !fails => Some(per_period),
                    "Count" | "Invocations" | "EventsAccepted" => Some(per_period),
                    _ => None,
                };
            }
            Arc::new(series)
        });
        Ok(Reading { series: series.collect(), freshness: Freshness { read_at: now(), error: None } })
    }
}

#[async_trait]
impl LedgerReader for Outage {
    async fn ledger(&self) -> Result<Ledger, LedgerError> {
        Ok(Ledger { accepted: 10_121, stored: 10_000, in_flight: 120, archived: 1, ..Ledger::default() })
    }
}

#[async_trait]
impl QueueReader for Outage {
    async fn snapshot(&self, queue: QueueKind) -> Result<QueueSnapshot, ReadError> {
        Ok(match queue {
            QueueKind::Dlq => QueueSnapshot::default(),
            QueueKind::Primary => QueueSnapshot {
                not_visible: 120,
                oldest_sent_at: Some(now() - SignedDuration::from_secs(60)),
                first_dead_letter_at: Some(now() + SignedDuration::from_secs(10_740)),
                ..QueueSnapshot::default()
            },
        })
    }
}

async fn dashboard() -> Dashboard {
    let replace = |ports: Ports| {
        let sources = FlowSources {
            pipeline: Pipeline { ledger: Arc::new(Outage), ..ports.pipeline.clone() },
            queues: Arc::new(Outage),
            metrics: Arc::new(Outage),
            has_short_periods: true,
            host: None,
        };
        let flow = Arc::new(FlowSnapshots::new(sources, Duration::ZERO));
        Ports { flow, metrics: Arc::new(Outage), ..ports }
    };
    let dashboard = Dashboard::open(Setup { replace: Box::new(replace), ..Setup::default() }).await;
    let letter = letters::letter(1, "order.placed", FailureClass::Schema, "/amount: not a number");
    letters::put(&*dashboard.pipeline.workers.sink, &[letter]).await;
    dashboard.signed_in().await
}

/// The texts of the elements of a page, each on a line.
fn text(html: &str) -> String {
    let mut text = String::new();
    for part in html.split('<') {
        text.push_str(part.split_once('>').map_or(part, |(_, shown)| shown));
    }
    text
}

/// A stage of the diagram, with its tags.
fn stage<'a>(page: &'a str, title: &str) -> &'a str {
    let end = page.find(&format!(">{title}</a>")).unwrap();
    let start = page[..end].rfind("<div ").unwrap();
    let length = page[end..].find("</div>").unwrap();
    &page[start..end + length]
}

#[tokio::test]
async fn a_minute_into_an_outage_the_whole_page_says_so() {
    let page = dashboard().await.page("/").await;
    let shown = text(&page);
    assert!(shown.contains("Failing: ") && shown.contains("every write to the table fails"), "{shown}");
    assert!(shown.contains("Evidence: 0 s old"), "{shown}");
    let table = stage(&page, "Table");
    assert!(table.contains("data-tone=\"bad\"") && table.contains("every write fails"), "{table}");
    let consumer = stage(&page, "Consumer λ");
    assert!(consumer.contains("data-tone=\"warning\"") && consumer.contains("all retried"), "{consumer}");
    assert!(stage(&page, "Queue").contains("data-tone=\"warning\""), "{page}");
    assert!(stage(&page, "API").contains("data-tone=\"good\""));
    assert!(shown.contains("Rates and errors: the last 1 min"), "{shown}");
    let into_the_table = page.split("stage=consumer#records").nth(1).unwrap();
    assert!(into_the_table.contains(">0/s<"), "nothing reaches the table: {into_the_table}");
    assert!(!shown.contains("business hours"));
}

#[tokio::test]
async fn a_replay_into_an_outage_is_refused_unless_somebody_insists() {
    let dashboard = dashboard().await;
    let asked = "/dead-letters/replay?all=matching&type=order.placed";
    let page = dashboard.page(asked).await;
    let shown = text(&page);
    assert!(shown.contains("A replay would not get through now. Nothing stored since"), "{shown}");
    assert!(page.contains("name=\"anyway\"") && !page.contains("button primary\">Replay"), "{page}");
    assert!(!page.contains("class=\"status\" data-tone=\"good\""), "no green tick: {page}");
    let hidden = |name: &str| {
        let (_, rest) = page.split_once(&format!("name=\"{name}\" value=\"")).unwrap();
        rest.split_once('"').unwrap().0.replace("&amp;", "&")
    };
    let encoded = |text: String| text.bytes().map(|byte| format!("%{byte:02X}")).collect::<String>();
    let form = format!("matching={}&first={}", encoded(hidden("matching")), encoded(hidden("first")));
    let post = async |form: &str| {
        let request = Request::post("/actions/replay")
            .header(name::ORIGIN, ORIGIN)
            .header(name::REFERER, format!("{ORIGIN}{asked}"))
            .header(name::ACCEPT, "text/html,application/xhtml+xml");
        let answer = dashboard.send_form(request, form).await;
        assert_eq!(answer.status(), StatusCode::FOUND);
        header(&answer, "location").trim_start_matches(ORIGIN).to_owned()
    };
    let refused = post(&form).await;
    assert!(refused.starts_with(asked), "{refused}");
    let why = text(&dashboard.page(&refused).await);
    assert!(why.contains("Nothing was replayed: it would not be stored now"), "{why}");
    let started = post(&format!("{form}&anyway=true")).await;
    assert!(started.starts_with("/replays/"), "{started}");
    let replay = dashboard.page(&started).await;
    let shown = text(&replay);
    assert!(shown.contains("No progress: Nothing stored since"), "it says why: {shown}");
    assert!(replay.contains("class=\"rp-stored\"") && replay.contains("url(#rp-hatch)"), "{replay}");
}

#[tokio::test]
async fn a_past_range_is_apart_from_now() {
    let dashboard = dashboard().await;
    let past = dashboard.page("/?from=2026-03-09T04:30:00Z&to=2026-03-09T06:30:00Z").await;
    let (now, then) = (past.find("id=\"now\"").unwrap(), past.find("id=\"over-time\"").unwrap());
    assert!(now < then && past.contains("band-past") && text(&past).contains("not now"));
    assert!(!past.contains("pipeline-spark"), "no curve of that time in the diagram of now");
    let metrics =
        dashboard.page("/metrics?stage=queue&from=2026-03-09T04:30:00Z&to=2026-03-09T06:30:00Z").await;
    assert!(metrics.find("id=\"now\"").unwrap() < metrics.find("id=\"over-time\"").unwrap());
    assert!(!dashboard.page("/").await.contains("band-past"));
}

#[tokio::test]
async fn an_empty_system_shows_the_first_step() {
    let dashboard = Dashboard::open(Setup::default()).await.signed_in().await;
    let shown = text(&dashboard.page("/").await);
    assert!(shown.contains("Send the first event") && shown.contains("curl -d"), "{shown}");
    assert!(!text(&self::dashboard().await.page("/").await).contains("Send the first event"));
}
