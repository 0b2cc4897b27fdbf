//! Updates an element from a newly fetched copy by changing only the differences.
//!
//! Unchanged nodes remain. So focus, text selection, scroll positions, checked boxes and typed text remain as well.

use wasm_bindgen::JsCast;
use web_sys::{Element, Node};

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

/// An element that manages its own state, such as a form that the reader fills in.
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
    let mut next = old.first_child();
    let mut wanted = new.first_child();
    while let Some(want) = wanted {
        wanted = want.next_sibling();
        let found = find(next.as_ref(), &want);
        let Some(found) = found else {
            if let Some(copy) =
                old.owner_document().and_then(|page| page.import_node_with_deep(&want, true).ok())
            {
                let _inserted = old.insert_before(&copy, next.as_ref());
            }
            continue;
        };
        if next.as_ref().is_some_and(|next| next.is_same_node(Some(&found))) {
            next = found.next_sibling();
        } else {
            let _moved = old.insert_before(&found, next.as_ref());
        }
        match (found.dyn_ref::<Element>(), want.dyn_ref::<Element>()) {
            (Some(found), Some(want)) => morph(found, want),
            _ if found.node_value() != want.node_value() => {
                found.set_node_value(want.node_value().as_deref())
            }
            _ => {}
        }
    }
    while let Some(node) = next {
        next = node.next_sibling();
        if !node.dyn_ref::<Element>().is_some_and(is_kept) {
            let _removed = old.remove_child(&node);
        }
    }
}

/// Finds the old node, from `from` on, that `want` replaces. An element with a key may have moved. Other nodes match
/// only at the same place, so that different elements are not mixed up.
fn find(from: Option<&Node>, want: &Node) -> Option<Node> {
    let key = key(want);
    let mut candidate = from.cloned();
    while let Some(node) = candidate {
        if is_same_kind(&node, want) && self::key(&node) == key {
            return Some(node);
        }
        key.as_ref()?;
        candidate = node.next_sibling();
    }
    None
}

fn is_same_kind(a: &Node, b: &Node) -> bool {
    a.node_type() == b.node_type() && a.node_name() == b.node_name()
}

fn key(node: &Node) -> Option<String> {
    let element = node.dyn_ref::<Element>()?;
    element.get_attribute("data-key").or_else(|| element.get_attribute("id"))
}
