//! A listener for HTTP with limits, for the API and for the dashboard. Slow, idle and greedy clients of one can't use up what
//! the clients of the other need.

mod hosts;

pub use hosts::{Hosts, Sender, is_host_name, sender};

use http::{Request, Response};
use hyper::body::{Body, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulConnection, GracefulShutdown};
use std::convert::Infallible;
use std::error::Error;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

/// Pause before the next attempt when the system can't give a connection, mostly for lack of file handles.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Limits of the listener. They keep slow and greedy clients from using up what others need.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// For a request's headers to arrive, and for an open connection to send its next request.
    pub header_timeout: Duration,
    /// For a request's body to arrive.
    pub body_timeout: Duration,
    /// Most bytes of request line and headers. API Gateway takes 10,240 bytes of headers.
    pub max_header_bytes: usize,
    /// Most header fields.
    pub max_headers: usize,
    /// Most connections at once. More wait in the listener's backlog. The sum of a process's listeners stays below the 1,024
    /// open files that many systems allow, with room for the databases'.
    pub max_connections: usize,
    /// For requests that are under way when a shutdown begins.
    pub shutdown_grace: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            header_timeout: Duration::from_secs(10),
            body_timeout: Duration::from_secs(30),
            max_header_bytes: 16 * 1024,
            max_headers: 200,
            max_connections: 768,
            shutdown_grace: Duration::from_secs(10),
        }
    }
}

/// Serves HTTP/1.1 with keep-alive until `shutdown` resolves, then answers the requests that are under way and returns.
pub async fn serve<A, B>(
    listener: TcpListener,
    limits: Limits,
    service: impl Fn(Request<Incoming>) -> A + Clone + Send + 'static,
    shutdown: impl Future<Output = ()>,
) where
    A: Future<Output = Response<B>> + Send + 'static,
    B: Body<Data: Send, Error: Into<Box<dyn Error + Send + Sync>>> + Send + 'static,
{
    let http = builder(&limits);
    let graceful = GracefulShutdown::new();
    let permits = Arc::new(Semaphore::new(limits.max_connections));
    let mut connections = JoinSet::new();
    let mut shutdown = pin!(shutdown);
    loop {
        let accepted = async {
            // Never closed, so there always is one in the end.
            let permit = Arc::clone(&permits).acquire_owned().await.ok();
            (permit, listener.accept().await)
        };
        let (permit, stream) = tokio::select! {
            biased;
            () = &mut shutdown => break,
            Some(_) = connections.join_next() => continue,
            (permit, accepted) = accepted => match accepted {
                Ok((stream, _)) => (permit, stream),
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                    continue;
                }
            },
        };
        let connection = graceful.watch(connect(&http, stream, service.clone()));
        connections.spawn(async move {
            if let Err(error) = connection.await {
                // Caused by the client: it disconnected, was too slow, or sent no HTTP.
                tracing::debug!(%error, "a connection ended early");
            }
            drop(permit);
        });
    }
    drop(listener);
    if tokio::time::timeout(limits.shutdown_grace, graceful.shutdown()).await.is_err() {
        tracing::warn!(open = connections.len(), "connections were still open when the grace period ended");
    }
    connections.shutdown().await;
}

fn builder(limits: &Limits) -> http1::Builder {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(limits.header_timeout)
        .max_header_size(limits.max_header_bytes)
        .max_headers(limits.max_headers)
        // A client that has sent all of its request may close its own side and still read the answer.
        .half_close(true)
        .keep_alive(true);
    http
}

/// Serves one connection.
fn connect<S, A, B>(
    http: &http1::Builder,
    stream: TcpStream,
    service: S,
) -> impl GracefulConnection<Error = hyper::Error> + Send + use<S, A, B>
where
    S: Fn(Request<Incoming>) -> A + Send + 'static,
    A: Future<Output = Response<B>> + Send + 'static,
    B: Body<Data: Send, Error: Into<Box<dyn Error + Send + Sync>>> + Send + 'static,
{
    // An answer is small: waiting for more of it would only delay it.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "TCP_NODELAY could not be set");
    }
    let service = service_fn(move |request| {
        let answer = service(request);
        async move { Ok::<_, Infallible>(answer.await) }
    });
    http.serve_connection(TokioIo::new(stream), service)
}
