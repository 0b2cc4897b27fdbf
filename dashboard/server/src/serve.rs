//! The socket.

use crate::{Deps, router};
use axum::{http::StatusCode, response::IntoResponse as _};
use spillway_embedded::listener::{self, Limits};
use std::{io, net::SocketAddr, time::Duration};
use thiserror::Error;
use tokio::net::TcpListener;
use tower::ServiceExt as _;

/// Connections at once. The API's listener has 768 of the same process.
const MAX_CONNECTIONS: usize = 128;
/// For a request's body to arrive and its page to be drawn.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(60);

/// Why the server cannot run.
#[derive(Debug, Error)]
pub enum ServeError {
    /// Other machines could reach it.
    #[error(
        "the dashboard listens on loopback addresses only, and other machines can reach {address}; use \
         127.0.0.1, and an SSH tunnel to open it from another machine"
    )]
    NotLoopback {
        /// The requested address.
        address: SocketAddr,
    },
    /// Another program uses the port.
    #[error("port {port} is in use; stop the program that has it, or choose another port")]
    PortInUse {
        /// The port.
        port: u16,
    },
    /// The socket cannot be opened for another reason.
    #[error("cannot listen on {address}")]
    Listen {
        /// The requested address.
        address: SocketAddr,
        /// The cause.
        #[source]
        source: io::Error,
    },
    /// The socket failed while the server ran.
    #[error("the dashboard's socket failed")]
    Socket(#[from] io::Error),
}

/// Binds a loopback address. Port 0 means any free port.
///
/// # Errors
/// Other machines could reach the address, or it cannot be bound.
pub async fn bind(address: SocketAddr) -> Result<TcpListener, ServeError> {
    if !address.ip().is_loopback() {
        return Err(ServeError::NotLoopback { address });
    }
    TcpListener::bind(address).await.map_err(|source| match source.kind() {
        io::ErrorKind::AddrInUse => ServeError::PortInUse { port: address.port() },
        _ => ServeError::Listen { address, source },
    })
}

/// Serves until `shutdown` ends, and then completes running answers. Connections have limits and timeouts.
///
/// # Errors
/// Other machines could reach the socket, or it fails.
pub async fn serve(
    listener: TcpListener,
    deps: Deps,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> Result<(), ServeError> {
    let address = listener.local_addr()?;
    if !address.ip().is_loopback() {
        return Err(ServeError::NotLoopback { address });
    }
    let router = router(deps);
    let service = move |request| {
        let answer = tokio::time::timeout(REQUEST_TIMEOUT, router.clone().oneshot(request));
        async {
            match answer.await {
                Ok(Ok(response)) => response,
                Ok(Err(never)) => match never {},
                Err(_) => StatusCode::REQUEST_TIMEOUT.into_response(),
            }
        }
    };
    let limits = Limits { max_connections: MAX_CONNECTIONS, ..Limits::default() };
    listener::serve(listener, limits, service, shutdown).await;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn addresses_that_other_machines_reach_are_refused() {
        let error = bind("0.0.0.0:0".parse().unwrap()).await.unwrap_err();
        assert!(error.to_string().contains("listens on loopback addresses only"), "{error}");
        assert!(bind("[::]:0".parse().unwrap()).await.is_err());
    }

    #[tokio::test]
    async fn a_port_in_use_is_named() {
        let first = bind("127.0.0.1:0".parse().unwrap()).await.unwrap();
        let address = first.local_addr().unwrap();
        let error = bind(address).await.unwrap_err();
        assert_eq!(
            error.to_string(),
            format!(
                "port {} is in use; stop the program that has it, or choose another port",
                address.port()
            )
        );
    }
}
