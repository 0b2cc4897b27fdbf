//! Updates an element from a newly fetched copy by changing only the differences.
//!
//! Unchanged nodes remain. So focus, text selection, scroll positions, checked boxes and typed text remain as well.

use super::align::{Label, align};
use crate::islands::dom;
use wasm_bindgen::JsCast;
use web_sys::{Element, FocusOptions, HtmlElement, Node};

/// Attributes that belong to the reader: an element that they opened or closed stays so.
const READERS_OWN: &str = "open";

/// Makes `old` equal to `new`, except for the reader's own state.
pub fn morph(old: &Element, new: &Element) {
    if old.is_equal_node(Some(new)) || is_kept(old) {
        return;
    }
    attributes(old, new);
    children(old, new);
}

/// Runs an update of the page. If it removes the element with the focus, the focus moves to the next row of the list,
/// or to the row before. Elsewhere it moves to the page's content, where a screen reader continues.
pub fn keeping_focus(update: impl FnOnce()) {
    let heirs = dom::document().active_element().map(|focused| heirs(&focused)).unwrap_or_default();
    update();
    let Some((focused, heirs)) = heirs.split_first().filter(|(focused, _)| !focused.is_connected()) else {
        return;
    };
    let main = dom::first("main");
    if let Some(heir) = heirs.iter().find(|heir| heir.is_connected()).or(main.as_ref())
        && !heir.is_same_node(Some(focused))
    {
        let options = FocusOptions::new();
        options.set_prevent_scroll(true);
        let _focused = heir.unchecked_ref::<HtmlElement>().focus_with_options(&options);
    }
}

/// The element itself, then those that get the focus after it, in this order.
fn heirs(focused: &Element) -> Vec<Element> {
    let mut heirs = vec![focused.clone()];
    if let Ok(Some(row)) = focused.closest("[data-row]") {
        let is_row = |element: &Element| element.has_attribute("data-row");
        let after = std::iter::successors(row.next_element_sibling(), Element::next_element_sibling);
        let before = std::iter::successors(row.previous_element_sibling(), Element::previous_element_sibling);
        heirs.push(row.clone());
        heirs.extend(after.filter(is_row));
        heirs.extend(before.filter(is_row));
    }
    heirs
}

/// An element that manages its own state, such as a field that the reader fills in.
fn is_kept(element: &Element) -> bool {
    element.has_attribute("data-keep") || element.local_name() == "leptos-island"
}

fn attributes(old: &Element, new: &Element) {
    let wanted = new.attributes();
    for index in 0..wanted.length() {
        let Some(attribute) = wanted.item(index) else { continue };
        let (name, value) = (attribute.name(), attribute.value());
        if name != READERS_OWN && old.get_attribute(&name).as_deref() != Some(&value) {
            let _set = old.set_attribute(&name, &value);
        }
    }
    let present = old.attributes();
    for index in (0..present.length()).rev() {
        let Some(attribute) = present.item(index) else { continue };
        let name = attribute.name();
        if name != READERS_OWN && !new.has_attribute(&name) {
            let _removed = old.remove_attribute(&name);
        }
    }
}

fn children(old: &Element, new: &Element) {
    let (present, wanted) = (nodes(old), nodes(new));
    let labels = |nodes: &[Node]| nodes.iter().map(label).collect::<Vec<_>>();
    let found = align(&labels(&present), &labels(&wanted));
    // First what leaves: then most of the others are in their places, and need not move. A moved node loses the focus.
    for (index, node) in present.iter().enumerate() {
        if !found.contains(&Some(index)) {
            let _removed = old.remove_child(node);
        }
    }
    let mut next = old.first_child();
    for (want, found) in wanted.iter().zip(found) {
        let Some(found) = found.map(|index| &present[index]) else {
            if let Some(copy) =
                old.owner_document().and_then(|page| page.import_node_with_deep(want, true).ok())
            {
                let _inserted = old.insert_before(&copy, next.as_ref());
            }
            continue;
        };
        place(old, found, next.as_ref());
        next = found.next_sibling();
        match (found.dyn_ref::<Element>(), want.dyn_ref::<Element>()) {
            (Some(found), Some(want)) => morph(found, want),
            _ if found.node_value() != want.node_value() => {
                found.set_node_value(want.node_value().as_deref())
            }
            _ => {}
        }
    }
}

/// Puts a child in front of `next`. A child with the focus stays; the nodes in front of it move behind it.
fn place(parent: &Element, child: &Node, next: Option<&Node>) {
    let is_there = |at: Option<&Node>| at.is_some_and(|at| at.is_same_node(Some(child)));
    if is_there(next) {
        return;
    }
    let focused = dom::document().active_element();
    if !focused.is_some_and(|focused| child.contains(Some(&focused))) {
        let _moved = parent.insert_before(child, next);
        return;
    }
    let behind = child.next_sibling();
    let mut moving = next.cloned();
    while let Some(node) = moving.filter(|node| !is_there(Some(node))) {
        moving = node.next_sibling();
        let _moved = parent.insert_before(&node, behind.as_ref());
    }
}

fn nodes(parent: &Element) -> Vec<Node> {
    std::iter::successors(parent.first_child(), Node::next_sibling).collect()
}

fn label(node: &Node) -> Label {
    let element = node.dyn_ref::<Element>();
    let attribute = |name: &str| element.and_then(|element| element.get_attribute(name));
    Label {
        kind: format!("{} {}", node.node_type(), node.node_name()),
        key: attribute("data-key").or_else(|| attribute("id")),
        class: attribute("class"),
    }
}
