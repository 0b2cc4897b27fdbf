//! Sends segments to X-Ray's daemon.

use serde::Serialize;
use spillway_core::trace::Segment;
use std::net::{SocketAddr, UdpSocket};

/// The header of each document ("Sending segment documents to the X-Ray daemon" in X-Ray's developer guide).
const HEADER: &str = "{\"format\": \"json\", \"version\": 1}\n";
/// Maximum bytes of a document: 64 KB by X-Ray's rule, and a UDP datagram (65,507) without the header.
const MAX_BYTES: usize = 64_000;

/// X-Ray's daemon, which Lambda runs beside a traced function.
///
/// The kernel takes each datagram at once. A missing or slow daemon costs segments, but no time. So everything is sent
/// before an invocation's answer.
#[derive(Debug)]
pub struct Daemon(Option<UdpSocket>);

#[derive(Serialize)]
struct Document<'s> {
    #[serde(flatten)]
    segment: &'s Segment,
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    kind: Option<&'static str>,
}

impl Daemon {
    /// The daemon that listens at this address. Without a socket nothing is sent.
    pub fn at(address: SocketAddr) -> Self {
        let any = if address.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
        let socket = UdpSocket::bind(any).and_then(|socket| {
            socket.connect(address)?;
            socket.set_nonblocking(true)?;
            Ok(socket)
        });
        if let Err(error) = &socket {
            tracing::warn!(%error, %address, "X-Ray's daemon can't be reached; nothing is traced");
        }
        Self(socket.ok())
    }

    /// No daemon: nothing is sent.
    pub fn none() -> Self {
        Self(None)
    }

    /// Sends a segment.
    pub fn segment(&self, segment: Segment) {
        self.send(segment, None);
    }

    /// Sends a single subsegment. It names its trace and its parent.
    pub fn subsegment(&self, segment: Segment) {
        self.send(segment, Some("subsegment"));
    }

    /// A document that is too large is split: its parts follow as subsegments that name it.
    fn send(&self, mut segment: Segment, kind: Option<&'static str>) {
        let Some(socket) = &self.0 else { return };
        let Ok(document) = serde_json::to_string(&Document { segment: &segment, kind }) else { return };
        if document.len() <= MAX_BYTES {
            if let Err(error) = socket.send(format!("{HEADER}{document}").as_bytes()) {
                tracing::debug!(%error, "a segment was not sent");
            }
            return;
        }
        let parts = std::mem::take(&mut segment.subsegments);
        if parts.is_empty() {
            tracing::debug!(bytes = document.len(), name = segment.name, "a segment is too large to be sent");
            return;
        }
        let (trace_id, parent_id) = (segment.trace_id.clone(), segment.id.clone());
        self.send(segment, kind);
        for mut part in parts {
            part.trace_id.clone_from(&trace_id);
            part.parent_id = Some(parent_id.clone());
            self.send(part, Some("subsegment"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;
    use spillway_core::Timestamp;
    use std::time::Duration;

    fn listener() -> (UdpSocket, Daemon) {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        let daemon = Daemon::at(socket.local_addr().unwrap());
        (socket, daemon)
    }

    fn next(socket: &UdpSocket) -> Value {
        let mut bytes = vec![0; 65_536];
        let length = socket.recv(&mut bytes).unwrap();
        let text = std::str::from_utf8(&bytes[..length]).unwrap();
        let (header, document) = text.split_once('\n').unwrap();
        assert_eq!(
            serde_json::from_str::<Value>(header).unwrap(),
            serde_json::json!({"format": "json", "version": 1})
        );
        serde_json::from_str(document).unwrap()
    }

    fn segment(name: &str) -> Segment {
        Segment::new(name, Timestamp::UNIX_EPOCH, Timestamp::UNIX_EPOCH)
    }

    #[test]
    fn a_datagram_is_what_the_daemon_reads() {
        let (socket, daemon) = listener();
        let mut whole = segment("shop-consumer");
        whole.trace_id = "1-5759e988-bd862e3fe1be46a994272793".to_owned();
        whole.subsegments.push(segment("DynamoDB"));
        let id = whole.id.clone();
        daemon.segment(whole);
        let document = next(&socket);
        assert_eq!((&document["name"], &document["id"]), (&"shop-consumer".into(), &id.into()));
        assert_eq!(document["subsegments"][0]["name"], "DynamoDB");
        assert!(document.get("type").is_none());
        let mut part = segment("accept");
        part.trace_id = "1-5759e988-bd862e3fe1be46a994272793".to_owned();
        part.parent_id = Some("53995c3f42cd8ad8".to_owned());
        daemon.subsegment(part);
        let document = next(&socket);
        assert_eq!(
            (&document["type"], &document["parent_id"]),
            (&"subsegment".into(), &"53995c3f42cd8ad8".into())
        );
    }

    #[test]
    fn a_large_document_is_sent_in_parts_that_name_it() {
        let (socket, daemon) = listener();
        let mut whole = segment("large");
        whole.trace_id = "1-5759e988-bd862e3fe1be46a994272793".to_owned();
        let text = "x".repeat(1_000);
        whole.subsegments = (0..80)
            .map(|number| segment(&format!("part {number}")).annotated("note", text.as_str()))
            .collect();
        let mut too_large = segment("too large");
        too_large.aws = Some("x".repeat(MAX_BYTES).into());
        too_large.subsegments.push(segment("part of it"));
        whole.subsegments.push(too_large);
        let (id, trace) = (whole.id.clone(), whole.trace_id.clone());
        daemon.segment(whole);
        let first = next(&socket);
        assert_eq!((&first["name"], first.get("subsegments")), (&"large".into(), None));
        for number in 0..80 {
            let part = next(&socket);
            assert_eq!(part["name"], format!("part {number}"));
            assert_eq!((&part["parent_id"], &part["trace_id"]), (&id.clone().into(), &trace.clone().into()));
        }
        assert_eq!(next(&socket)["name"], "part of it", "only the part that is too large itself is left out");
    }

    #[test]
    fn without_a_daemon_nothing_happens() {
        Daemon::none().segment(segment("x"));
        let gone = UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let daemon = Daemon::at(gone);
        for _ in 0..3 {
            daemon.segment(segment("x"));
        }
    }
}
