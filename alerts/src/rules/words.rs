//! A parser's messages, in the words of who writes the file.

/// What a parser expects, by the name that it has in this crate, and in the words of `docs/alarms.md`.
const WORDS: &[(&str, &str)] = &[
    ("f64", "a number"),
    ("u32", "a whole number, 0 or more"),
    ("usize", "a whole number, 0 or more"),
    ("struct RawFile", "a file with the fields `subsystem` and `rules`"),
    ("struct ScenarioFile", "a file with the field `scenarios`"),
    ("struct RawRule", "a rule with its fields"),
    ("struct RawScenario", "a scenario with its fields"),
    ("struct RawMetric", "a metric with its fields"),
    ("struct RawDimension", "a dimension with its fields"),
    ("struct Link", "a link with `title` and `page`"),
];

/// `message` without the names of this crate's types.
pub(super) fn plain(message: &str) -> String {
    const EXPECTED: &str = ", expected ";
    let Some((found, expected)) = message.rsplit_once(EXPECTED) else { return message.to_owned() };
    // A list in place of a mapping: "invalid length 0, expected struct RawRule with 20 elements".
    let name = expected.split(" with ").next().unwrap_or(expected);
    if let Some((_, words)) = WORDS.iter().find(|(known, _)| *known == name) {
        return format!("{found}{EXPECTED}{words}");
    }
    let name = match expected.split_once(' ') {
        Some(("struct", _)) => "fields with values",
        Some(("enum", _)) => "one word",
        _ if expected == "variant identifier" => "one word",
        _ => return message.to_owned(),
    };
    format!("{found}{EXPECTED}{name}")
}

#[cfg(test)]
mod tests {
    use super::plain;

    #[test]
    fn messages_name_no_type_of_the_program() {
        for (message, expected) in [
            ("invalid type: string \"x\", expected f64", "invalid type: string \"x\", expected a number"),
            (
                "rules[0]: invalid type: unit value, expected struct RawRule",
                "rules[0]: invalid type: unit value, expected a rule with its fields",
            ),
            (
                "invalid length 0, expected struct Other with 3 elements",
                "invalid length 0, expected fields with values",
            ),
            ("tier: invalid type: map, expected enum Tier", "tier: invalid type: map, expected one word"),
            (
                "unknown variant `a`, expected `high` or `low`",
                "unknown variant `a`, expected `high` or `low`",
            ),
            ("missing field `name`", "missing field `name`"),
        ] {
            assert_eq!(plain(message), expected);
        }
    }
}
