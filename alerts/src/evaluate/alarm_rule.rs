//! The rule of a composite alarm: a boolean expression over the states of other alarms.

use crate::state::AlarmState;
use std::fmt;

/// The most characters that CloudWatch takes. Checked before anything else, because the time and the stack that a rule
/// needs grow with its length.
pub(crate) const LONGEST_RULE: usize = 10_240;

/// Deep enough for any real rule; keeps a malicious one from exhausting the stack.
const DEEPEST: usize = 64;

/// A parsed rule such as `ALARM("queue-age-low") AND NOT ALARM("store-outage")`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlarmRule(Node);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Node {
    Constant(bool),
    State(AlarmState, String),
    Not(Box<Node>),
    And(Box<Node>, Box<Node>),
    Or(Box<Node>, Box<Node>),
}

/// The rule of a composite alarm cannot be understood.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("column {column}: {message}")]
pub struct AlarmRuleError {
    /// Where in the rule, counted from 1.
    pub column: usize,
    /// What was found and what was expected.
    pub message: String,
}

impl AlarmRule {
    /// Parses CloudWatch's syntax: `ALARM(name)`, `OK(name)`, `INSUFFICIENT_DATA(name)`, `TRUE`, `FALSE`, `NOT`,
    /// `AND`, `OR` and parentheses. `NOT` binds tightest, then `AND`, then `OR`.
    pub fn parse(text: &str) -> Result<Self, AlarmRuleError> {
        let length = text.chars().count();
        if length > LONGEST_RULE {
            let message = format!("expected a rule of at most {LONGEST_RULE} characters, found {length}");
            return Err(AlarmRuleError { column: LONGEST_RULE + 1, message });
        }
        let mut parser = Parser { rest: text, whole: text, depth: 0 };
        let node = parser.either()?;
        parser.skip_space();
        if parser.rest.is_empty() { Ok(Self(node)) } else { Err(parser.error("expected AND, OR or the end")) }
    }

    /// Names of the alarms that it refers to, in order, each once.
    pub fn names(&self) -> Vec<&str> {
        fn walk<'a>(node: &'a Node, names: &mut Vec<&'a str>) {
            match node {
                Node::Constant(_) => {}
                Node::State(_, name) => {
                    if !names.contains(&name.as_str()) {
                        names.push(name);
                    }
                }
                Node::Not(inner) => walk(inner, names),
                Node::And(left, right) | Node::Or(left, right) => {
                    walk(left, names);
                    walk(right, names);
                }
            }
        }
        let mut names = Vec::new();
        walk(&self.0, &mut names);
        names
    }

    /// Whether it holds, given the states of the others.
    pub fn holds(&self, state: &dyn Fn(&str) -> AlarmState) -> bool {
        fn walk(node: &Node, state: &dyn Fn(&str) -> AlarmState) -> bool {
            match node {
                Node::Constant(value) => *value,
                Node::State(wanted, name) => state(name) == *wanted,
                Node::Not(inner) => !walk(inner, state),
                Node::And(left, right) => walk(left, state) && walk(right, state),
                Node::Or(left, right) => walk(left, state) || walk(right, state),
            }
        }
        walk(&self.0, state)
    }

    /// The same rule with one AND changed into OR or the reverse, once for each of them.
    pub(crate) fn with_other_operators(&self) -> Vec<Self> {
        fn walk(node: &Node) -> Vec<Node> {
            match node {
                Node::Constant(_) | Node::State(..) => Vec::new(),
                Node::Not(inner) => walk(inner).into_iter().map(|inner| Node::Not(Box::new(inner))).collect(),
                Node::And(left, right) => changed(left, right, Node::And, Node::Or),
                Node::Or(left, right) => changed(left, right, Node::Or, Node::And),
            }
        }
        type Join = fn(Box<Node>, Box<Node>) -> Node;
        fn changed(left: &Node, right: &Node, same: Join, other: Join) -> Vec<Node> {
            let of = |node: &Node| Box::new(node.clone());
            let mut all = vec![other(of(left), of(right))];
            all.extend(walk(left).into_iter().map(|left| same(Box::new(left), of(right))));
            all.extend(walk(right).into_iter().map(|right| same(of(left), Box::new(right))));
            all
        }
        walk(&self.0).into_iter().map(Self).collect()
    }
}

