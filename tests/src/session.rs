//! A browser's session, over plain HTTP.

use crate::http::{Answer, Request, send};
use std::net::SocketAddr;

/// A session of the dashboard.
#[derive(Clone, Debug)]
pub struct Session {
    dashboard: SocketAddr,
    cookie: String,
}

impl Session {
    /// Signs in with a link.
    pub async fn open(link: &str) -> Self {
        let (base, path) =
            link.strip_prefix("http://").and_then(|link| link.split_once('/')).expect("a link");
        let dashboard = base.parse().expect("an address");
        let answer = get(dashboard, &format!("/{path}"), "").await;
        assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
        let cookie = answer
            .header("set-cookie")
            .and_then(|cookie| cookie.split(';').next())
            .expect("a session")
            .to_owned();
        Self { dashboard, cookie }
    }

    /// The text of a page.
    pub async fn page(&self, path: &str) -> String {
        let answer = get(self.dashboard, path, &self.cookie).await;
        assert_eq!(answer.status, 200);
        String::from_utf8_lossy(&answer.body).into_owned()
    }
}

async fn get(dashboard: SocketAddr, path: &str, cookie: &str) -> Answer {
    let request = Request::to("GET", path)
        .header("host", dashboard.to_string())
        .header("cookie", cookie)
        .header("connection", "close");
    send(dashboard, &request).await.expect("an answer")
}
