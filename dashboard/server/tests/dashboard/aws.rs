//! Pages on the sources of a deployment in AWS, and what they cost. The services are in memory.

use crate::harness::{HOST, NOW, session_cookie, text};
use axum::{Router, body::Body};
use futures::future::join_all;
use http::{Request, StatusCode, header};
use spillway_aws::fake::FakeAws;
use spillway_aws::operator::Deployment;
use spillway_aws::topology::Topology;
use spillway_core::dead_letter::DeadLetter;
use spillway_core::failure::FailureClass;
use spillway_core::ids::{EventKey, ReplayId};
use spillway_core::ports::{Clock, DeadLetterSink as _, StoreItem};
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
/// Dead letters of each.
const EACH: i64 = 7;

/// A deployment with a stored event, dead letters in several groups, and a replay of one of them.
struct Cloud {
    aws: FakeAws,
    clock: Arc<ManualClock>,
    deployment: Deployment,
    ids: [(&'static str, String); 4],
}

impl Cloud {
    async fn start() -> Self {
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
            let failure = format!("/{}: expected number", "x".repeat(1 + (number % GROUPS) as usize));
            letters::letter(number, "order.placed", FailureClass::Schema, &failure)
        };
        let dead: Vec<DeadLetter> = (0..GROUPS * EACH).map(letter).collect();
        for answer in deployment.index.put(&dead).await {
            answer.unwrap();
        }
        let replay = ReplayId::at(clock.now());
        let taken = deployment.ports.replays.create(&replay, &[dead[0].id.clone()], "anna").await.unwrap();
        assert_eq!(taken, 1);
        let ids = [
            ("{dead-letter}", dead[1].id.to_string()),
            ("{event}", "stored-1".to_owned()),
            ("{group}", dead[1].fingerprint.to_string()),
            ("{replay}", replay.to_string()),
        ];
        Self { aws, clock, deployment, ids }
    }

    /// Every example of every page.
    fn pages(&self) -> Vec<String> {
        let filled = |(_, address): &(&str, &str)| {
            self.ids.iter().fold((*address).to_owned(), |address, (place, id)| address.replace(place, id))
        };
        PAGES.iter().flat_map(|page| page.examples.iter().map(filled)).collect()
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
    assert!(list.contains("69 messages"), "{list}");
    let [(_, letter), (_, event), _, (_, replay)] = &cloud.ids;
    assert!(viewer.page(&format!("/dead-letters/{letter}")).await.contains("event-1"));
    assert!(viewer.page(&format!("/events/{event}")).await.contains("Stored, "));
    let replay = viewer.page(&format!("/replays/{replay}")).await;
    assert!(replay.contains("Running: 0 of 1 message stored") && replay.contains("event-0"), "{replay}");
    assert!(viewer.page("/alarms").await.contains("No alarm is active."));
}

#[tokio::test]
async fn the_first_page_of_a_dashboard_costs_few_calls() {
    let cloud = Cloud::start().await;
    let mut wrong = Vec::new();
    for path in cloud.pages() {
        cloud.dashboard().await.page(&path).await;
        let calls = cloud.aws.calls();
        if calls.len() > FIRST {
            wrong.push(format!("{path}: {} calls: {:?}", calls.len(), counted(&calls)));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
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
