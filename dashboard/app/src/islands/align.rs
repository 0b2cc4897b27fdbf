//! Which node of the page becomes which node of its new copy.

use std::collections::HashMap;

/// What identifies a node among its siblings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    /// The type and name of the node.
    pub kind: String,
    /// Its key, unique among its siblings; `None` for most nodes.
    pub key: Option<String>,
    /// Its class. It may change, so nodes with different classes can be the same.
    pub class: Option<String>,
}

impl Label {
    /// How well two nodes match; 0 if they can't be the same.
    ///
    /// Two pairs of different classes are worth more than one pair of equal classes. So a class that moves from one
    /// sibling to the next keeps both.
    fn likeness(&self, other: &Self) -> u32 {
        match self.kind == other.kind && self.key == other.key {
            false => 0,
            true if self.class == other.class => 3,
            true => 2,
        }
    }
}

/// For each new node, the index of the old node that it replaces. No old node is used twice.
///
/// It keeps as many old nodes as possible in their order, as a comparison of two texts does. So a sibling that
/// appears or vanishes affects no other node. Nodes with a key are found at any place.
pub fn align(old: &[Label], new: &[Label]) -> Vec<Option<usize>> {
    let mut found = in_order(old, new);
    let keys: HashMap<(&str, &str), usize> = old
        .iter()
        .enumerate()
        .filter_map(|(index, label)| Some(((label.kind.as_str(), label.key.as_deref()?), index)))
        .collect();
    let mut used = vec![false; old.len()];
    for index in found.iter().flatten() {
        used[*index] = true;
    }
    for (label, found) in new.iter().zip(&mut found) {
        if let (None, Some(key)) = (&found, label.key.as_deref())
            && let Some(index) = keys.get(&(label.kind.as_str(), key))
            && !std::mem::replace(&mut used[*index], true)
        {
            *found = Some(*index);
        }
    }
    found
}

/// The pairs with the highest total likeness whose order is the same on both sides.
fn in_order(old: &[Label], new: &[Label]) -> Vec<Option<usize>> {
    let mut found = vec![None; new.len()];
    // Most siblings are as before, at both ends.
    let same = |(one, other): &(&Label, &Label)| one == other;
    let start = old.iter().zip(new).take_while(same).count();
    let end = old[start..].iter().rev().zip(new[start..].iter().rev()).take_while(same).count();
    for (index, found) in found.iter_mut().take(start).enumerate() {
        *found = Some(index);
    }
    for back in 1..=end {
        found[new.len() - back] = Some(old.len() - back);
    }
    let (old, new) = (&old[start..old.len() - end], &new[start..new.len() - end]);
    let width = new.len() + 1;
    // The highest total of the rest of both lists, from each pair of places.
    let mut best = vec![0_u32; (old.len() + 1) * width];
    for i in (0..old.len()).rev() {
        for j in (0..new.len()).rev() {
            let paired = match old[i].likeness(&new[j]) {
                0 => 0,
                likeness => likeness + best[(i + 1) * width + j + 1],
            };
            best[i * width + j] = paired.max(best[(i + 1) * width + j]).max(best[i * width + j + 1]);
        }
    }
    let (mut i, mut j) = (0, 0);
    while i < old.len() && j < new.len() {
        let likeness = old[i].likeness(&new[j]);
        if likeness > 0 && best[i * width + j] == likeness + best[(i + 1) * width + j + 1] {
            found[start + j] = Some(start + i);
            (i, j) = (i + 1, j + 1);
        } else if best[i * width + j] == best[(i + 1) * width + j] {
            i += 1;
        } else {
            j += 1;
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `p`, `p.class` or `p#key`.
    fn labels(text: &str) -> Vec<Label> {
        let label = |word: &str| {
            let (rest, key) = word.split_once('#').map_or((word, None), |(rest, key)| (rest, Some(key)));
            let (kind, class) =
                rest.split_once('.').map_or((rest, None), |(kind, class)| (kind, Some(class)));
            Label { kind: kind.to_owned(), key: key.map(str::to_owned), class: class.map(str::to_owned) }
        };
        text.split_whitespace().map(label).collect()
    }

    #[track_caller]
    fn check(old: &str, new: &str, expected: &[i32]) {
        let found = align(&labels(old), &labels(new));
        let found: Vec<i32> = found.iter().map(|index| index.map_or(-1, |index| index as i32)).collect();
        assert_eq!(found, expected, "{old} → {new}");
    }

    #[test]
    fn a_sibling_that_vanishes_or_appears_affects_no_other() {
        check("p form", "form", &[1]);
        check("form", "p form", &[-1, 0]);
        check("p form p p", "form p p", &[1, 2, 3]);
        check("div.notice div.stack section", "div.stack section", &[1, 2]);
        check("div.stack section", "div.notice div.stack section", &[-1, 0, 1]);
        check("p #a p", "#a p", &[1, 2]);
        check("", "p", &[-1]);
        check("p", "", &[]);
    }

    #[test]
    fn rows_with_a_key_are_found_at_any_place() {
        check("tr#1 tr#2 tr#3", "tr#2 tr#3", &[1, 2]);
        check("tr#1 tr#2 tr#3", "tr#3 tr#1 tr#2", &[2, 0, 1]);
        check("tr#1 tr#2", "tr#3 tr#1", &[-1, 0]);
        check("tr#1", "li#1", &[-1]);
        check("tr#1 tr", "tr tr#2", &[1, -1]);
    }

    #[test]
    fn a_class_that_moves_to_a_sibling_recreates_neither() {
        check("a.current a", "a a.current", &[0, 1]);
        check("a a.current a", "a.current a a", &[0, 1, 2]);
    }

    #[test]
    fn no_node_is_used_twice() {
        check("tr#1 tr#1", "tr#1 tr#1 tr#1", &[0, 1, -1]);
    }
}
