//! Dead letters and replays as a browser without JavaScript uses them: pages and forms, in virtual time, on a
//! pipeline that runs.

use crate::harness::{self, Dashboard, NOW, ORIGIN, Setup};
use http::{Request, StatusCode, header};
use serde_json::json;
use spillway_core::event::Event;
use spillway_core::failure::{Failure, FailureClass, Reason};
use spillway_core::ids::MessageId;
use spillway_core::ledger::Ledger;
use spillway_core::ports::Schemas;
use spillway_core::schema::SchemaSet;
use spillway_core::usecases::accept::accept;
use spillway_dashboard_app::ports::Environment;
use spillway_embedded::{VirtualClock, runtime};
use spillway_testkit::letters;
use std::collections::BTreeMap;
use std::sync::{Arc, RwLock};
use std::time::Duration;

/// Schemas that an operator fixes while the pipeline runs.
pub(crate) struct FixableSchemas(RwLock<Arc<SchemaSet>>);

impl FixableSchemas {
    fn demanding(amount: &str) -> Arc<SchemaSet> {
        let schema = json!({"type": "object", "properties": {"amount": {"type": amount}}});
        Arc::new(SchemaSet::compile(&BTreeMap::from([("order.placed".to_owned(), schema)])).unwrap())
    }

    pub(crate) fn fix(&self) {
        *self.0.write().unwrap() = Arc::default();
    }
}

#[async_trait::async_trait]
impl Schemas for FixableSchemas {
    async fn current(&self) -> Arc<SchemaSet> {
        Arc::clone(&self.0.read().unwrap())
    }
}

/// A dashboard over a pipeline that runs, with a signed-in client.
pub(crate) struct TestApp {
    pub(crate) dashboard: Dashboard,
    pub(crate) schemas: Arc<FixableSchemas>,
    _running: runtime::Running,
}

impl TestApp {
    /// A running pipeline that takes only numbers as amounts.
    pub(crate) async fn start() -> Self {
        let schemas = Arc::new(FixableSchemas(RwLock::new(FixableSchemas::demanding("number"))));
        let dashboard = Dashboard::open(Setup {
            schemas: Arc::clone(&schemas) as Arc<dyn Schemas>,
            clock: Arc::new(VirtualClock::starting_at(NOW.parse().unwrap())),
            simulated_latency: Some(Duration::from_millis(5)),
            environment: Environment { name: "test".into(), demo: false, ..Environment::default() },
            ..Setup::default()
        });
        let dashboard = dashboard.await;
        let running = runtime::start(&dashboard.pipeline);
        Self { dashboard: dashboard.signed_in().await, schemas, _running: running }
    }

    pub(crate) async fn get(&self, path: &str) -> String {
        self.dashboard.page(path).await
    }

    /// Sends a form from a page, as a browser does; returns where it leads.
    async fn post(&self, from: &str, action: &str, form: &str) -> String {
        let request = Request::post(action)
            .header(header::ORIGIN, ORIGIN)
            .header(header::REFERER, format!("{ORIGIN}{from}"))
            .header(header::ACCEPT, "text/html,application/xhtml+xml");
        let answer = self.dashboard.send_form(request, form).await;
        let location = harness::header(&answer, "location");
        let location = location.strip_prefix(ORIGIN).unwrap_or(location).to_owned();
        let status = answer.status();
        assert_eq!(status, StatusCode::FOUND, "{action}: {}", harness::text(answer).await);
        location
    }

    pub(crate) async fn accept(&self, id: &str, event_type: &str, data: serde_json::Value) {
        let event =
            json!({"specversion": "1.0", "id": id, "source": "/test", "type": event_type, "data": data});
        let event = Event::from_structured(event.to_string().as_bytes()).unwrap();
        let answers = accept(&*self.dashboard.pipeline.ports.queue, &[event], None, 262_144).await;
        assert!(answers.iter().all(Result::is_ok));
    }

    /// Waits, in virtual time, until no event is in a queue or being replayed, and all are accounted for.
    pub(crate) async fn settle(&self) -> Ledger {
        for _ in 0..1_000 {
            let ledger = self.dashboard.pipeline.ports.ledger.ledger().await.unwrap();
            assert_eq!(ledger.unaccounted(), 0, "{ledger:?}");
            if ledger.moving() == 0 && ledger.in_dlq == 0 {
                return ledger;
            }
            self.dashboard.pipeline.ports.clock.sleep(Duration::from_secs(10)).await;
        }
        panic!("an event stays in a queue");
    }

