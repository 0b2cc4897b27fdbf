//! The dashboard's HTTP server: routes, sign-in, security headers, files.
//!
//! It listens on loopback addresses only, and every page requires a session. [`router`] is the whole server as an axum
//! router; [`serve`] runs it on a socket.

mod assets;
#[cfg(feature = "aws")]
pub mod aws;
pub mod embedded;
mod pages;
mod preferences;
mod security;
mod serve;
mod sign_in;
mod sign_ins;

pub use assets::{Assets, AssetsError};
pub use serve::{ServeError, bind, serve};
pub use sign_ins::{InMemoryTokens, Secret, Sessions, SignInError, Tokens, digest};
pub use spillway_dashboard_app::ports::Environment;

use axum::{Router, middleware, routing};
use spillway_dashboard_app::ports::Ports;
use spillway_embedded::listener::Hosts;
use std::sync::Arc;
use tower_http::{
    CompressionLevel,
    catch_panic::CatchPanicLayer,
    compression::{CompressionLayer, DefaultPredicate},
};

/// The server's dependencies.
#[derive(Clone)]
pub struct Deps {
    /// The ports of the pages.
    pub ports: Ports,
    /// The tokens of sign-in links.
    pub tokens: Arc<dyn Tokens>,
    /// The open sessions.
    pub sessions: Arc<Sessions>,
    /// The style sheet, the icon and, if they were built, the browser's files.
    pub assets: Arc<Assets>,
    /// The port that it listens on. Browsers send a host's cookies to all its ports. So the session cookie's name
    /// contains the port, and two dashboards on one machine do not end each other's sessions.
    pub port: u16,
    /// The host names under which browsers may reach it.
    pub hosts: Hosts,
    /// The command that prints a new sign-in link. The server shows it to clients without a session, so it names no
    /// folder or file of this machine.
    pub sign_in_command: &'static str,
}

/// All routes, with sign-in and security headers around them.
pub fn router(deps: Deps) -> Router {
    // This level is fast, and its output is only a few percent larger than that of the slowest.
    let compression = CompressionLayer::<DefaultPredicate>::new().quality(CompressionLevel::Precise(4));
    let hosts = deps.hosts.clone();
    pages::routes(&deps)
        .route("/settings", routing::post(preferences::change))
        .route("/sign-out", routing::post(sign_in::sign_out).with_state(deps.clone()))
        .layer(middleware::from_fn_with_state(deps.clone(), sign_in::require_session))
        .route("/sign-in", routing::get(sign_in::sign_in).with_state(deps.clone()))
        .route("/assets/{name}", routing::get(assets::serve).with_state(Arc::clone(&deps.assets)))
        .layer(middleware::from_fn(security::same_origin_posts))
        .layer(middleware::from_fn_with_state(hosts, security::known_hosts))
        .layer(CatchPanicLayer::custom(security::after_panic))
        .layer(compression)
        .layer(middleware::from_fn(security::headers))
}
