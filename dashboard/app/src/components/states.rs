//! Empty states and errors of pages.

use super::{Icon, Sign, Title};
use crate::context::use_page;
use leptos::prelude::*;

/// An empty list, which is no error.
#[component]
pub fn EmptyState(
    /// The sentence: `No dead letters.`
    #[prop(into)]
    title: String,
    /// The meaning or the next step, if any.
    #[prop(optional)]
    children: Option<Children>,
) -> impl IntoView {
    view! {
        <div class="empty-state">
            <p class="empty-title">{title}</p>
            {children.map(|children| view! { <p class="empty-detail">{children()}</p> })}
        </div>
    }
}

/// The requested item does not exist. Also sets the status 404.
#[component]
pub fn NotFoundState(
    /// The sentence: `There is no replay with this id.`
    #[prop(into)]
    title: String,
    /// What to do.
    children: Children,
) -> impl IntoView {
    if let Some(response) = use_context::<leptos_axum::ResponseOptions>() {
        response.set_status(http::StatusCode::NOT_FOUND);
    }
    view! { <EmptyState title=title>{children()}</EmptyState> }
}

/// The page for unknown addresses.
#[component]
pub fn NotFoundPage() -> impl IntoView {
    view! {
        <Title text="Not found" />
        <NotFoundState title="There is no page at this address.">
            "It may have moved. " <a href="/">"Go to the overview"</a> "."
        </NotFoundState>
    }
}

/// An error: what happened, the reason if known, and what to do.
#[component]
pub fn ErrorState(
    /// What happened, in a sentence.
    #[prop(into)]
    title: String,
    /// The reason, and what to do.
    #[prop(optional)]
    children: Option<Children>,
    /// Whether to show a link that loads the page again.
    #[prop(optional)]
    retry: bool,
) -> impl IntoView {
    let again = retry.then(|| {
        let href = use_page().here();
        view! { <a class="button" href=href>"Try again"</a> }
    });
    view! {
        <div class="error-state" role="alert">
            <Icon sign=Sign::Cross />
            <div>
                <p class="error-title">{title}</p>
                {children.map(|children| view! { <div class="error-detail">{children()}</div> })}
                {again}
            </div>
        </div>
    }
}

/// The error of a form's last attempt, above the form. Works without JavaScript.
#[component]
pub fn FormError(
    /// The server function's path, as in the form's `action`.
    #[prop(into)]
    action: String,
) -> impl IntoView {
    let page = use_page();
    page.failed(&action).map(|failed| {
        let text = failed.error.to_string();
        view! { <ErrorState title=text /> }
    })
}
