//! JSON as its sender wrote it: the order of members, every digit of a number, repeated names, and where a value is in the
//! text. Nothing is parsed deeper than needed, so that deep or large documents cost little.

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use std::fmt;
use std::ops::Range;

/// One level of a document.
#[derive(Clone, Debug)]
pub enum Opened<'a> {
    /// Members with their names, in the sender's order. A name can be there twice.
    Object(Vec<(String, &'a RawValue)>),
    /// Items.
    Array(Vec<&'a RawValue>),
    /// A string, number, `true`, `false` or `null`.
    Leaf,
}

/// Opens a value by one level. `None` if a name in it is not Unicode text, such as half a surrogate pair.
pub fn open(value: &RawValue) -> Option<Opened<'_>> {
    let text = value.get();
    match text.as_bytes().first() {
        Some(b'{') => serde_json::from_str(text).ok().map(|Members(members)| Opened::Object(members)),
        Some(b'[') => serde_json::from_str(text).ok().map(Opened::Array),
        _ => Some(Opened::Leaf),
    }
}

/// A whole document. `None` if it is not JSON.
pub fn document(text: &str) -> Option<&RawValue> {
    serde_json::from_str(text).ok()
}

/// A member of an object or an item of an array. Of members with one name it is the last, which is the one that a schema
/// check sees.
pub fn child<'a>(value: &'a RawValue, part: &str) -> Option<&'a RawValue> {
    match open(value)? {
        Opened::Object(members) => {
            members.into_iter().rev().find(|(name, _)| name == part).map(|(_, value)| value)
        }
        Opened::Array(items) => items.get(part.parse::<usize>().ok()?).copied(),
        Opened::Leaf => None,
    }
}

/// The bytes of a text that a value read from it takes. `None` if it was read from another text.
pub fn bytes_of(text: &str, value: &RawValue) -> Option<Range<usize>> {
    let start = value.get().as_ptr().addr().checked_sub(text.as_ptr().addr())?;
    let end = start.checked_add(value.get().len())?;
    (end <= text.len()).then_some(start..end)
}

/// The parts of a JSON Pointer (RFC 6901).
pub fn parts(pointer: &str) -> Vec<String> {
    pointer.split('/').skip(1).map(|part| part.replace("~1", "/").replace("~0", "~")).collect()
}

/// The JSON type of a value: `object`, `array`, `string`, `number`, `boolean` or `null`.
pub fn json_type(value: &RawValue) -> &'static str {
    match value.get().as_bytes().first() {
        Some(b'{') => "object",
        Some(b'[') => "array",
        Some(b'"') => "string",
        Some(b't' | b'f') => "boolean",
        Some(b'n') => "null",
        _ => "number",
    }
}

struct Members<'a>(Vec<(String, &'a RawValue)>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Read;
        impl<'de> Visitor<'de> for Read {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find<'a>(text: &'a str, pointer: &str) -> Option<&'a RawValue> {
        parts(pointer).iter().try_fold(document(text)?, |value, part| child(value, part))
    }

    #[test]
    fn a_value_is_found_where_the_sender_wrote_it() {
        let text = r#"{ "a/b": [ 1.10 , {"~x": "é\u0041"} ], "c":1, "c": 2 }"#;
        for (pointer, written) in
            [("/a~1b/0", "1.10"), ("/a~1b/1/~0x", r#""é\u0041""#), ("/c", "2"), ("", text)]
        {
            let value = find(text, pointer).unwrap();
            assert_eq!(value.get(), written, "{pointer}");
            assert_eq!(&text[bytes_of(text, value).unwrap()], written, "{pointer}");
        }
        assert!(find(text, "/a~1b/2").is_none() && find(text, "/c/d").is_none() && find("{", "").is_none());
    }

    #[test]
    fn a_document_may_be_deep_and_its_names_long() {
        let deep = format!("{}1{}", "[".repeat(50_000), "]".repeat(50_000));
        let mut value = document(&deep).unwrap();
        for _ in 0..100 {
            value = child(value, "0").unwrap();
        }
        assert_eq!(value.get().len(), deep.len() - 200);
        let long = "n".repeat(200_000);
        let text = format!(r#"{{"{long}": true}}"#);
        assert_eq!(json_type(find(&text, &format!("/{long}")).unwrap()), "boolean");
    }

    #[test]
    fn each_type_has_its_name() {
        for (text, name) in [
            ("{}", "object"),
            ("[]", "array"),
            ("\"\"", "string"),
            ("-1", "number"),
            ("false", "boolean"),
            ("null", "null"),
        ] {
            assert_eq!(json_type(document(text).unwrap()), name);
        }
    }
}
