//! Which alarms belong together, from the rules.

use crate::rules::{Rule, RuleName, RuleSet, Tier};
use jiff::SignedDuration;
use std::collections::{BTreeMap, BTreeSet};

/// The families of a set of rules, and which family explains which.
#[derive(Clone, Debug, Default)]
pub struct Families {
    rules: BTreeMap<RuleName, (String, Tier)>,
    /// By symptom and cause, through any number of steps.
    explained: BTreeMap<String, BTreeMap<String, Link>>,
}

/// How a cause explains a symptom.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Link {
    /// Steps from the cause to the symptom.
    pub(super) steps: u32,
    /// Minutes that the cause must have been in alarm before.
    after_min: u32,
}

impl Link {
    /// Whether a cause that began that long ago explains it.
    pub(super) fn covers(self, age: SignedDuration) -> bool {
        age >= SignedDuration::from_mins(i64::from(self.after_min))
    }
}

impl Families {
    /// The families of the rules that notify.
    pub fn of(rules: &RuleSet) -> Self {
        let notifying: Vec<&Rule> = rules.iter().filter(|rule| rule.notify).collect();
        let mut direct: BTreeMap<&str, &BTreeMap<String, u32>> = BTreeMap::new();
        for rule in &notifying {
            direct.entry(&rule.family).or_insert(&rule.symptom_of);
        }
        let explained =
            direct.keys().map(|family| ((*family).to_owned(), closure(family, &direct))).collect();
        let known = |rule: &&Rule| (rule.name.clone(), (rule.family.clone(), rule.tier));
        Self { rules: notifying.iter().map(known).collect(), explained }
    }

    /// The family and the tier of a rule that notifies.
    pub fn of_rule(&self, rule: &RuleName) -> Option<(&str, Tier)> {
        self.rules.get(rule).map(|(family, tier)| (family.as_str(), *tier))
    }

    /// Whether `cause` explains `symptom`, through any number of steps.
    pub fn explains(&self, cause: &str, symptom: &str) -> bool {
        self.link(cause, symptom).is_some()
    }

    pub(super) fn link(&self, cause: &str, symptom: &str) -> Option<Link> {
        self.explained.get(symptom)?.get(cause).copied()
    }

    /// How far a family is from its furthest root: causes come before their symptoms.
    pub(super) fn depth(&self, family: &str) -> usize {
        self.explained.get(family).map_or(0, BTreeMap::len)
    }

    /// Families that are named as causes and that no rule has.
    pub fn unknown(rules: &RuleSet) -> BTreeSet<String> {
        let known: BTreeSet<&str> = rules.iter().map(|rule| rule.family.as_str()).collect();
        let named = rules.iter().flat_map(|rule| rule.symptom_of.keys());
        named.filter(|cause| !known.contains(cause.as_str())).cloned().collect()
    }
}

/// All causes of a family: the shortest way to each.
fn closure(family: &str, direct: &BTreeMap<&str, &BTreeMap<String, u32>>) -> BTreeMap<String, Link> {
    let mut found: BTreeMap<String, Link> = BTreeMap::new();
    let mut edge = vec![(family.to_owned(), Link { steps: 0, after_min: 0 })];
    while !edge.is_empty() {
        let mut next = Vec::new();
        for (symptom, so_far) in edge {
            for (cause, after_min) in
                direct.get(symptom.as_str()).into_iter().flat_map(|causes| causes.iter())
            {
                let link =
                    Link { steps: so_far.steps + 1, after_min: so_far.after_min.saturating_add(*after_min) };
                // A family that explains itself would have no root.
                if cause == family || found.get(cause).is_some_and(|known| *known <= link) {
                    continue;
                }
                found.insert(cause.clone(), link);
                next.push((cause.clone(), link));
            }
        }
        edge = next;
    }
    found
}
