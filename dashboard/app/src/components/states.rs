//! What a page shows where there is nothing to show, and why.

use super::{Icon, Sign, Title};
use crate::context::use_page;
use leptos::prelude::*;

/// There is nothing here, and nothing is wrong.
#[component]
pub fn EmptyState(
    /// What there is none of: `No dead letters.`
    #[prop(into)]
    title: String,
    /// What that means or what to do, if anything.
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

/// What was asked for is not there. The answer's status says so as well.
#[component]
pub fn NotFoundState(
    /// What is not there: `There is no replay with this id.`
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

/// What is shown where no page is.
#[component]
pub fn NotFoundPage() -> impl IntoView {
    view! {
        <Title text="Not found" />
        <NotFoundState title="There is no page at this address.">
            "It may have moved. " <a href="/">"Go to the overview"</a> "."
        </NotFoundState>
    }
}

/// Something could not be shown or done: what happened, why if that is known, what to do now.
#[component]
pub fn ErrorState(
    /// What happened, in a sentence.
    #[prop(into)]
    title: String,
    /// Why, and what to do.
    #[prop(optional)]
    children: Option<Children>,
    /// Whether trying again may help: there is a link for it then.
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

/// Above a form: why it was not done, if the last attempt failed. Works without JavaScript.
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
