//! A body's JSON as a tree that keeps what the sender wrote: the order of members, every digit of a number, repeated
//! names.

use serde_json::value::RawValue;
use spillway_core::event::raw::{self, Opened};

/// Maximum depth of the tree. What is deeper is shown as text.
const DEEPEST: usize = 32;
/// A body with more values than this is shown as text.
const MOST: usize = 4_000;

/// A value with its members or items.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tree {
    /// A string, number, `true`, `false` or `null` as written, or a value below the maximum depth.
    Leaf(String),
    /// Members with their names, in the sender's order.
    Object(Vec<(String, Tree)>),
    Array(Vec<Tree>),
}

impl Tree {
    /// Parses a body. `None` if it is not JSON, or has too many values.
    pub fn read(body: &str) -> Option<Self> {
        let mut left = MOST;
        Self::open(raw::document(body)?, DEEPEST, &mut left)
    }

    fn open(value: &RawValue, depth: usize, left: &mut usize) -> Option<Self> {
        *left = left.checked_sub(1)?;
        if depth == 0 {
            return Some(Self::Leaf(value.get().to_owned()));
        }
        match raw::open(value)? {
            Opened::Object(members) => {
                let open = |(name, value)| Some((name, Self::open(value, depth - 1, left)?));
                members.into_iter().map(open).collect::<Option<_>>().map(Self::Object)
            }
            Opened::Array(items) => items
                .into_iter()
                .map(|item| Self::open(item, depth - 1, left))
                .collect::<Option<_>>()
                .map(Self::Array),
            Opened::Leaf => Some(Self::Leaf(value.get().to_owned())),
        }
    }

    /// The number of members or items; 0 for a leaf.
    pub fn len(&self) -> usize {
        match self {
            Self::Leaf(_) => 0,
            Self::Object(members) => members.len(),
            Self::Array(items) => items.len(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leaf(text: &str) -> Tree {
        Tree::Leaf(text.into())
    }

    #[test]
    fn order_digits_and_repeated_names_are_kept() {
        let tree = Tree::read(r#"{"b": 1.10, "a": [12345678901234567890123, "x\u00e9"], "b": {}}"#).unwrap();
        let array = Tree::Array(vec![leaf("12345678901234567890123"), leaf(r#""x\u00e9""#)]);
        let members =
            vec![("b".into(), leaf("1.10")), ("a".into(), array), ("b".into(), Tree::Object(Vec::new()))];
        assert_eq!(tree, Tree::Object(members));
        assert_eq!(tree.len(), 3);
    }

    #[test]
    fn a_body_that_is_not_json_has_no_tree() {
        for body in ["", "hello", "{\"a\":1", "{\"a\":1} x", "\u{feff}{}"] {
            assert_eq!(Tree::read(body), None, "{body}");
        }
    }

    #[test]
    fn depth_and_size_are_bounded() {
        let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
        let mut tree = &Tree::read(&deep).unwrap();
        let mut depth = 0;
        while let Tree::Array(items) = tree {
            tree = &items[0];
            depth += 1;
        }
        assert_eq!(depth, DEEPEST);
        assert!(matches!(tree, Tree::Leaf(rest) if rest.len() == 2 * (10_000 - DEEPEST)));
        let wide = format!("[{}1]", "1,".repeat(MOST));
        assert_eq!(Tree::read(&wide), None);
    }
}
