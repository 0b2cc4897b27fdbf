//! Requests to the server, without a socket.

use crate::harness::{Dashboard, Setup, header, text};
use async_trait::async_trait;
use axum::body::Body;
use http::{Request, Response, StatusCode, header};
use jiff::Timestamp;
use spillway_core::failure::FailureClass;
use spillway_core::ports::Clock;
use spillway_dashboard_app::pages::Pages;
use spillway_dashboard_app::ports::{Environment, Ports};
use spillway_dashboard_pages::PAGES;
use spillway_dashboard_server::{Assets, Deps, Secret, Sessions, SignInError, Tokens, embedded, router};
use spillway_embedded::listener::Hosts;
use spillway_testkit::letters;
use std::{collections::BTreeSet, fs, sync::Arc, time::Duration};

/// Opens a dashboard with badges in its header; the client has not signed in.
async fn open(assets: Assets) -> Dashboard {
    let dashboard = Dashboard::open(Setup {
        assets,
        environment: Environment { name: "test".into(), demo: true, ..Environment::default() },
        ..Setup::default()
    })
    .await;
    let three = [1, 2, 3].map(|second| letters::letter(second, "order.placed", FailureClass::Schema, "bad"));
    letters::put(&*dashboard.pipeline.workers.sink, &three).await;
    dashboard
}

async fn signed_out() -> Dashboard {
    open(Assets::without_scripts()).await
}

async fn signed_in() -> Dashboard {
    signed_out().await.signed_in().await
}

impl Dashboard {
    async fn post(&self, path: &str, origin: Option<&str>, body: &str) -> Response<Body> {
        let mut request = Request::post(path);
        if let Some(origin) = origin {
            request = request.header(header::ORIGIN, origin);
        }
        self.send_form(request, body).await
    }
}

#[tokio::test]
async fn without_a_session_only_the_sign_in_help_is_shown() {
    let app = signed_out().await;
    for path in ["/", "/metrics", "/dead-letters?range=1h", "/no-such-page", "/settings"] {
        let answer = app.get(path).await;
        assert_eq!(answer.status(), StatusCode::UNAUTHORIZED, "{path}");
        let page = text(answer).await;
        assert!(page.contains("spillway sign-in --embedded &lt;DIR&gt;"), "{page}");
        assert!(!page.contains("Dead letters"), "{path} shows nothing of the app");
    }
    let answer = app.post("/settings", Some("http://127.0.0.1:3000"), "theme=dark").await;
    assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
}

/// A store of tokens that can't be read. Its error names the folder.
struct NoTokens(String);

#[async_trait]
impl Tokens for NoTokens {
    async fn issue(&self) -> Result<Secret, SignInError> {
        Secret::random()
    }

    async fn redeem(&self, _: &str) -> Result<bool, SignInError> {
        Err(SignInError::Store(format!("{} can't be read", self.0).into()))
    }
}

#[tokio::test]
async fn no_answer_without_a_session_names_the_data_folder() {
    let app = signed_out().await;
    let folder = app.folder();
    let deps = Deps {
        ports: embedded::ports(&app.pipeline.ports, &app.pipeline.local, Environment::default()),
        tokens: Arc::new(NoTokens(folder.clone())),
        sessions: Arc::new(Sessions::new(Arc::clone(&app.pipeline.ports.clock))),
        assets: Arc::new(Assets::without_scripts()),
        port: 3000,
        hosts: Hosts::default(),
        sign_in_command: "spillway sign-in --embedded DIR",
    };
    let broken = Dashboard { router: router(deps), ..app.clone() };
    let paths = [
        "/",
        "/events/1",
        "/no-such-page",
        "/sign-in",
        "/sign-in?token=x",
        "/sign-in?token=%00",
        "/runbooks",
    ];
    for (app, path) in [&app, &broken].into_iter().flat_map(|app| paths.map(|path| (app, path))) {
        let answer = app.get(path).await;
        assert!(answer.status().is_client_error() || answer.status().is_server_error(), "{path}");
        let headers = format!("{:?}", answer.headers());
        let page = text(answer).await;
        assert!(!page.contains(&folder) && !headers.contains(&folder), "{path}: {page}");
    }
    let answer = app.post("/sign-out", Some("http://127.0.0.1:3000"), "").await;
    assert!(!text(answer).await.contains(&folder));
}

