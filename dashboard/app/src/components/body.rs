//! A message's body: as a tree, or as it was sent. The place at which it breaks a rule is marked.

mod json;

use crate::{components::Num, context::use_page};
use json::Tree;
use leptos::prelude::*;
use spillway_core::explain::{FailingPlace, excerpt};
use spillway_dashboard_charts::Unit;
use spillway_dashboard_words::counted;

/// Objects and arrays with more members than this start folded, unless the marked place is in them.
const OPEN_UP_TO: usize = 30;
/// The id of the marked place, for links.
pub const MARK: &str = "failing";

/// A body. It is a tree if the body is JSON; otherwise, or with `?body=raw`, it is the text.
#[component]
pub fn Body(
    /// As it was sent, byte for byte.
    text: String,
    /// The place to mark.
    #[prop(optional_no_strip)]
    failing: Option<FailingPlace>,
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
        Some(tree) => {
            let mark = failing.as_ref().map(|place| Mark { path: &place.path, place });
            view! { <div class="panel body-view json">{draw(None, &tree, true, mark)}</div> }.into_any()
        }
        None => as_sent(text, failing.as_ref()),
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

/// The text, with nothing added to it. A click selects all of it, so that the reader can copy it without scripts.
fn as_sent(mut text: String, failing: Option<&FailingPlace>) -> AnyView {
    // A browser leaves out a newline at the beginning of this element.
    let lead = text.starts_with('\n').then_some("\n");
    let bytes = failing.map(|place| place.bytes.clone()).filter(|bytes| text.get(bytes.clone()).is_some());
    let marked = bytes.map(|bytes| {
        let after = text.split_off(bytes.end);
        let marked = text.split_off(bytes.start);
        view! { <mark class="body-mark" id=MARK>{marked}</mark> {after} }
    });
    let copy = (!text.is_empty() || marked.is_some()).then(|| {
        view! {
            <p><button type="button" class="button needs-islands" data-copy="dl-text">"Copy the body"</button></p>
        }
    });
    view! {
        <pre class="body-view body-raw" id="dl-text" tabindex="0" aria-label="The body as it was sent">{lead}{text}{marked}</pre>
        {copy}
    }
    .into_any()
}

/// The way from a value to the marked place.
#[derive(Clone, Copy)]
struct Mark<'a> {
    path: &'a [String],
    place: &'a FailingPlace,
}

impl<'a> Mark<'a> {
    fn is_here(self) -> bool {
        self.path.is_empty()
    }

    /// The rest of the way, if it leads through this member.
    fn through(self, name: &str) -> Option<Self> {
        let (first, path) = self.path.split_first()?;
        (first == name).then_some(Self { path, ..self })
    }

    /// Whether a member of the marked object may not be there.
    fn rejects(self, name: &str) -> bool {
        self.is_here() && self.place.unexpected.iter().any(|unexpected| *unexpected == excerpt(name))
    }
}

fn draw(name: Option<&str>, tree: &Tree, last: bool, mark: Option<Mark<'_>>) -> AnyView {
    let label = name.map(|name| {
        let quoted = serde_json::Value::from(name).to_string();
        view! { <span class="json-name">{quoted}</span> ": " }
    });
    let comma = (!last).then_some(",");
    // What is deeper than the tree is in a leaf.
    let is_marked = mark.is_some_and(|mark| mark.is_here() || matches!(tree, Tree::Leaf(_)));
    let id = is_marked.then_some(MARK);
    let line = if is_marked { "json-line body-mark" } else { "json-line" };
    let (open, close, members): (_, _, Vec<(Option<&str>, &Tree)>) = match tree {
        Tree::Leaf(text) => {
            let class = match text.as_bytes().first() {
                Some(b'"') => "json-text",
                _ => "json-value",
            };
            return view! { <div class=line id=id>{label}<span class=class>{text.clone()}</span>{comma}</div> }
                .into_any();
        }
        Tree::Object(members) => {
            ("{", "}", members.iter().map(|(name, value)| (Some(name.as_str()), value)).collect())
        }
        Tree::Array(items) => ("[", "]", items.iter().map(|item| (None, item)).collect()),
    };
    let missing =
        mark.filter(|mark| mark.is_here()).and_then(|mark| mark.place.missing.as_ref()).map(|name| {
            view! { <div class="json-line body-mark">{format!("\"{name}\" is missing")}</div> }
        });
    if members.is_empty() {
        return view! { <div class=line id=id>{label}{open}{close}{comma}</div> {missing} }.into_any();
    }
    let count = match tree {
        Tree::Object(_) => counted(tree.len() as u64, "member", "members"),
        _ => counted(tree.len() as u64, "item", "items"),
    };
    let end = members.len() - 1;
    let next = next_mark(&members, mark);
    let inner = members
        .into_iter()
        .enumerate()
        .map(|(index, (name, value))| {
            let down = next.filter(|(place, _)| *place == index).map(|(_, mark)| mark);
            let drawn = draw(name, value, index == end, down);
            match name.zip(mark).is_some_and(|(name, mark)| mark.rejects(name)) {
                true => view! { <div class="body-mark">{drawn}</div> }.into_any(),
                false => drawn,
            }
        })
        .collect_view();
    let is_open = tree.len() <= OPEN_UP_TO || mark.is_some();
    let fold = if is_marked { "json-fold body-mark-around" } else { "json-fold" };
    view! {
        <details class=fold open=is_open id=id>
            <summary>{label}{open}<span class="json-count">" " {count} " "</span><span class="json-folded">{close}{comma}</span></summary>
            <div class="json-inner">{inner}{missing}</div>
            <div class="json-line">{close}{comma}</div>
        </details>
    }
    .into_any()
}

/// The member or item through which the way leads. Of members with one name it is the last, which is the one that was checked.
fn next_mark<'a>(members: &[(Option<&str>, &Tree)], mark: Option<Mark<'a>>) -> Option<(usize, Mark<'a>)> {
    let mark = mark?;
    members.iter().enumerate().rev().find_map(|(index, (name, _))| {
        let number;
        let name = match name {
            Some(name) => *name,
            None => {
                number = index.to_string();
                number.as_str()
            }
        };
        Some((index, mark.through(name)?))
    })
}
