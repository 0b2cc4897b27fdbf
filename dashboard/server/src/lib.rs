//! The dashboard's HTTP server: routes, sign-in, security headers, files.
//!
//! It listens on loopback addresses only and trusts nobody who has no session. [`router`] is all of it
//! as an axum router; [`serve`] runs that on a socket.

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
pub use sign_ins::{InMemorySignIns, Secret, SignInError, SignIns, digest};
pub use spillway_dashboard_app::ports::Environment;

use axum::{Router, middleware, routing};
use spillway_dashboard_app::ports::Ports;
use std::sync::Arc;
use tower_http::{
    CompressionLevel,
    catch_panic::CatchPanicLayer,
    compression::{CompressionLayer, DefaultPredicate},
};

/// Everything that the server needs.
#[derive(Clone)]
pub struct Deps {
    /// What the pages read and do.
    pub ports: Ports,
    /// Who may look.
    pub sign_ins: Arc<dyn SignIns>,
    /// The style sheet, the icon and, where it was built, the browser's part.
    pub assets: Arc<Assets>,
    /// The port that it listens on. Browsers send a host's cookies to every port of it, so the session
    /// cookie's name has this one in it, and two dashboards on one machine do not sign each other out.
    pub port: u16,
    /// The command that prints a new sign-in link, told to whoever has no session.
    pub sign_in_command: String,
}

/// All routes, with sign-in and security headers around them.
pub fn router(deps: Deps) -> Router {
    // Fast, and within a few percent of the slowest level for pages of this size.
    let compression = CompressionLayer::<DefaultPredicate>::new().quality(CompressionLevel::Precise(4));
    pages::routes(&deps)
        .route("/settings", routing::post(preferences::change))
        .layer(middleware::from_fn_with_state(deps.clone(), sign_in::require_session))
        .route("/sign-in", routing::get(sign_in::sign_in).with_state(deps.clone()))
        .route("/assets/{name}", routing::get(assets::serve).with_state(Arc::clone(&deps.assets)))
        .layer(middleware::from_fn(security::same_origin_posts))
        .layer(middleware::from_fn(security::loopback_hosts))
        .layer(CatchPanicLayer::custom(security::after_panic))
        .layer(compression)
        .layer(middleware::from_fn(security::headers))
}