#[tokio::test]
async fn a_link_signs_in_once() {
    let app = signed_out().await;
    let token = app.tokens.issue().await.unwrap();
    let link = format!("/sign-in?token={}", token.reveal());

    let answer = app.get(&link).await;
    assert_eq!(answer.status(), StatusCode::OK, "a page, so that the next navigation is same-site");
    let cookie = header(&answer, "set-cookie").to_owned();
    assert!(cookie.starts_with("spillway-session-3000="), "{cookie}");
    assert!(cookie.ends_with("; Path=/; Max-Age=43200; HttpOnly; SameSite=Strict"), "{cookie}");
    assert_eq!(header(&answer, "referrer-policy"), "no-referrer");
    assert_eq!(header(&answer, "cache-control"), "no-store");
    let page = text(answer).await;
    assert!(page.contains(r#"http-equiv="refresh" content="0; url=/""#) && !page.contains(token.reveal()));

    let again = app.get(&link).await;
    assert_eq!(again.status(), StatusCode::UNAUTHORIZED);
    assert!(again.headers().get("set-cookie").is_none());
    assert!(text(again).await.contains("Each link works once"));
}

#[tokio::test]
async fn a_prefetch_does_not_use_up_the_link() {
    let app = signed_out().await;
    let token = app.tokens.issue().await.unwrap();
    let link = format!("/sign-in?token={}", token.reveal());
    let looks = [Request::head(&link), Request::get(&link).header("sec-purpose", "prefetch;prerender")];
    for look in looks {
        let answer = app.send(look).await;
        assert_eq!(answer.status(), StatusCode::NO_CONTENT);
        assert!(answer.headers().get("set-cookie").is_none());
    }
    assert_eq!(app.get(&link).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn a_session_ends_after_twelve_hours() {
    let app = signed_in().await;
    assert_eq!(app.get("/").await.status(), StatusCode::OK);
    app.pipeline.ports.clock.sleep(Duration::from_secs(12 * 3600)).await;
    let answer = app.get("/").await;
    assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
    assert!(text(answer).await.contains("Your session has ended"));
}

#[tokio::test]
async fn signing_out_ends_the_session_and_not_only_the_cookie() {
    let app = signed_in().await;
    assert!(app.page("/").await.contains(r#"action="/sign-out""#));
    for origin in [None, Some("http://evil.example")] {
        assert_eq!(app.post("/sign-out", origin, "").await.status(), StatusCode::FORBIDDEN);
    }
    let other = app.another_client().await;
    let answer = app.post("/sign-out", Some("http://127.0.0.1:3000"), "").await;
    assert_eq!(answer.status(), StatusCode::OK);
    let cookie = header(&answer, "set-cookie");
    assert_eq!(cookie, "spillway-session-3000=; Path=/; Max-Age=0; HttpOnly; SameSite=Strict");
    assert!(text(answer).await.contains("Your session has ended."));
    assert_eq!(app.get("/").await.status(), StatusCode::UNAUTHORIZED, "the old cookie opens nothing");
    assert_eq!(other.get("/").await.status(), StatusCode::OK);
}

#[tokio::test]
async fn all_sessions_can_be_ended() {
    let app = signed_in().await;
    let other = app.another_client().await;
    let answer = app.post("/sign-out", Some("http://127.0.0.1:3000"), "everywhere=yes").await;
    assert!(text(answer).await.contains("All sessions have ended."));
    for client in [&app, &other] {
        assert_eq!(client.get("/").await.status(), StatusCode::UNAUTHORIZED);
    }
}

#[tokio::test]
async fn a_session_ends_with_its_process() {
    let app = signed_in().await;
    let cookies = app.cookies.clone();
    let mut restarted = signed_out().await;
    restarted.cookies = cookies;
    assert_eq!(restarted.get("/").await.status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_session_of_another_port_is_invalid() {
    let mut app = signed_in().await;
    app.cookies = vec![app.cookies[0].replace("-3000=", "-3001=")];
    assert_eq!(app.get("/").await.status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn every_answer_has_the_security_headers() {
    let app = signed_in().await;
    let mut foreign = app.send(Request::get("/").header(header::HOST, "evil.example")).await;
    foreign.extensions_mut().clear();
    let ours = "http://127.0.0.1:3000";
    let origin = Some(ours);
    let accepts_html = Request::get("/dead-letters/replay?all=matching").header(header::ACCEPT, "text/html");
    let form = Request::post("/actions/replay")
        .header(header::ORIGIN, ours)
        .header(header::REFERER, "http://127.0.0.1:3000/dead-letters")
        .header(header::ACCEPT, "text/html");
    let answers = [
        (app.get("/").await, StatusCode::OK),
        (app.get("/sign-in?token=x").await, StatusCode::OK),
        (app.send(Request::head("/sign-in?token=x")).await, StatusCode::NO_CONTENT),
        (app.send(accepts_html).await, StatusCode::FOUND),
        (app.send_form(form, "").await, StatusCode::FOUND),
        (app.post("/settings", origin, "theme=dark").await, StatusCode::SEE_OTHER),
        (app.post("/settings", None, "theme=dark").await, StatusCode::FORBIDDEN),
        (app.get("/no-such-page").await, StatusCode::NOT_FOUND),
        (app.get("/assets/none.js").await, StatusCode::NOT_FOUND),
        (
            app.send(Request::delete("/settings").header(header::ORIGIN, ours)).await,
            StatusCode::METHOD_NOT_ALLOWED,
        ),
        (signed_out().await.get("/").await, StatusCode::UNAUTHORIZED),
        (foreign, StatusCode::MISDIRECTED_REQUEST),
        (broken().await.get("/").await, StatusCode::INTERNAL_SERVER_ERROR),
    ];
    for (answer, status) in answers {
        assert_eq!(answer.status(), status, "{answer:?}");
        let policy = header(&answer, "content-security-policy");
        assert!(
            policy.starts_with("default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self';"),
            "{policy}"
        );
        assert!(
            policy.contains("frame-ancestors 'none'; base-uri 'none'") && !policy.contains("unsafe-inline")
        );
        assert_eq!(header(&answer, "x-content-type-options"), "nosniff");
        assert_eq!(header(&answer, "referrer-policy"), "same-origin");
        assert_eq!(header(&answer, "cache-control"), "no-store");
    }
}

/// A clock that panics, for drawing pages.
struct Defect;

#[async_trait]
impl Clock for Defect {
    fn now(&self) -> Timestamp {
        panic!("a defect")
    }

    fn elapsed(&self) -> Duration {
        Duration::ZERO
    }

    async fn sleep(&self, _: Duration) {}
}

/// A dashboard with a defect in the code of its pages.
async fn broken() -> Dashboard {
    let replace = |ports: Ports| {
        let pipeline = spillway_core::Pipeline { clock: Arc::new(Defect), ..ports.pipeline.clone() };
        Ports { pipeline, ..ports }
    };
    Dashboard::open(Setup { replace: Box::new(replace), ..Setup::default() }).await.signed_in().await
}

#[tokio::test]
async fn a_panic_is_an_answer_that_says_so_and_the_server_goes_on() {
    let app = broken().await;
    for _ in 0..2 {
        let answer = app.get("/").await;
        assert_eq!(answer.status(), StatusCode::INTERNAL_SERVER_ERROR);
        let said = text(answer).await;
        assert!(said.starts_with("The dashboard could not draw this page because of a defect"), "{said}");
    }
    assert_eq!(app.get("/sign-in?token=x").await.status(), StatusCode::OK);
}

#[test]
fn the_routes_are_those_of_the_table_of_pages() {
    let routes = leptos_axum::generate_route_list(|| leptos::view! { <Pages /> });
    let routes: BTreeSet<String> = routes.iter().map(|route| route.path().to_owned()).collect();
    // Axum writes a parameter in braces.
    let in_braces = |part: &str| part.strip_prefix(':').map_or(part.to_owned(), |name| format!("{{{name}}}"));
    let pages = PAGES.iter().map(|page| page.path.split('/').map(in_braces).collect::<Vec<_>>().join("/"));
    assert_eq!(routes, pages.collect());
}

#[tokio::test]
async fn a_url_is_decoded_once() {
    let app = signed_in().await;
    let page = text(app.get("/events/50%2525%2Fx").await).await;
    assert!(page.contains(r#"value="50%25/x""#), "{page}");
}

#[tokio::test]
async fn pages_have_nothing_inline() {
    let app = signed_in().await;
    for path in ["/", "/metrics", "/dead-letters", "/replays", "/no-such-page"] {
        let page = text(app.get(path).await).await;
        assert!(!page.contains(" style="), "{path} has an inline style");
        assert!(page.ends_with("</html>"), "{path} has content after its end");
        for script in page.split("<script").skip(1) {
            let tag = script.split('>').next().unwrap();
            assert!(
                tag.contains("src=") && script[tag.len()..].starts_with("></script>"),
                "{path}: <script{script}"
            );
        }
        assert!(!page.contains(" onclick="), "{path} has an inline handler");
    }
}

#[tokio::test]
async fn other_hosts_are_refused() {
    let app = signed_in().await;
    for host in ["evil.example", "evil.example:3000", "127.0.0.1.evil.example:3000"] {
        let answer = app.send(Request::get("/").header(header::HOST, host)).await;
        assert_eq!(answer.status(), StatusCode::MISDIRECTED_REQUEST, "{host}");
    }
    let answer = app.send(Request::get("/").header(header::HOST, "localhost:8000")).await;
    assert_eq!(answer.status(), StatusCode::OK, "the other end of a tunnel may have another port");
}

#[tokio::test]
async fn posts_are_accepted_from_the_dashboards_pages_only() {
    let app = signed_in().await;
    for origin in [None, Some("null"), Some("http://evil.example"), Some("http://127.0.0.1:3001")] {
        let answer = app.post("/settings", origin, "theme=dark").await;
        assert_eq!(answer.status(), StatusCode::FORBIDDEN, "{origin:?}");
        assert!(answer.headers().get("set-cookie").is_none());
    }
    let answer =
        app.post("/settings", Some("http://127.0.0.1:3000"), "theme=dark&back=/metrics?range%3D1h").await;
    assert_eq!(answer.status(), StatusCode::SEE_OTHER);
    assert_eq!(header(&answer, "location"), "/metrics?range=1h");
    assert_eq!(
        header(&answer, "set-cookie"),
        "spillway-theme=dark; Path=/; Max-Age=31536000; SameSite=Strict"
    );
}

#[tokio::test]
async fn a_switch_that_does_not_exist_is_refused() {
    let app = signed_in().await;
    let answer = app.post("/settings", Some("http://127.0.0.1:3000"), "theme=puce").await;
    assert_eq!(answer.status(), StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn a_page_follows_its_readers_preferences() {
    let mut app = signed_in().await;
    let plain = text(app.get("/").await).await;
    assert!(plain.contains(r#"<html lang="en" data-times="utc" data-zone="UTC">"#), "{}", &plain[..200]);
    app.cookies.push(
        "spillway-theme=dark; spillway-times=local; spillway-zone=Asia/Tokyo; spillway-live=off".into(),
    );
    let own = text(app.get("/").await).await;
    assert!(
        own.contains(r#"data-theme="dark" data-times="local" data-zone="Asia/Tokyo""#),
        "{}",
        &own[..200]
    );
    assert!(own.contains(r#"value="on" title="Live refresh is paused. Turn it on.""#));
}

#[tokio::test]
async fn the_header_marks_the_current_page_and_has_badges() {
    let app = signed_in().await;
    let page = text(app.get("/dead-letters?range=1h").await).await;
    assert!(
        page.contains(r#"<a href="/dead-letters?range=1h" aria-current="page" data-go="d">Dead letters"#),
        "{page}"
    );
    assert!(page.contains(r#"<span class="visually-hidden">3 dead letters</span>"#));
    assert!(!page.contains("replays are running"), "a zero has no badge");
    assert!(page.contains("demo-label") && page.contains("<title>Dead letters · test · Spillway</title>"));
    assert!(page.contains(r#"href="/metrics?range=1h""#), "links keep the range");
}

#[tokio::test]
async fn an_invalid_range_is_reported_on_the_page() {
    let app = signed_in().await;
    let page = text(app.get("/?range=fortnight").await).await;
    assert!(page.contains("there is no range “fortnight”; use 1h, 3h, 24h or 7d"), "{page}");
    let hostile = text(app.get("/?range=%3Cscript%3Ealert(1)%3C/script%3E").await).await;
    assert!(!hostile.contains("<script>alert"), "the value from the address appears as text");
}

#[tokio::test]
async fn files_may_be_cached_permanently_and_are_compressed() {
    let site = tempfile::tempdir().unwrap();
    let folder = site.path().join("pkg");
    fs::create_dir(&folder).unwrap();
    for (name, content) in [
        ("manifest.json", r#"{"start":"start.1.js","glue":"app.2.js","wasm":"app.3.wasm"}"#),
        ("start.1.js", "start"),
        ("app.2.js", "glue"),
        ("app.3.wasm", "wasm"),
        ("app.3.wasm.br", "compressed"),
    ] {
        fs::write(folder.join(name), content).unwrap();
    }
    let app = open(Assets::with_site(site.path()).unwrap()).await;
    let answer =
        app.send(Request::get("/assets/app.3.wasm").header(header::ACCEPT_ENCODING, "gzip, br")).await;
    assert_eq!(answer.status(), StatusCode::OK, "files need no session");
    assert_eq!(header(&answer, "content-encoding"), "br");
    assert_eq!(header(&answer, "content-type"), "application/wasm");
    assert_eq!(header(&answer, "cache-control"), "public, max-age=31536000, immutable");
    assert_eq!(text(answer).await, "compressed");
    assert_eq!(text(app.get("/assets/app.3.wasm").await).await, "wasm");

    let page = text(app.signed_in().await.get("/").await).await;
    assert!(page.contains(r#"<script type="module" src="/assets/start.1.js"></script>"#), "{page}");
}

#[tokio::test]
async fn pages_are_compressed() {
    let app = signed_in().await;
    let answer = app.send(Request::get("/").header(header::ACCEPT_ENCODING, "br")).await;
    assert_eq!(header(&answer, "content-encoding"), "br");
}

#[test]
fn a_missing_build_is_an_error_with_the_command() {
    let site = tempfile::tempdir().unwrap();
    let error = Assets::with_site(site.path()).map(|_| ()).unwrap_err();
    assert!(error.to_string().ends_with("build it with `cargo xtask wasm`"), "{error}");
}
