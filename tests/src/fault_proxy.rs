//! A reverse proxy that makes calls to AWS fail on purpose, because no emulator can.
//!
//! The functions get its address instead of the emulator's. It passes calls on unless a [`Rule`] says otherwise. It can
//! answer like a throttled or failed service, delay answers, and accept only part of a batch. It can also cut a
//! connection before or after the call had its effect. It counts its actions, so that a test can check that the
//! requested faults really happened.

mod answers;
mod call;
mod partial;
mod rules;

pub use call::{Call, Service};
pub use rules::{Calls, Counts, Fault, Rule};

use http::{HeaderMap, Request, Response, header};
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioIo};
use rules::Rules;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

type Answer = Response<Full<Bytes>>;

/// A running proxy on a loopback port; it ends when this is dropped.
#[derive(Debug)]
pub struct FaultProxy {
    address: SocketAddr,
    shared: Arc<Shared>,
    accepting: JoinHandle<()>,
}

#[derive(Debug)]
struct Shared {
    upstream: SocketAddr,
    client: Client<HttpConnector, Full<Bytes>>,
    rules: Mutex<Rules>,
}

impl FaultProxy {
    /// Starts a proxy without faults in front of an address.
    pub async fn start(upstream: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        let shared = Arc::new(Shared {
            upstream,
            client: Client::builder(TokioExecutor::new()).build(connector),
            rules: Mutex::default(),
        });
        let address = listener.local_addr()?;
        let accepting = tokio::spawn(accept(listener, Arc::clone(&shared)));
        Ok(Self { address, shared, accepting })
    }

    /// The URL for clients to use as the endpoint of AWS.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Replaces all rules. The seed decides which calls fail.
    pub fn set(&self, seed: u64, rules: Vec<Rule>) {
        self.rules(|now| now.set(seed, rules));
    }

    /// Removes all rules: from now on no call fails.
    pub fn clear(&self) {
        self.set(0, Vec::new());
    }

    /// The calls and faults since the proxy started.
    pub fn counts(&self) -> Counts {
        self.rules(|rules| rules.counts().clone())
    }

    fn rules<T>(&self, with: impl FnOnce(&mut Rules) -> T) -> T {
        self.shared.rules(with)
    }
}

impl Drop for FaultProxy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    // Dropping the set ends the connections together with the proxy.
    let mut connections = tokio::task::JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        connections.spawn(serve(stream, Arc::clone(&shared)));
        while connections.try_join_next().is_some() {}
    }
}

async fn serve(stream: TcpStream, shared: Arc<Shared>) {
    let _ = stream.set_nodelay(true);
    let service = service_fn(|request| {
        let shared = Arc::clone(&shared);
        async move { shared.handle(request).await }
    });
    // The service returns an error in order to cut a connection.
    let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

impl Shared {
    fn rules<T>(&self, with: impl FnOnce(&mut Rules) -> T) -> T {
        with(&mut self.rules.lock().unwrap_or_else(PoisonError::into_inner))
    }

    async fn handle(&self, request: Request<Incoming>) -> io::Result<Answer> {
        let (head, body) = request.into_parts();
        let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
        let call = Call::of(&head);
        let fault = self.rules(|rules| rules.draw(&call, &head.uri, &body));
        let request = Request::from_parts(head, body);
        match fault {
            None => self.pass(request).await,
            Some(Fault::Throttle) => Ok(answers::throttled(&call)),
            Some(Fault::Fail) => Ok(answers::failed(&call)),
            Some(Fault::CutBefore) => Err(cut()),
            Some(Fault::CutAfter) => self.pass(request).await.and_then(|_| Err(cut())),
            Some(Fault::Slow(delay)) => {
                tokio::time::sleep(delay).await;
                self.pass(request).await
            }
            Some(Fault::Partial) => self.partial(&call, request).await,
        }
    }

    /// Sends all but the last item of a batch, and answers that the last one was not accepted.
    async fn partial(&self, call: &Call, mut request: Request<Bytes>) -> io::Result<Answer> {
        let Some((fewer, refused)) = partial::split(call, request.body()) else {
            return Ok(answers::throttled(call));
        };
        let answer = match fewer {
            None => answers::json(200, &serde_json::json!({})),
            Some(fewer) => {
                *request.body_mut() = fewer.into();
                self.pass(request).await?
            }
        };
        let (head, body) = answer.into_parts();
        let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
        if !head.status.is_success() {
            return Ok(Response::from_parts(head, body.into()));
        }
        Ok(answers::json(200, &refused.add_to(&body)))
    }

    async fn pass(&self, request: Request<Bytes>) -> io::Result<Answer> {
        let (mut head, body) = request.into_parts();
        let path = head.uri.path_and_query().map_or("/", |path| path.as_str());
        head.uri = format!("http://{}{path}", self.upstream).parse().map_err(io::Error::other)?;
        forget_hop(&mut head.headers);
        // The body has already arrived, so there is no need to wait for `100 Continue`.
        head.headers.remove(header::EXPECT);
        let request = Request::from_parts(head, Full::new(body));
        let (mut head, body) = self.client.request(request).await.map_err(io::Error::other)?.into_parts();
        let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
        forget_hop(&mut head.headers);
        Ok(Response::from_parts(head, body.into()))
    }
}

/// Removes headers that apply to one connection only, and the length, which is set again.
fn forget_hop(headers: &mut HeaderMap) {
    for name in [header::CONNECTION, header::TRANSFER_ENCODING, header::CONTENT_LENGTH] {
        headers.remove(name);
    }
    headers.remove("keep-alive");
}

fn cut() -> io::Error {
    io::Error::new(io::ErrorKind::ConnectionReset, "cut on purpose")
}

#[cfg(test)]
mod tests;
