//! HTTP over a plain socket, so that a test controls every byte that it sends.

use serde_json::Value;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// Longer than any time limit of the server.
const TIMEOUT: Duration = Duration::from_secs(60);

/// An answer.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// The headers, with names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Answer {
    /// A header's value.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(header, _)| header == name).map(|(_, value)| value.as_str())
    }

    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The event id in a `202` answer.
    pub fn id(&self) -> String {
        assert_eq!(self.status, 202, "{}", String::from_utf8_lossy(&self.body));
        self.json()["id"].as_str().expect("an accepted event has an id").to_owned()
    }

    /// Parses an answer from bytes; `None` while its head is incomplete.
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")?;
        let head = std::str::from_utf8(&bytes[..end]).ok()?;
        let mut lines = head.split("\r\n");
        let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
        let headers: Vec<_> = lines
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
            .collect();
        Some(Self { status, headers, body: bytes[end + 4..].to_vec() })
    }

    fn is_whole(&self) -> bool {
        let expected = self.header("content-length").and_then(|length| length.parse::<usize>().ok());
        expected.is_some_and(|length| self.body.len() >= length)
    }
}

/// A request.
#[derive(Clone, Debug)]
pub struct Request {
    line: String,
    headers: Vec<u8>,
    body: Vec<u8>,
}

impl Request {
    /// `POST /events` with a content type and a body.
    pub fn post(content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        Self::to("POST", "/events").header("content-type", content_type).body(body)
    }

    /// Any method and path, without a body.
    pub fn to(method: &str, path: &str) -> Self {
        Self { line: format!("{method} {path} HTTP/1.1\r\n"), headers: Vec::new(), body: Vec::new() }
    }

    /// Adds a header. Its value may contain bytes that are not text.
    pub fn header(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.headers.extend_from_slice(name.as_bytes());
        self.headers.extend_from_slice(b": ");
        self.headers.extend_from_slice(value.as_ref());
        self.headers.extend_from_slice(b"\r\n");
        self
    }

    /// Changes the path.
    pub fn path(mut self, path: &str) -> Self {
        let method = self.line.split(' ').next().unwrap_or_default();
        self.line = format!("{method} {path} HTTP/1.1\r\n");
        self
    }

    /// Sets the body.
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    /// The whole request as it is sent over the network.
    pub fn bytes(&self) -> Vec<u8> {
        let mut bytes = self.line.clone().into_bytes();
        if !self.headers.starts_with(b"host:") {
            bytes.extend_from_slice(b"host: localhost\r\n");
        }
        bytes.extend_from_slice(&self.headers);
        bytes.extend_from_slice(format!("content-length: {}\r\n\r\n", self.body.len()).as_bytes());
        bytes.extend_from_slice(&self.body);
        bytes
    }
}

/// Sends a request and reads the answer.
pub async fn send(to: SocketAddr, request: &Request) -> Result<Answer, String> {
    exchange(to, &request.bytes()).await
}

/// Sends bytes and reads the answer. If sending fails, it still reads: a server that refuses early has already
/// answered.
pub async fn exchange(to: SocketAddr, bytes: &[u8]) -> Result<Answer, String> {
    let mut stream = TcpStream::connect(to).await.map_err(|error| format!("cannot connect: {error}"))?;
    let sent = stream.write_all(bytes).await;
    let answer = answer(&mut stream).await;
    match (answer, sent) {
        (Ok(answer), _) => Ok(answer),
        (Err(error), Err(sending)) => Err(format!("{error}, after sending failed: {sending}")),
        (Err(error), Ok(())) => Err(error),
    }
}

/// Reads one answer from a connection.
pub async fn answer(stream: &mut TcpStream) -> Result<Answer, String> {
    let mut bytes = Vec::new();
    let read = async {
        loop {
            if let Some(answer) = Answer::read(&bytes).filter(Answer::is_whole) {
                return Ok(answer);
            }
            match stream.read_buf(&mut bytes).await {
                Ok(0) => {
                    break Answer::read(&bytes).ok_or("the connection ended without an answer".to_owned());
                }
                Ok(_) => {}
                Err(error) => break Err(format!("the connection broke: {error}")),
            }
        }
    };
    tokio::time::timeout(TIMEOUT, read).await.unwrap_or_else(|_| Err(format!("no answer within {TIMEOUT:?}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_parsed_when_it_is_complete() {
        let bytes = b"HTTP/1.1 202 Accepted\r\nContent-Length: 10\r\n\r\n{\"id\":\"1\"}";
        assert!(Answer::read(&bytes[..30]).is_none());
        assert!(!Answer::read(&bytes[..bytes.len() - 1]).unwrap().is_whole());
        let answer = Answer::read(bytes).unwrap();
        assert!(answer.is_whole());
        assert_eq!((answer.header("content-length"), answer.id().as_str()), (Some("10"), "1"));
    }

    #[test]
    fn a_request_has_exactly_the_given_bytes() {
        let request = Request::post("a/b", "{}").header("ce-subject", b"\xff");
        let expected =
            b"POST /events HTTP/1.1\r\nhost: localhost\r\ncontent-type: a/b\r\nce-subject: \xff\r\n\
                         content-length: 2\r\n\r\n{}";
        assert_eq!(request.bytes(), expected);
    }
}
