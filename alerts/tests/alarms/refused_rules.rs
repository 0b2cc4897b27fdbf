//! Each way in which a rule can be wrong is refused with file, line and what was expected.

use serde::Deserialize;
use spillway_alerts::{Limits, RuleSet};

#[derive(Deserialize)]
struct Refused {
    good: String,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    case: String,
    edits: Vec<Edit>,
    problems: Vec<String>,
}

#[derive(Deserialize)]
struct Edit {
    from: String,
    to: String,
}

impl Edit {
    fn apply(&self, text: &str) -> String {
        assert!(text.contains(&self.from), "{}", self.from);
        text.replacen(&self.from, &self.to, 1)
    }
}

#[test]
fn each_wrong_rule_is_refused_in_these_words() {
    let Refused { good, cases } = serde_yaml_ng::from_str(include_str!("refused_rules.yaml")).unwrap();
    let limits = Limits::built_in().unwrap();
    let read = |text: &str| RuleSet::parse(&[("mine.yaml", text)], &limits);
    read(&good).unwrap();
    assert!(cases.len() > 80, "{} cases", cases.len());
    let mut wrong = Vec::new();
    for Case { case, edits, problems } in cases {
        let text = edits.iter().fold(good.clone(), |text, edit| edit.apply(&text));
        let found = read(&text).map_or_else(|error| error.to_string(), |_| "nothing".to_owned());
        if found != problems.join("\n") {
            wrong.push(format!("{case}\nexpected {}\nfound    {found}", problems.join("\n")));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
