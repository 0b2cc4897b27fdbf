//! No input makes a parser panic; refused input gets an error message.

use proptest::prelude::*;
use spillway_alerts::check::{parse_scenarios, parse_series};
use spillway_alerts::evaluate::AlarmRule;
use spillway_alerts::math::Expression;
use spillway_alerts::{Limits, RuleSet};

/// Text that is nearly an expression.
fn nearly() -> impl Strategy<Value = String> {
    let part = prop::sample::select(vec![
        "m1", "m2", "m3", "SUM", "FILL", "IF", "METRICS", "RATE", "(", ")", "[", "]", ",", "+", "-", "*",
        "/", "^", ">", "==", "&&", "AND", "0", "1.5", "REPEAT", "LINEAR", "\"m\"", "\"", " ", "ALARM", "OK",
        "NOT", "OR", "TRUE", "x3", "5+1x2", "-x2", "é",
    ]);
    prop::collection::vec(part, 0..24).prop_map(|parts| parts.concat())
}

proptest! {
    #[test]
    fn expressions(text in nearly()) {
        let _ = Expression::parse(&text, &["m1", "m2"]);
        let _ = AlarmRule::parse(&text);
        let _ = parse_series(&text);
    }

    #[test]
    fn any_text(text in any::<String>()) {
        let limits = Limits::default();
        let _ = Expression::parse(&text, &["m1"]);
        let _ = AlarmRule::parse(&text);
        let _ = parse_series(&text);
        prop_assert!(RuleSet::parse(&[("rules.yaml", &text)], &limits).is_err());
        prop_assert!(parse_scenarios("scenarios.yaml", &text, &limits).is_err());
    }

    #[test]
    fn any_line_of_a_rule_file(at in 0_usize..40, text in nearly()) {
        let rules = include_str!("../../rules/api.yaml");
        let mut lines: Vec<&str> = rules.lines().collect();
        lines[at] = &text;
        let _ = RuleSet::parse(&[("rules.yaml", &lines.join("\n"))], &Limits::default());
    }
}