    /// The ids of the messages on the list, in order.
    pub(crate) async fn listed(&self, path: &str) -> Vec<String> {
        let page = self.get(path).await;
        values(&page, "name=\"id\" value=\"")
    }
}

/// The text after each occurrence of these words, up to the next quotation mark.
pub(crate) fn values(page: &str, before: &str) -> Vec<String> {
    page.split(before).skip(1).map(|rest| rest.split('"').next().unwrap().to_owned()).collect()
}

fn hidden(page: &str, name: &str) -> String {
    let found = values(page, &format!("name=\"{name}\" value=\""));
    found.first().unwrap_or_else(|| panic!("no {name} in {page}")).replace("&amp;", "&")
}

fn encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

#[tokio::test(start_paused = true)]
async fn a_fixed_schema_and_a_replay_bring_an_event_to_the_store() {
    let app = TestApp::start().await;
    app.accept("e1", "order.placed", json!({"amount": "twelve"})).await;
    assert_eq!(app.settle().await.archived, 1);

    let list = app.get("/dead-letters").await;
    assert!(list.contains("1 message, since 03:00. It fails at /amount."), "{list}");
    assert!(list.contains("would fail again"));
    let [id] = app.listed("/dead-letters").await.try_into().unwrap();
    let detail_path = format!("/dead-letters/{id}");
    let detail = app.get(&detail_path).await;
    assert!(detail.contains("The message would fail again now.") && detail.contains("Replay this message"));

    let before = app.get(&format!("/dead-letters/replay?id={id}")).await;
    assert!(before.contains("The message would fail again now."), "{before}");
    app.schemas.fix();
    let after = app.get(&format!("/dead-letters/replay?id={id}")).await;
    assert!(after.contains("The message passes the consumer's checks now."), "{after}");
    assert!(after.contains(">Replay 1 message<"), "{after}");

    let form = format!("ids%5B%5D={id}&first={id}");
    let replay = app.post("/dead-letters/replay", "/actions/replay", &form).await;
    assert!(replay.starts_with("/replays/"), "{replay}");
    let again = app.post("/dead-letters/replay", "/actions/replay", &form).await;
    assert_eq!(again, replay, "a second click leads to the same replay");
    assert!(app.get(&replay).await.contains("Running: 0 of 1 message stored, 1 still to be put back."));

    let ledger = app.settle().await;
    assert_eq!((ledger.stored, ledger.archived), (1, 0));
    assert!(app.get(&replay).await.contains("The message is stored."));
    assert!(app.get("/replays").await.contains("all stored"));
    assert!(app.get("/dead-letters").await.contains("No dead letters."));
    let event = app.get("/events/e1").await;
    assert!(event.contains("Stored, ") && event.contains("Replay started"), "{event}");
    let late = app.post("/dead-letters/replay", "/actions/replay", &form).await;
    assert_eq!(late, replay, "even after it has ended");
}

#[tokio::test(start_paused = true)]
async fn all_matches_are_replayed_and_those_that_fail_again_come_back() {
    let app = TestApp::start().await;
    for number in 0..3 {
        app.accept(&format!("bad{number}"), "order.placed", json!({"amount": "many"})).await;
    }
    app.settle().await;
    let asked = "/dead-letters/replay?all=matching&type=order.placed";
    let page = app.get(asked).await;
    assert!(
        page.contains("All 3 messages would fail again now.") && page.contains(">Replay 3 messages<"),
        "{page}"
    );

    let form = format!("matching={}&first={}", encoded(&hidden(&page, "matching")), hidden(&page, "first"));
    // A message that arrives after the page was drawn is not confirmed.
    app.dashboard.pipeline.ports.clock.sleep(Duration::from_secs(60)).await;
    app.accept("later", "order.placed", json!({"amount": "many"})).await;
    app.settle().await;

    let none = app.post(asked, "/actions/replay", &format!("{form}&passing=true")).await;
    assert!(none.starts_with(asked), "none of them would pass: {none}");
    let answer = app.get(&none).await;
    assert!(answer.contains("Each of these messages would fail again, so none was put back."), "{answer}");

    let replay = app.post(asked, "/actions/replay", &form).await;
    let ledger = app.settle().await;
    assert_eq!((ledger.archived, ledger.stored), (4, 0));
    let page = app.get(&replay).await;
    assert!(page.contains("All 3 messages failed again and are back among the dead letters."), "{page}");
    let id = app.listed("/dead-letters?contains=bad1").await.remove(0);
    let detail = app.get(&format!("/dead-letters/{id}")).await;
    assert!(detail.contains("It was replayed once and came back."), "{detail}");
    assert!(detail.contains("Failed again, back in the archive"));
}

