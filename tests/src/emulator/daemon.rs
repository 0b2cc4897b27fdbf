//! The X-Ray daemon, as functions see it: it receives UDP datagrams with a header line and a segment document.

use serde_json::Value;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::net::UdpSocket;
use tokio::task::JoinHandle;

/// Stores every segment document that it receives; it ends when this is dropped.
#[derive(Debug)]
pub struct Daemon {
    address: SocketAddr,
    received: Arc<Mutex<Received>>,
    listening: JoinHandle<()>,
}

#[derive(Debug, Default)]
struct Received {
    documents: Vec<Value>,
    /// Datagrams that were not segments.
    unreadable: Vec<String>,
}

impl Daemon {
    /// Listens on a free loopback port.
    pub async fn start() -> io::Result<Self> {
        let socket = UdpSocket::bind(("127.0.0.1", 0)).await?;
        let address = socket.local_addr()?;
        let received = Arc::<Mutex<Received>>::default();
        let listening = tokio::spawn(listen(socket, Arc::clone(&received)));
        Ok(Self { address, received, listening })
    }

    /// The value for `AWS_XRAY_DAEMON_ADDRESS`.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The documents of a trace, in the order of arrival.
    pub fn trace(&self, trace_id: &str) -> Vec<Value> {
        self.documents(|document| document["trace_id"] == trace_id)
    }

    /// The documents that match `wanted`.
    pub fn documents(&self, wanted: impl Fn(&Value) -> bool) -> Vec<Value> {
        self.received().documents.iter().filter(|document| wanted(document)).cloned().collect()
    }

    /// Datagrams that X-Ray's daemon would not have understood.
    pub fn unreadable(&self) -> Vec<String> {
        self.received().unreadable.clone()
    }

    fn received(&self) -> std::sync::MutexGuard<'_, Received> {
        self.received.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

async fn listen(socket: UdpSocket, received: Arc<Mutex<Received>>) {
    // The largest datagram that the daemon accepts.
    let mut buffer = vec![0; 64 * 1024];
    while let Ok((length, _)) = socket.recv_from(&mut buffer).await {
        let datagram = &buffer[..length];
        let mut received = received.lock().unwrap_or_else(PoisonError::into_inner);
        match read(datagram) {
            Some(document) => received.documents.push(document),
            None => received.unreadable.push(String::from_utf8_lossy(datagram).into_owned()),
        }
    }
}

/// `{"format":"json","version":1}`, a line break, and one document.
fn read(datagram: &[u8]) -> Option<Value> {
    let end = datagram.iter().position(|byte| *byte == b'\n')?;
    let header: Value = serde_json::from_slice(&datagram[..end]).ok()?;
    let as_documented = header["format"] == "json" && header["version"] == 1;
    serde_json::from_slice(&datagram[end + 1..]).ok().filter(|_| as_documented)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_daemon_keeps_valid_segments() {
        let daemon = Daemon::start().await.unwrap();
        let socket = UdpSocket::bind(("127.0.0.1", 0)).await.unwrap();
        for datagram in [
            "{\"format\":\"json\",\"version\":1}\n{\"trace_id\":\"1-a-b\",\"name\":\"x\"}",
            "{\"trace_id\":\"1-a-b\"}",
            "{\"format\": \"json\", \"version\": 1}\nno json",
        ] {
            socket.send_to(datagram.as_bytes(), daemon.address()).await.unwrap();
        }
        crate::eventually("all have arrived", async || {
            let counts = (daemon.trace("1-a-b").len(), daemon.unreadable().len());
            if counts == (1, 2) { Ok(()) } else { Err(counts) }
        })
        .await;
    }
}
