//! Pages on the sources of a deployment in AWS, and what they cost. The services are in memory. They answer on the wire as the
//! services' references say, with recorded changes of alarms, datapoints, depths of queues, and segments of a trace.

use crate::harness::{HOST, NOW, session_cookie, text};
use axum::{Router, body::Body};
use futures::future::join_all;
use http::{Request, StatusCode, header};
use serde_json::{Value, json};
use spillway_aws::DynamoReplayReports;
use spillway_aws::fake::FakeAws;
use spillway_aws::operator::{Deployment, archive_names};
use spillway_aws::topology::Topology;
use spillway_core::dead_letter::DeadLetter;
use spillway_core::failure::FailureClass;
use spillway_core::ids::{EventKey, ReplayId};
use spillway_core::metric::MetricId;
use spillway_core::ports::{Clock, DeadLetterSink as _, ReplayReports as _, StoreItem};
use spillway_dashboard_pages::PAGES;
use spillway_dashboard_server::{Assets, Deps, InMemoryTokens, Sessions, Tokens as _, aws, router};
use spillway_embedded::listener::Hosts;
use spillway_testkit::{ManualClock, letters};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tower::ServiceExt as _;

/// The most calls for the first page of a dashboard that has just started.
const FIRST: usize = 25;
/// The most calls for a page that stays open for a minute.
const A_MINUTE: usize = 30;
/// Groups of dead letters.
const GROUPS: i64 = 10;
/// Letters that are put into the archive at once.
const AT_ONCE: usize = 1_000;

