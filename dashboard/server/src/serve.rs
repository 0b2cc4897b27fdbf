//! The socket.

use crate::{Deps, router};
use axum::serve::ListenerExt;
use std::{io, net::SocketAddr};
use thiserror::Error;
use tokio::net::TcpListener;

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
    #[error("port {port} is in use by another program; stop that one or choose another port")]
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

/// Serves until `shutdown` ends, and then completes running answers.
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
    let listener = listener.tap_io(|stream| {
        // Without it, an answer in several parts waits for the client's delayed acknowledgement.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(error = %error, "cannot switch off send coalescing for a connection");
        }
    });
    axum::serve(listener, router(deps)).with_graceful_shutdown(shutdown).await?;
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
                "port {} is in use by another program; stop that one or choose another port",
                address.port()
            )
        );
    }
}
