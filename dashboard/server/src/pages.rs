//! The app's routes, and the context of its pages.

use crate::Deps;
use axum::{Router, body::Body, routing};
use futures::{StreamExt, stream};
use http::{Request, Response};
use leptos::{IntoView, prelude::provide_context, view};
use leptos_integration_utils::{BoxedFnOnce, PinnedFuture, PinnedStream};
use spillway_dashboard_app::{pages::Pages, shell::Shell};
use std::sync::Arc;

/// Every page, and every server function below `/actions/`. For unknown addresses the app has a page.
pub fn routes(deps: &Deps) -> Router {
    let context = context(deps);
    let act =
        move |request: Request<Body>| leptos_axum::handle_server_fns_with_context(context.clone(), request);
    let draw = drawn(deps);
    let pages = leptos_axum::generate_route_list(|| view! { <Pages /> });
    pages
        .iter()
        .fold(Router::new(), |router, page| router.route(page.path(), routing::get(draw.clone())))
        .route("/actions/{*name}", routing::post(act))
        .fallback(draw)
}

/// A handler that draws a page with the pages' context.
fn drawn(
    deps: &Deps,
) -> impl Fn(Request<Body>) -> PinnedFuture<Response<Body>> + Clone + Send + Sync + 'static {
    // Leptos spawns on the runtime of the first call; later calls have no effect.
    let _already_set = any_spawner::Executor::init_tokio();
    let context = context(deps);
    let app = || view! { <Shell><Pages /></Shell> };
    move |request| leptos_axum::handle_response_inner(context.clone(), app, request, whole_page)
}

fn context(deps: &Deps) -> impl Fn() + Clone + Send + Sync + 'static {
    let ports = deps.ports.clone();
    let paths = Arc::new(deps.assets.paths().clone());
    move || {
        ports.provide();
        provide_context(Arc::clone(&paths));
    }
}

/// Draws a complete page when all its data is available. It leaves out the inline scripts with data for hydration: only
/// islands are hydrated, and they have their own data. So the content security policy needs no exception.
fn whole_page<V: IntoView + 'static>(
    page: V,
    _scripts: BoxedFnOnce<PinnedStream<String>>,
    _out_of_order: bool,
) -> PinnedFuture<PinnedStream<String>> {
    Box::pin(async move {
        let html = page.to_html_stream_in_order().collect::<String>().await;
        Box::pin(stream::once(async move { html })) as PinnedStream<String>
    })
}
