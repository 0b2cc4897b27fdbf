//! What stands where there is nothing to show, and why.

use super::{Icon, Sign};
use crate::context::use_page;
use leptos::prelude::*;

/// There is nothing here, and that is as it should be.
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