/// The page that a message's page links to as its previous or next one.
fn neighbour(page: &str, rel: &str) -> Option<String> {
    let link = page.split("<a ").find(|link| link.contains(&format!("rel=\"{rel}\"")))?;
    Some(link.split("href=\"").nth(1)?.split('"').next()?.replace("&amp;", "&"))
}

#[tokio::test(start_paused = true)]
async fn previous_and_next_lead_through_the_whole_list_and_stay_after_a_discard() {
    let app = TestApp::start().await;
    for number in 0..53 {
        app.accept(&format!("bad{number}"), "order.placed", json!({"amount": "many"})).await;
        app.settle().await;
    }
    let first = app.listed("/dead-letters").await.remove(0);
    let mut visited = vec![format!("/dead-letters/{first}")];
    while let Some(next) = neighbour(&app.get(visited.last().unwrap()).await, "next") {
        visited.push(next);
    }
    assert_eq!(visited.len(), 53, "over the end of the first page of 50: {visited:?}");
    let mut back = visited.last().unwrap().clone();
    for expected in visited.iter().rev().skip(1) {
        back = neighbour(&app.get(&back).await, "prev").unwrap();
        assert_eq!(&back, expected);
    }
    let id = visited[10].strip_prefix("/dead-letters/").unwrap();
    app.post(&visited[10], "/actions/discard", &format!("ids%5B%5D={id}&first={id}&reason=test")).await;
    let discarded = app.get(&visited[10]).await;
    assert_eq!(neighbour(&discarded, "prev").as_ref(), Some(&visited[9]));
    assert_eq!(neighbour(&discarded, "next").as_ref(), Some(&visited[11]));
}

#[tokio::test(start_paused = true)]
async fn a_discard_needs_a_reason_and_can_be_undone() {
    let app = TestApp::start().await;
    app.accept("e1", "order.placed", json!({"amount": "x"})).await;
    app.accept("e2", "order.placed", json!({"amount": "y"})).await;
    app.settle().await;
    let ids = app.listed("/dead-letters").await;
    let asked = format!("/dead-letters/discard?id={}&id={}", ids[0], ids[1]);
    let page = app.get(&asked).await;
    assert!(page.contains("2 messages will be discarded. This can be undone."), "{page}");
    let form = format!("ids%5B%5D={}&ids%5B%5D={}&first={}", ids[0], ids[1], ids[0]);

    let refused = app.post(&asked, "/actions/discard", &format!("{form}&reason=+")).await;
    assert!(app.get(&refused).await.contains("Enter a reason. Nothing was discarded."));
    assert_eq!(app.settle().await.archived, 2);

    let form = format!("{form}&reason=a+test&back=%2Fdead-letters%3Ftype%3Dorder.placed");
    let done = app.post(&asked, "/actions/discard", &form).await;
    assert!(done.starts_with("/dead-letters?type=order.placed&__done=discarded&__at="), "{done}");
    let list = app.get(&done).await;
    assert!(list.contains("The messages were discarded.") && list.contains(">Undo<"), "{list}");
    assert_eq!(app.settle().await.discarded, 2);
    let twice = app.post(&asked, "/actions/discard", &form).await;
    assert_eq!(twice, done, "a second click changes nothing");
    let discarded = app.get("/dead-letters?state=discarded").await;
    assert!(discarded.contains("Discarded by operator via dashboard: a test"), "{discarded}");

    let undo = format!("at={}&back={}", encoded(&hidden(&list, "at")), encoded("https://evil.example/"));
    let restored = app.post(&done, "/actions/restore", &undo).await;
    assert!(
        restored.starts_with("/dead-letters?__done=restored&__at="),
        "no form leads elsewhere: {restored}"
    );
    assert!(app.get(&restored).await.contains("The messages were restored. They wait in the archive again."));
    assert_eq!(app.settle().await.archived, 2);
    let detail = app.get(&format!("/dead-letters/{}", ids[0])).await;
    assert!(detail.contains("Restored by operator via dashboard"), "{detail}");
}

