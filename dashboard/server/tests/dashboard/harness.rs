//! A dashboard over a pipeline in a temporary folder, and a client with or without a session.

use axum::{Router, body::Body};
use http::{Request, Response, StatusCode, header};
use http_body_util::BodyExt as _;
use spillway_core::ports::{Clock, Schemas};
use spillway_core::schema::FixedSchemas;
use spillway_dashboard_app::ports::{Environment, Ports};
use spillway_dashboard_server::{Assets, Deps, InMemoryTokens, Sessions, Tokens, embedded, router};
use spillway_embedded::listener::Hosts;
use spillway_embedded::{Options, Pipeline};
use spillway_testkit::ManualClock;
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;
use tower::ServiceExt as _;

/// The start time of every test with a fake clock.
pub const NOW: &str = "2026-03-10T03:00:00Z";
/// The dashboard's address.
pub const HOST: &str = "127.0.0.1:3000";
/// The origin of its pages.
pub const ORIGIN: &str = "http://127.0.0.1:3000";

/// The settings of a test.
pub struct Setup {
    pub clock: Arc<dyn Clock>,
    pub schemas: Arc<dyn Schemas>,
    pub simulated_latency: Option<Duration>,
    pub environment: Environment,
    pub assets: Assets,
    pub sign_in_command: &'static str,
    /// Replaces some of the pages' ports.
    pub replace: Box<dyn FnOnce(Ports) -> Ports>,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            clock: Arc::new(ManualClock::at(NOW.parse().unwrap())),
            schemas: Arc::new(FixedSchemas::default()),
            simulated_latency: None,
            environment: Environment::default(),
            assets: Assets::without_scripts(),
            sign_in_command: "spillway sign-in --embedded <DIR>",
            replace: Box::new(|ports| ports),
        }
    }
}

/// The router of a dashboard, and the cookies of its client.
#[derive(Clone)]
pub struct Dashboard {
    pub router: Router,
    pub tokens: Arc<InMemoryTokens>,
    pub cookies: Vec<String>,
    pub pipeline: Arc<Pipeline>,
    pub data: Arc<TempDir>,
}

impl Dashboard {
    /// Opens the dashboard; the client has not signed in.
    pub async fn open(setup: Setup) -> Self {
        let data = tempfile::tempdir().unwrap();
        let tokens = Arc::new(InMemoryTokens::new(Arc::clone(&setup.clock)));
        let sessions = Arc::new(Sessions::new(Arc::clone(&setup.clock)));
        let options = Options {
            schemas: setup.schemas,
            simulated_latency: setup.simulated_latency,
            ..Options::at(setup.clock)
        };
        let pipeline = Arc::new(Pipeline::open(data.path(), options).await.unwrap());
        let ports = embedded::ports(&pipeline.ports, &pipeline.local, setup.environment);
        let router = router(Deps {
            ports: (setup.replace)(ports),
            tokens: Arc::clone(&tokens) as Arc<dyn Tokens>,
            sessions,
            assets: Arc::new(setup.assets),
            port: 3000,
            hosts: Hosts::default(),
            sign_in_command: setup.sign_in_command,
        });
        Self { router, tokens, cookies: Vec::new(), pipeline, data: Arc::new(data) }
    }

    /// Signs the client in, with a link from the command line.
    pub async fn signed_in(mut self) -> Self {
        let token = self.tokens.issue().await.unwrap();
        let answer = self.get(&format!("/sign-in?token={}", token.reveal())).await;
        assert_eq!(answer.status(), StatusCode::OK);
        self.cookies.push(session_cookie(&answer));
        self
    }

    /// The path of the data folder.
    pub fn folder(&self) -> String {
        self.data.path().display().to_string()
    }

    /// Another client of the same dashboard, with a session of its own.
    pub async fn another_client(&self) -> Self {
        Self { cookies: Vec::new(), ..self.clone() }.signed_in().await
    }

    /// Gets a page.
    pub async fn get(&self, path: &str) -> Response<Body> {
        self.send(Request::get(path)).await
    }

    /// Sends a request without a body.
    pub async fn send(&self, request: http::request::Builder) -> Response<Body> {
        self.send_body(request, Body::empty()).await
    }

    pub async fn send_form(&self, request: http::request::Builder, form: &str) -> Response<Body> {
        let request = request.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        self.send_body(request, Body::from(form.to_owned())).await
    }

    async fn send_body(&self, mut request: http::request::Builder, body: Body) -> Response<Body> {
        let headers = request.headers_mut().unwrap();
        headers.entry(header::HOST).or_insert(HOST.parse().unwrap());
        if !self.cookies.is_empty() {
            headers.insert(header::COOKIE, self.cookies.join("; ").parse().unwrap());
        }
        self.router.clone().oneshot(request.body(body).unwrap()).await.unwrap()
    }

    /// The HTML of a page that must exist.
    pub async fn page(&self, path: &str) -> String {
        let answer = self.get(path).await;
        let (status, text) = (answer.status(), text(answer).await);
        assert_eq!(status, StatusCode::OK, "{path}: {text}");
        text
    }
}

/// A header of an answer; empty if there is none.
pub fn header<'a>(answer: &'a Response<Body>, name: &str) -> &'a str {
    answer.headers().get(name).map_or("", |value| value.to_str().unwrap())
}

/// The cookie that an answer sets.
pub fn session_cookie(answer: &Response<Body>) -> String {
    header(answer, "set-cookie").split(';').next().unwrap().to_owned()
}

pub async fn text(answer: Response<Body>) -> String {
    String::from_utf8(answer.into_body().collect().await.unwrap().to_bytes().to_vec()).unwrap()
}