/// CloudWatch's syntax, with each name in quotation marks. Parentheses are added where a nested part would
/// otherwise be parsed differently.
impl fmt::Display for AlarmRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fn part(node: &Node, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            match node {
                Node::And(..) | Node::Or(..) => {
                    f.write_str("(")?;
                    write(node, f)?;
                    f.write_str(")")
                }
                _ => write(node, f),
            }
        }
        fn write(node: &Node, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            match node {
                Node::Constant(true) => f.write_str("TRUE"),
                Node::Constant(false) => f.write_str("FALSE"),
                Node::State(AlarmState::Alarm, name) => write!(f, "ALARM(\"{name}\")"),
                Node::State(AlarmState::Ok, name) => write!(f, "OK(\"{name}\")"),
                Node::State(AlarmState::InsufficientData, name) => {
                    write!(f, "INSUFFICIENT_DATA(\"{name}\")")
                }
                Node::Not(inner) => {
                    f.write_str("NOT ")?;
                    part(inner, f)
                }
                Node::And(left, right) | Node::Or(left, right) => {
                    // Chains of one operator are read from the left.
                    if std::mem::discriminant(node) == std::mem::discriminant(left) {
                        write(left, f)?;
                    } else {
                        part(left, f)?;
                    }
                    f.write_str(if matches!(node, Node::And(..)) { " AND " } else { " OR " })?;
                    part(right, f)
                }
            }
        }
        write(&self.0, f)
    }
}

struct Parser<'a> {
    rest: &'a str,
    whole: &'a str,
    depth: usize,
}

impl<'a> Parser<'a> {
    fn error(&self, message: impl Into<String>) -> AlarmRuleError {
        AlarmRuleError { column: self.whole.len() - self.rest.len() + 1, message: message.into() }
    }

    fn skip_space(&mut self) {
        self.rest = self.rest.trim_start();
    }

