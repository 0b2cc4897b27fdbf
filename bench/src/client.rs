//! A small HTTP/1.1 client that costs almost nothing itself, so that the benchmark measures the server.

use anyhow::{Context, Result, bail, ensure};
use std::net::SocketAddr;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Larger than any answer here.
const MAX_BYTES: usize = 64 * 1024 * 1024;
const MAX_HEADERS: usize = 64;

/// One connection that stays open.
pub struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

#[derive(Debug, PartialEq, Eq)]
pub struct Answer {
    pub status: u16,
    /// Its headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// Its body as it arrived: compressed if the server has compressed it.
    pub body: Vec<u8>,
}

impl Answer {
    /// The first header of that name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }
}

impl Connection {
    /// Connects.
    pub async fn open(address: SocketAddr) -> Result<Self> {
        let stream =
            TcpStream::connect(address).await.with_context(|| format!("cannot connect to {address}"))?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: Vec::with_capacity(16 * 1024) })
    }

    /// Sends a complete request and returns the status of the answer. The rest of the answer is read and dropped.
    pub async fn status(&mut self, request: &[u8]) -> Result<u16> {
        let (head, _) = self.exchange(request).await?;
        Ok(head.status)
    }

    /// Sends a complete request and reads its answer.
    pub async fn answer(&mut self, request: &[u8]) -> Result<Answer> {
        let (head, end) = self.exchange(request).await?;
        let raw = &self.buffer[head.length..end];
        let body =
            if head.is_chunked() { unchunk(raw)?.context("a chunk is missing")?.0 } else { raw.to_vec() };
        let headers = parse_headers(&self.buffer[..head.length])?;
        Ok(Answer { status: head.status, headers, body })
    }

    /// Sends the request. Afterwards the buffer holds the answer, up to the returned position.
    async fn exchange(&mut self, request: &[u8]) -> Result<(Head, usize)> {
        self.stream.write_all(request).await.context("the request could not be sent")?;
        self.buffer.clear();
        let mut head = None;
        loop {
            let read =
                self.stream.read_buf(&mut self.buffer).await.context("the answer could not be read")?;
            ensure!(read > 0, "the server closed the connection before its answer was complete");
            ensure!(self.buffer.len() <= MAX_BYTES, "the answer is larger than {MAX_BYTES} bytes");
            if head.is_none() {
                head = Head::parse(&self.buffer)?;
            }
            if let Some(found) = &head
                && let Some(end) = found.end(&self.buffer)?
            {
                ensure!(end == self.buffer.len(), "more came than one answer");
                return Ok((head.take().context("there is a head")?, end));
            }
        }
    }
}

/// The part of an answer's head that says how to read the answer.
struct Head {
    status: u16,
    /// Bytes of the head.
    length: usize,
    /// Bytes of the body; `None` if it comes in chunks.
    body: Option<usize>,
}

impl Head {
    fn parse(bytes: &[u8]) -> Result<Option<Self>> {
        let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
        let mut response = httparse::Response::new(&mut headers);
        let length = match response.parse(bytes).context("the answer is no HTTP")? {
            httparse::Status::Partial => return Ok(None),
            httparse::Status::Complete(length) => length,
        };
        let status = response.code.context("the answer has no status")?;
        let mut body = None;
        let mut chunked = false;
        for header in response.headers.iter() {
            if header.name.eq_ignore_ascii_case("content-length") {
                let text = std::str::from_utf8(header.value)?;
                body = Some(text.trim().parse().context("the answer's length is no number")?);
            } else if header.name.eq_ignore_ascii_case("transfer-encoding") {
                chunked = header.value.eq_ignore_ascii_case(b"chunked");
            }
        }
        match (body, chunked, status) {
            (_, true, _) => Ok(Some(Self { status, length, body: None })),
            (Some(_), false, _) => Ok(Some(Self { status, length, body })),
            (None, false, 204 | 304) => Ok(Some(Self { status, length, body: Some(0) })),
            (None, false, _) => bail!("the answer does not say how long it is"),
        }
    }

    fn is_chunked(&self) -> bool {
        self.body.is_none()
    }

    /// The position at which the answer ends, if all of it has arrived.
    fn end(&self, bytes: &[u8]) -> Result<Option<usize>> {
        match self.body {
            Some(length) => Ok((bytes.len() >= self.length + length).then_some(self.length + length)),
            // This is the shortest check for a possible last chunk.
            None if !bytes.ends_with(b"\r\n\r\n") => Ok(None),
            None => Ok(unchunk(&bytes[self.length..])?.map(|(_, end)| self.length + end)),
        }
    }
}

/// The content of a chunked body and the position where it ends; `None` if part of it is missing.
fn unchunk(bytes: &[u8]) -> Result<Option<(Vec<u8>, usize)>> {
    let mut content = Vec::with_capacity(bytes.len());
    let mut at = 0;
    loop {
        let rest = bytes.get(at..).unwrap_or_default();
        let Ok(size) = httparse::parse_chunk_size(rest) else { bail!("a chunk has no size") };
        let httparse::Status::Complete((header, size)) = size else { return Ok(None) };
        let start = at + header;
        let end = start + usize::try_from(size)?;
        let Some(chunk) = bytes.get(start..end) else { return Ok(None) };
        if bytes.get(end..end + 2).is_none() {
            return Ok(None);
        }
        if size == 0 {
            return Ok(Some((content, end + 2)));
        }
        content.extend_from_slice(chunk);
        at = end + 2;
    }
}

fn parse_headers(head: &[u8]) -> Result<Vec<(String, String)>> {
    let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut response = httparse::Response::new(&mut headers);
    response.parse(head)?;
    let text = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
    Ok(response.headers.iter().map(|header| (header.name.to_lowercase(), text(header.value))).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::net::TcpListener;

    /// What the client returns for an answer that arrives in these pieces.
    async fn answered(pieces: &[&[u8]]) -> Result<Answer> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let server = async {
            let (mut stream, _) = listener.accept().await?;
            let mut request = [0; 3];
            stream.read_exact(&mut request).await?;
            for piece in pieces {
                stream.write_all(piece).await?;
                stream.flush().await?;
                tokio::task::yield_now().await;
            }
            anyhow::Ok(())
        };
        let client = async { Connection::open(address).await?.answer(b"GET").await };
        let (served, answer) = tokio::join!(server, client);
        served?;
        answer
    }

    #[tokio::test]
    async fn a_body_with_a_length_and_one_in_chunks_are_read_whole() {
        let plain =
            answered(&[b"HTTP/1.1 202 Accepted\r\nContent-", b"Length: 4\r\n\r\nab", b"cd"]).await.unwrap();
        assert_eq!(
            (plain.status, &*plain.body, plain.header("content-length")),
            (202, &b"abcd"[..], Some("4"))
        );
        let chunked = answered(&[
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nab\r\n\r\n2\r",
            b"\ncd\r\n0\r\n",
            b"\r\n",
        ]);
        assert_eq!(chunked.await.unwrap().body, b"ab\r\ncd");
    }

    #[tokio::test]
    async fn a_broken_answer_is_an_error() {
        for (pieces, expected) in [
            (&[&b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nshort"[..]][..], "closed the connection"),
            (&[&b"no HTTP at all\r\n\r\n"[..]][..], "no HTTP"),
            (&[&b"HTTP/1.1 200 OK\r\n\r\n"[..]][..], "how long"),
        ] {
            let error = answered(pieces).await.unwrap_err();
            assert!(format!("{error:#}").contains(expected), "{error:#}");
        }
    }
}