/// A deployment with a stored event and dead letters in several groups. One is being replayed, one was replayed and stored,
/// and two were discarded.
struct Cloud {
    aws: FakeAws,
    clock: Arc<ManualClock>,
    deployment: Deployment,
    ids: [(&'static str, String); 4],
}

impl Cloud {
    async fn start() -> Self {
        Self::with(70).await
    }

    /// One with that many dead letters, at least ten.
    async fn with(letters: i64) -> Self {
        let (aws, clock) = (FakeAws::new(), Arc::new(ManualClock::at(NOW.parse().unwrap())));
        let topology = Topology::parse(include_str!("../../../../pipeline/aws/tests/recorded/topology.json"));
        let deployment = Deployment::at(topology.unwrap(), aws.clients(), clock.clone() as Arc<dyn Clock>);
        let deployment = deployment.await.unwrap();
        let stored = StoreItem {
            key: EventKey::new("/shop", "stored-1"),
            event_type: "order.placed".into(),
            body: r#"{"specversion":"1.0","id":"stored-1","source":"/shop","type":"order.placed"}"#
                .to_owned(),
            accepted_at: clock.now(),
            message_id: "message-1".into(),
            replay_id: None,
        };
        assert!(deployment.ports.store.put_if_absent(&[stored]).await[0].is_ok());
        let letter = |number: i64| {
            let group = number * GROUPS / letters;
            let failure = format!("/{}: expected number", "x".repeat(1 + group as usize));
            letters::letter(number, "order.placed", FailureClass::Schema, &failure)
        };
        let dead: Vec<DeadLetter> = (0..letters).map(letter).collect();
        for some in dead.chunks(AT_ONCE) {
            for answer in deployment.index.put(some).await {
                answer.unwrap();
            }
        }
        let ids = |places: &[usize]| places.iter().map(|place| dead[*place].id.clone()).collect::<Vec<_>>();
        let replayer = deployment.ports.replayer();
        replayer.discard(&ids(&[2, 3]), "anna", "test data").await.unwrap();
        let replay = ReplayId::at(clock.now());
        let taken = deployment.ports.replays.create(&replay, &ids(&[0]), "anna").await.unwrap();
        assert_eq!(taken, 1);
        clock.advance(Duration::from_secs(1));
        let ended = replayer.start(&ids(&[4]), "anna").await.unwrap().id;
        let index = archive_names(&deployment.topology).index;
        let reports = DynamoReplayReports::new(deployment.clients.dynamodb(), index, clock.clone());
        reports.mark_stored(&ended, &dead[4].id).await.unwrap();
        let ids = [
            ("{dead-letter}", dead[1].id.to_string()),
            ("{event}", "stored-1".to_owned()),
            ("{group}", dead[1].fingerprint.to_string()),
            ("{replay}", replay.to_string()),
        ];
        Self { aws, clock, deployment, ids }
    }

    /// An incident of the last half hour, as the services recorded it.
    fn incident(&self) {
        let topology = &self.deployment.topology;
        let now = self.clock.now();
        let minutes_ago = |minutes: i64| now - jiff::SignedDuration::from_mins(minutes);
        let alarms = &topology.alarms.as_ref().unwrap().names;
        for (rule, ago, state) in [
            ("queue-age-low", 29, "ALARM"),
            ("queue-age-high", 20, "ALARM"),
            ("api-5xx-high", 15, "ALARM"),
            ("api-5xx-high", 5, "OK"),
        ] {
            if let Some(alarm) = alarms.get(rule) {
                self.aws.alarm_changed(alarm, minutes_ago(ago), state);
            }
        }
        self.aws.queue_has(&topology.queues.primary.url, [1_234, 20, 0]);
        let name = topology.queues.primary.name.as_str();
        let age = MetricId::new("AWS/SQS", "ApproximateAgeOfOldestMessage", &[("QueueName", name)]);
        for ago in 1..30 {
            self.aws.metrics().put(&age, minutes_ago(ago), 2_400.0 - 60.0 * ago as f64);
        }
        for document in traced() {
            self.aws.traced(document);
        }
    }

    /// Every example of every page.
    fn pages(&self) -> Vec<String> {
        let filled = |(_, address): &(&str, &str)| {
            self.ids.iter().fold((*address).to_owned(), |address, (place, id)| address.replace(place, id))
        };
        let all = PAGES.iter().flat_map(|page| page.examples.iter().map(filled));
        // Whether there is an incident depends on the test.
        all.filter(|address| !address.contains("{incident}")).collect()
    }

    /// A dashboard that has just started, with a signed-in client. It has no caches of another one.
    async fn dashboard(&self) -> Viewer {
        let clock = || self.clock.clone() as Arc<dyn Clock>;
        let cold = Deployment::at(self.deployment.topology.clone(), self.aws.clients(), clock());
        let tokens = Arc::new(InMemoryTokens::new(clock()));
        let router = router(Deps {
            ports: aws::ports(&cold.await.unwrap()).unwrap(),
            tokens: tokens.clone(),
            sessions: Arc::new(Sessions::new(clock())),
            assets: Arc::new(Assets::without_scripts()),
            port: 3000,
            hosts: Hosts::default(),
            sign_in_command: "",
        });
        let token = tokens.issue().await.unwrap();
        let mut viewer = Viewer { router, cookie: String::new() };
        let answer = viewer.send(&format!("/sign-in?token={}", token.reveal())).await;
        viewer.cookie = session_cookie(&answer);
        self.aws.calls();
        viewer
    }
}

#[derive(Clone)]
struct Viewer {
    router: Router,
    cookie: String,
}

impl Viewer {
    async fn send(&self, path: &str) -> http::Response<Body> {
        let request = Request::get(path).header(header::HOST, HOST).header(header::COOKIE, &self.cookie);
        let request = request.header(header::ACCEPT, "text/html");
        self.router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap()
    }

    async fn page(&self, path: &str) -> String {
        self.open(path).await.1
    }

    /// A page, and the address at which a browser then has it.
    async fn open(&self, path: &str) -> (String, String) {
        let (mut address, mut answer) = (path.to_owned(), self.send(path).await);
        if answer.status() == StatusCode::FOUND {
            answer.headers()[header::LOCATION].to_str().unwrap().clone_into(&mut address);
            answer = self.send(&address).await;
        }
        let (status, text) = (answer.status(), text(answer).await);
        assert_eq!(status, StatusCode::OK, "{path}: {text}");
        (address, text)
    }
}

/// Calls by their names.
fn counted(calls: &[String]) -> BTreeMap<&str, usize> {
    let mut counts = BTreeMap::new();
    for call in calls {
        *counts.entry(call.as_str()).or_default() += 1;
    }
    counts
}

#[tokio::test]
async fn every_page_is_drawn_on_the_sources_of_a_deployment() {
    let cloud = Cloud::start().await;
    let viewer = cloud.dashboard().await;
    for path in cloud.pages() {
        let page = viewer.page(&path).await;
        assert!(page.contains("<h1") && !page.contains("cannot be read now"), "{path}: {page}");
    }
    let list = viewer.page("/dead-letters").await;
    for group in 1..=GROUPS as usize {
        assert!(list.contains(&format!(">/{}: expected number<", "x".repeat(group))), "{group}: {list}");
    }
    assert!(list.contains("66 messages"), "{list}");
    let [(_, letter), (_, event), _, (_, replay)] = &cloud.ids;
    assert!(viewer.page(&format!("/dead-letters/{letter}")).await.contains("event-1"));
    assert!(viewer.page(&format!("/events/{event}")).await.contains("Stored, "));
    let replay = viewer.page(&format!("/replays/{replay}")).await;
    assert!(replay.contains("Running: 0 of 1 message stored") && replay.contains("event-0"), "{replay}");
    assert!(viewer.page("/alarms").await.contains("No alarm is active."));
}

/// The id of an event's trace.
const TRACE: &str = "1-69af8d20-0123456789abcdef01234567";

/// The segments of an event's trace, as X-Ray returns them.
fn traced() -> [Value; 2] {
    let segment = |id: &str, parent: &str, name: &str, start: f64, annotations: Value| {
        json!({"id": id, "trace_id": TRACE, "parent_id": parent, "name": name, "start_time": start,
            "end_time": start + 0.25, "origin": "AWS::Lambda", "annotations": annotations})
    };
    let accepted = json!({"event_id": "stored-1"});
    let stored = json!({"event_id": "stored-1", "outcome": "stored"});
    [
        segment("0f1e2d3c4b5a6978", "53995c3f42cd8ad8", "spillway-ingest", 1_773_111_590.1, accepted),
        segment("1f1e2d3c4b5a6978", "0f1e2d3c4b5a6978", "spillway-consumer", 1_773_111_592.5, stored),
    ]
}

#[tokio::test]
async fn an_incident_that_the_services_recorded_is_on_every_page_about_it() {
    let cloud = Cloud::start().await;
    cloud.incident();
    let viewer = cloud.dashboard().await;
    for path in cloud.pages() {
        let page = viewer.page(&path).await;
        assert!(page.contains("<h1") && !page.contains("cannot be read now"), "{path}: {page}");
    }
    let alarms = viewer.page("/alarms").await;
    for rule in ["queue-age-high", "queue-age-low"] {
        assert!(alarms.contains(&format!("/alarms/{rule}")), "{rule}: {alarms}");
    }
    assert!(!alarms.contains("No alarm is active."), "{alarms}");
    let rule = viewer.page("/alarms/queue-age-high").await;
    assert!(rule.contains("Threshold Crossed: 1 datapoint was greater"), "{rule}");
    let overview = viewer.page("/").await;
    assert!(overview.contains("1,254") || overview.contains("1,234"), "the queue's depth: {overview}");
    assert!(overview.contains("/alarms/queue-age-high"), "{overview}");
    let event = viewer.page("/events/stored-1").await;
    assert!(event.contains(TRACE), "{event}");
    // The queue's alarms and the API's have nothing to do with each other.
    let incidents = viewer.page("/incidents").await;
    assert_eq!(incidents.matches("data-row").count(), 2, "{incidents}");
    let link = incidents.split_once("href=\"/incidents/").unwrap().1.split_once('"').unwrap().0;
    let incident = viewer.page(&format!("/incidents/{link}")).await;
    assert!(incident.contains("/alarms/queue-age-high") && incident.contains("I have it"), "{incident}");
    assert!(overview.contains("I have it"), "{overview}");
}

/// Draws a page for these viewers at each of these seconds; returns the calls.
async fn a_minute(cloud: &Cloud, path: &str, viewers: usize, seconds: &[u64]) -> Vec<String> {
    let viewer = cloud.dashboard().await;
    let (path, _) = viewer.open(path).await;
    let mut now = 0;
    for second in seconds {
        cloud.clock.advance(Duration::from_secs(second - now));
        now = *second;
        join_all((0..viewers).map(|_| viewer.page(&path))).await;
    }
    cloud.aws.calls()
}

#[tokio::test]
async fn an_open_page_costs_few_calls_a_minute_for_any_number_of_viewers() {
    let cloud = Cloud::start().await;
    // A minute of refreshes each 2 s, more often than the page does. It ends before the first answer is a minute old.
    let alone: Vec<u64> = (0..30).map(|tick| 2 * tick).collect();
    let mut wrong = Vec::new();
    for path in cloud.pages() {
        let one = a_minute(&cloud, &path, 1, &alone).await;
        let hundred = a_minute(&cloud, &path, 100, &[0, 20, 40]).await;
        for (viewers, calls) in [(1, one), (100, hundred)] {
            if calls.len() > A_MINUTE {
                wrong.push(format!("{path}, {viewers}: {} calls: {:?}", calls.len(), counted(&calls)));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn pages_cost_few_calls_however_many_dead_letters_there_are() {
    let mut wrong = Vec::new();
    // The keys of up to 20,000 letters are on some pages of a scan. The calls for more do not depend on their number.
    for letters in [10, 1_000, 5_000, 25_000] {
        let cloud = Cloud::with(letters).await;
        let mut pages = cloud.pages();
        if letters <= 20_000 {
            pages.push("/dead-letters?range=24h".to_owned());
        }
        for path in pages {
            cloud.dashboard().await.page(&path).await;
            let calls = cloud.aws.calls();
            // A search for words reads each letter's entry, 100 with one call, and 10,000 at most.
            let searched = if path.contains("contains=") { letters.min(10_000) as usize / 100 } else { 0 };
            if calls.len() > FIRST + searched {
                let counted = counted(&calls);
                wrong.push(format!("{letters} letters, {path}: {} calls: {counted:?}", calls.len()));
            }
            let minute = a_minute(&cloud, &path, 1, &[0, 10, 20, 30, 40, 50]).await;
            if minute.len() > A_MINUTE + searched {
                let counted = counted(&minute);
                wrong.push(format!(
                    "{letters} letters, {path}, a minute: {} calls: {counted:?}",
                    minute.len()
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