#[tokio::test(start_paused = true)]
async fn content_of_events_is_shown_as_text_only() {
    let app = TestApp::start().await;
    let hostile = "<script>alert(1)</script>";
    app.accept(hostile, "order.placed", json!({"amount": hostile, "<b>": "\"><img src=x>"})).await;
    app.settle().await;
    let id = app.listed("/dead-letters").await.remove(0);
    let asked = encoded(hostile);
    for path in [
        "/dead-letters".to_owned(),
        format!("/dead-letters?contains={asked}&type={asked}"),
        format!("/dead-letters/{id}"),
        format!("/dead-letters/{id}?body=raw"),
        format!("/dead-letters/replay?id={id}&back={asked}"),
        format!("/events/{asked}"),
    ] {
        let page = app.get(&path).await;
        assert!(
            !page.contains("<script>alert") && !page.contains("<img") && !page.contains("<b>"),
            "{path}: {page}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn an_empty_form_and_an_empty_page_are_reported() {
    let app = TestApp::start().await;
    let list = app.get("/dead-letters").await;
    assert!(list.contains("No dead letters."), "{list}");
    assert!(app.get("/replays").await.contains("Nothing has been replayed yet."));
    let nothing = app.get("/dead-letters/replay?back=%2Fdead-letters").await;
    assert!(nothing.contains("No message was selected."), "{nothing}");
    let back = app.post("/dead-letters", "/actions/replay", "").await;
    assert!(app.get(&back).await.contains("Select at least one message."));
    let gone = app.post("/dead-letters", "/actions/replay", "ids%5B%5D=no-such-id").await;
    assert!(app.get(&gone).await.contains("The message no longer exists."));
    for path in ["/dead-letters/no-such-id", "/replays/no-such-id", "/events/no-such-id"] {
        assert_eq!(app.dashboard.get(path).await.status(), StatusCode::NOT_FOUND, "{path}");
    }
}

#[tokio::test]
async fn thousands_of_groups_are_paged_and_long_reasons_are_cut() {
    let dashboard = Dashboard::open(Setup::default()).await.signed_in().await;
    let long = "x".repeat(4_000);
    let letters: Vec<_> = (0..5_000)
        .map(|n: u32| {
            let reason = Reason::grouped(format!("/a: <{n}> {long}"), n.to_string());
            let failure = Failure::new(FailureClass::Schema, reason, &"v1".into(), letters::at(n.into()));
            letters::dead_letter(MessageId::new(format!("m{n}")), &format!("e{n}"), failure)
        })
        .collect();
    letters::put(&*dashboard.pipeline.workers.sink, &letters).await;
    let first = dashboard.page("/dead-letters").await;
    assert!(first.len() <= 150_000, "{} bytes", first.len());
    assert!(
        first.contains("5,000 groups, 5,000 messages.") && first.contains("20 of 5,000 groups"),
        "{first}"
    );
    let group = values(&first, "href=\"").into_iter().find(|link| link.contains("?group=")).expect("a group");
    let explained = dashboard.page(&group.replace("&amp;", "&")).await;
    assert!(explained.len() <= 150_000 && explained.contains("Why it failed"), "{} bytes", explained.len());
    let keys = |page: &str| {
        let groups = page.split("id=\"dl-messages\"").next().unwrap();
        values(groups, "data-key=\"")
    };
    let next =
        values(&first, "href=\"").into_iter().find(|link| link.contains("groups=20")).expect("a next page");
    let second = dashboard.page(&next.replace("&amp;", "&")).await;
    assert_eq!((keys(&first).len(), keys(&second).len()), (20, 20));
    assert!(keys(&second).iter().all(|key| !keys(&first).contains(key)));
    let overview = dashboard.page("/").await;
    assert!(overview.len() <= 150_000, "{} bytes", overview.len());
}
