//! A receiver of notifications.

use crate::http::Answer;
use serde_json::Value;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// A webhook on this machine that accepts every message; it ends with the test's runtime.
#[derive(Debug)]
pub struct Receiver {
    url: String,
    received: Arc<Mutex<Vec<Value>>>,
}

impl Receiver {
    /// Starts one on a free port.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}/hook", listener.local_addr().expect("it is bound"));
        let received = Arc::<Mutex<Vec<Value>>>::default();
        let noted = Arc::clone(&received);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(receive(stream, Arc::clone(&noted)));
            }
        });
        Self { url, received }
    }

    /// Its address.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Whether it was told that an alarm fired.
    pub fn has_fired(&self, rule: &str) -> bool {
        let received = self.received.lock().unwrap_or_else(PoisonError::into_inner);
        received.iter().any(|message| message["rule"] == rule && message["state"] == "ALARM")
    }

    /// All messages.
    pub fn received(&self) -> Vec<Value> {
        self.received.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Reads one request, and asks for a new connection for the next.
async fn receive(mut stream: TcpStream, noted: Arc<Mutex<Vec<Value>>>) {
    let mut bytes = Vec::new();
    while stream.read_buf(&mut bytes).await.is_ok_and(|read| read > 0) {
        // A request has the form of an answer, except for its first line.
        let text = String::from_utf8_lossy(&bytes).replacen("POST /hook HTTP/1.1", "HTTP/1.1 200", 1);
        let Some(request) = Answer::read(text.as_bytes()) else { continue };
        let Ok(message) = serde_json::from_slice(&request.body) else { continue };
        noted.lock().unwrap_or_else(PoisonError::into_inner).push(message);
        let _ = stream.write_all(b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n").await;
        return;
    }
}