    /// Takes `word` if it comes next and ends there.
    fn word(&mut self, word: &str) -> bool {
        self.skip_space();
        match self.rest.strip_prefix(word) {
            Some(rest) if !rest.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-') => {
                self.rest = rest;
                true
            }
            _ => false,
        }
    }

    fn symbol(&mut self, symbol: char) -> Result<(), AlarmRuleError> {
        self.skip_space();
        match self.rest.strip_prefix(symbol) {
            Some(rest) => {
                self.rest = rest;
                Ok(())
            }
            None => Err(self.error(format!("expected `{symbol}`"))),
        }
    }

    fn either(&mut self) -> Result<Node, AlarmRuleError> {
        let mut left = self.both()?;
        while self.word("OR") {
            left = Node::Or(Box::new(left), Box::new(self.both()?));
        }
        Ok(left)
    }

    fn both(&mut self) -> Result<Node, AlarmRuleError> {
        let mut left = self.one()?;
        while self.word("AND") {
            left = Node::And(Box::new(left), Box::new(self.one()?));
        }
        Ok(left)
    }

    fn one(&mut self) -> Result<Node, AlarmRuleError> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(self.error(format!("nested more than {DEEPEST} deep")));
        }
        let node = self.one_unbounded();
        self.depth -= 1;
        node
    }

    fn one_unbounded(&mut self) -> Result<Node, AlarmRuleError> {
        if self.word("NOT") {
            return Ok(Node::Not(Box::new(self.one()?)));
        }
        if self.word("TRUE") {
            return Ok(Node::Constant(true));
        }
        if self.word("FALSE") {
            return Ok(Node::Constant(false));
        }
        for (word, state) in [
            ("ALARM", AlarmState::Alarm),
            ("OK", AlarmState::Ok),
            ("INSUFFICIENT_DATA", AlarmState::InsufficientData),
        ] {
            if self.word(word) {
                self.symbol('(')?;
                let name = self.name()?;
                self.symbol(')')?;
                return Ok(Node::State(state, name.to_owned()));
            }
        }
        self.skip_space();
        if self.rest.starts_with('(') {
            self.symbol('(')?;
            let inner = self.either()?;
            self.symbol(')')?;
            return Ok(inner);
        }
        Err(self.error("expected ALARM(name), OK(name), INSUFFICIENT_DATA(name), TRUE, FALSE, NOT or `(`"))
    }

    fn name(&mut self) -> Result<&'a str, AlarmRuleError> {
        self.skip_space();
        let quoted = self.rest.strip_prefix('"');
        let (name, rest) = match quoted {
            Some(inside) => {
                inside.split_once('"').ok_or_else(|| self.error("this quotation mark is never closed"))?
            }
            None => {
                let end = self.rest.find(|c: char| c == ')' || c.is_whitespace()).unwrap_or(self.rest.len());
                self.rest.split_at(end)
            }
        };
        if name.is_empty() {
            return Err(self.error("expected the name of an alarm"));
        }
        self.rest = rest;
        Ok(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holds(text: &str) -> bool {
        AlarmRule::parse(text).unwrap().holds(&|name| match name {
            "firing" => AlarmState::Alarm,
            "cleared" => AlarmState::Ok,
            _ => AlarmState::InsufficientData,
        })
    }

    #[test]
    fn it_looks_at_states() {
        assert!(holds("ALARM(\"firing\")"));
        assert!(holds("ALARM(firing) AND OK(cleared)"));
        assert!(!holds("ALARM(firing) AND ALARM(cleared)"));
        assert!(holds("INSUFFICIENT_DATA(other)"));
        assert!(holds("NOT ALARM(cleared) AND ALARM(firing)"));
        assert!(holds("TRUE OR FALSE AND FALSE"));
        assert!(!holds("(TRUE OR FALSE) AND FALSE"));
        assert!(!holds("NOT (ALARM(firing) OR ALARM(cleared))"));
    }

    #[test]
    fn names_are_listed_once() {
        let rule = AlarmRule::parse("ALARM(a-b) AND (OK(\"c d\") OR NOT ALARM(a-b))").unwrap();
        assert_eq!(rule.names(), ["a-b", "c d"]);
    }

    #[test]
    fn what_is_written_reads_as_the_same_rule() {
        for text in [
            "ALARM(a) AND OK(\"b\")",
            "NOT (ALARM(a) OR INSUFFICIENT_DATA(b)) AND TRUE",
            "ALARM(a) AND (ALARM(b) OR NOT FALSE)",
            "ALARM(a) AND (ALARM(b) AND ALARM(c))",
            "ALARM(a) AND ALARM(b) AND ALARM(c) OR TRUE",
        ] {
            let rule = AlarmRule::parse(text).unwrap();
            assert_eq!(AlarmRule::parse(&rule.to_string()).unwrap(), rule, "{rule}");
        }
        let written = AlarmRule::parse("ALARM( a )  AND ALARM(\"b\")").unwrap().to_string();
        assert_eq!(written, "ALARM(\"a\") AND ALARM(\"b\")");
    }

    #[test]
    fn each_operator_can_be_changed_into_the_other() {
        let others = |text: &str| AlarmRule::parse(text).unwrap().with_other_operators();
        let rules = |texts: &[&str]| texts.iter().map(|t| AlarmRule::parse(t).unwrap()).collect::<Vec<_>>();
        assert_eq!(others("ALARM(a) AND ALARM(b)"), rules(&["ALARM(a) OR ALARM(b)"]));
        assert_eq!(others("NOT (OK(a) OR OK(b))"), rules(&["NOT (OK(a) AND OK(b))"]));
        assert_eq!(
            others("ALARM(a) AND (ALARM(b) OR ALARM(c))"),
            rules(&["ALARM(a) OR (ALARM(b) OR ALARM(c))", "ALARM(a) AND (ALARM(b) AND ALARM(c))"])
        );
        assert_eq!(others("ALARM(a)"), []);
    }

    #[test]
    fn an_invalid_rule_is_refused_with_its_place() {
        for (text, expected) in [
            ("", "column 1: expected ALARM(name)"),
            ("ALARM(a) ALARM(b)", "column 10: expected AND, OR or the end"),
            ("ALARM()", "column 7: expected the name"),
            ("ALARM(\"a)", "never closed"),
            ("ALARM(a", "column 8: expected `)`"),
            ("ALARMS(a)", "column 1: expected"),
        ] {
            let error = AlarmRule::parse(text).unwrap_err().to_string();
            assert!(error.contains(expected), "{text}: {error}");
        }
        assert!(AlarmRule::parse(&"(".repeat(10_000)).is_err());
        assert!(AlarmRule::parse(&"NOT ".repeat(10_000)).is_err());
    }
}
