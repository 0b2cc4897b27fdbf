//! A message's body: as a tree, or as it was sent.

mod json;

use crate::{components::Num, context::use_page};
use json::Tree;
use leptos::prelude::*;
use spillway_dashboard_charts::Unit;
use spillway_dashboard_words::counted;

/// Objects and arrays with more members than this start folded.
const OPEN_UP_TO: usize = 30;

/// A body. It is a tree if the body is JSON; otherwise, or with `?body=raw`, it is the text.
#[component]
pub fn Body(
    /// As it was sent, byte for byte.
    text: String,
) -> impl IntoView {
    let page = use_page();
    let tree = Tree::read(&text);
    let raw = page.parameter("body") == Some("raw") || tree.is_none();
    let size = text.len() as f64;
    let tabs = tree.is_some().then(|| {
        let (pretty, as_sent) = (page.with(&[("body", None)]), page.with(&[("body", Some("raw"))]));
        view! {
            <nav class="tabs" aria-label="Body format">
                <a href=pretty aria-current=(!raw).then_some("true")>"Formatted"</a>
                <a href=as_sent aria-current=raw.then_some("true")>"As sent"</a>
            </nav>
        }
    });
    let note = tree.is_none().then(|| {
        let why = if text.is_empty() {
            "The body is empty."
        } else {
            "The body is shown as it was sent: it cannot be read as JSON, or is too large to format."
        };
        view! { <p class="quiet small">{why}</p> }
    });
    let content = match tree.filter(|_| !raw) {
        Some(tree) => view! { <div class="panel body-view json">{draw(None, &tree, true)}</div> }.into_any(),
        // A click selects all of the text, so that the reader can copy it without scripts.
        None => view! { <pre class="body-view body-raw" tabindex="0" aria-label="The body as it was sent">{text}</pre> }.into_any(),
    };
    view! {
        <section aria-labelledby="dl-body">
            <h2 id="dl-body">"Body " <span class="quiet small"><Num value=Some(size) unit=Unit::Bytes /></span></h2>
            {tabs}
            {note}
            {content}
        </section>
    }
}

fn draw(name: Option<&str>, tree: &Tree, last: bool) -> AnyView {
    let label = name.map(|name| {
        let quoted = serde_json::Value::from(name).to_string();
        view! { <span class="json-name">{quoted}</span> ": " }
    });
    let comma = (!last).then_some(",");
    let (open, close, members): (_, _, Vec<(Option<&str>, &Tree)>) = match tree {
        Tree::Leaf(text) => {
            let class = match text.as_bytes().first() {
                Some(b'"') => "json-text",
                _ => "json-value",
            };
            return view! { <div class="json-line">{label}<span class=class>{text.clone()}</span>{comma}</div> }
                .into_any();
        }
        Tree::Object(members) => {
            ("{", "}", members.iter().map(|(name, value)| (Some(name.as_str()), value)).collect())
        }
        Tree::Array(items) => ("[", "]", items.iter().map(|item| (None, item)).collect()),
    };
    if members.is_empty() {
        return view! { <div class="json-line">{label}{open}{close}{comma}</div> }.into_any();
    }
    let count = match tree {
        Tree::Object(_) => counted(tree.len() as u64, "member", "members"),
        _ => counted(tree.len() as u64, "item", "items"),
    };
    let end = members.len() - 1;
    let inner = members
        .into_iter()
        .enumerate()
        .map(|(index, (name, value))| draw(name, value, index == end))
        .collect_view();
    view! {
        <details class="json-fold" open=tree.len() <= OPEN_UP_TO>
            <summary>{label}{open}<span class="json-count">" " {count} " "</span><span class="json-folded">{close}{comma}</span></summary>
            <div class="json-inner">{inner}</div>
            <div class="json-line">{close}{comma}</div>
        </details>
    }
    .into_any()
}
