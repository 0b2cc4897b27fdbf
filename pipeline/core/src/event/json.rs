//! JSON read strictly: duplicate names are refused, and an error says where it is.
//!
//! `serde_json` keeps the last of two members with one name. Two readers that choose differently would then
//! see two different events. So ingest refuses such a document.

use serde::de::{DeserializeSeed, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};
use std::cell::RefCell;
use std::fmt;

/// Why a document was refused, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{detail}")]
pub struct JsonProblem {
    /// JSON Pointer (RFC 6901) to the place, where it is known; empty for the whole document.
    pub pointer: String,
    /// What is wrong, in one sentence.
    pub detail: String,
}

/// Maximum levels of arrays and objects in a document, which is the first level itself.
pub const MAX_DEPTH: usize = 127;

/// Reads one JSON document.
///
/// # Errors
/// Bad UTF-8, bad syntax, a duplicate name in an object, a number or an escape that can't be kept, or more than
/// [`MAX_DEPTH`] levels.
pub fn parse_strict(bytes: &[u8]) -> Result<Value, JsonProblem> {
    parse_within(bytes, MAX_DEPTH)
}

/// Reads one JSON document that nests at most `depth` levels deep.
///
/// # Errors
/// As [`parse_strict`], with `depth` as the limit.
pub fn parse_within(bytes: &[u8], depth: usize) -> Result<Value, JsonProblem> {
    let text = std::str::from_utf8(bytes).map_err(|error| JsonProblem {
        pointer: String::new(),
        detail: format!("not valid UTF-8: the byte at offset {} does not belong there", error.valid_up_to()),
    })?;
    let path = RefCell::new(Vec::new());
    let mut reader = serde_json::Deserializer::from_str(text);
    Strict { path: &path, depth }
        .deserialize(&mut reader)
        .and_then(|value| reader.end().map(|()| value))
        .map_err(|error| JsonProblem { pointer: pointer(&path.borrow()), detail: describe(&error) })
}

fn describe(error: &serde_json::Error) -> String {
    let text = error.to_string();
    if text.starts_with("recursion limit exceeded") {
        return format!(
            "nested deeper than {MAX_DEPTH} levels at line {} column {}",
            error.line(),
            error.column()
        );
    }
    if text.starts_with("number out of range") {
        return format!(
            "a number beyond the range of a 64-bit float, at line {} column {}; send it as a string",
            error.line(),
            error.column()
        );
    }
    if text.starts_with("lone leading surrogate") || text.starts_with("unexpected end of hex escape") {
        return format!(
            "an escape such as \\ud800 that is only half of a character, at line {} column {}",
            error.line(),
            error.column()
        );
    }
    if error.is_eof() {
        return format!("the JSON ends too early, at line {} column {}", error.line(), error.column());
    }
    if text.starts_with("nested deeper than") {
        return text;
    }
    format!("not valid JSON: {text}")
}

/// The JSON Pointer (RFC 6901) of a path.
pub fn pointer<S: AsRef<str>>(path: &[S]) -> String {
    path.iter()
        .map(AsRef::as_ref)
        .map(|part: &str| format!("/{}", part.replace('~', "~0").replace('/', "~1")))
        .collect()
}

#[derive(Clone, Copy)]
struct Strict<'p> {
    path: &'p RefCell<Vec<String>>,
    depth: usize,
}

impl Strict<'_> {
    fn check_depth<E: serde::de::Error>(self) -> Result<(), E> {
        if self.path.borrow().len() < self.depth {
            return Ok(());
        }
        Err(E::custom(format_args!("nested deeper than {} levels", self.depth)))
    }
}

impl<'de> DeserializeSeed<'de> for Strict<'_> {
    type Value = Value;

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        self.check_depth()?;
        let mut array = Vec::new();
        self.path.borrow_mut().push("0".to_owned());
        while let Some(item) = items.next_element_seed(self)? {
            array.push(item);
            set_last(self.path, array.len().to_string());
        }
        self.path.borrow_mut().pop();
        Ok(Value::Array(array))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        self.check_depth()?;
        let mut object = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            self.path.borrow_mut().push(name.clone());
            if object.contains_key(&name) {
                return Err(A::Error::custom(format!("the name \"{name}\" appears twice in one object")));
            }
            let value = members.next_value_seed(self)?;
            object.insert(name, value);
            self.path.borrow_mut().pop();
        }
        Ok(Value::Object(object))
    }
}

/// Whether a JSON document has an integer beyond 64 bits. It is read as a 64-bit float, which loses digits.
pub fn has_large_integer(document: &[u8]) -> bool {
    let mut rest = document;
    while let Some((&first, after)) = rest.split_first() {
        rest = match first {
            b'"' => after_string(after),
            b'-' | b'0'..=b'9' => {
                let is_part = |byte: &u8| matches!(byte, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E');
                let length = rest.iter().take_while(|byte| is_part(byte)).count();
                let (number, after) = rest.split_at(length);
                if is_large_integer(number) {
                    return true;
                }
                after
            }
            _ => after,
        };
    }
    false
}

fn after_string(text: &[u8]) -> &[u8] {
    let mut is_escaped = false;
    let end = text.iter().position(|byte| {
        let is_end = *byte == b'"' && !is_escaped;
        is_escaped = *byte == b'\\' && !is_escaped;
        is_end
    });
    end.map_or(&[][..], |end| &text[end + 1..])
}

fn is_large_integer(number: &[u8]) -> bool {
    let is_integer = number.iter().all(|byte| matches!(byte, b'-' | b'0'..=b'9'));
    let fits = |text: &str| text.parse::<i64>().is_ok() || text.parse::<u64>().is_ok();
    is_integer && !std::str::from_utf8(number).is_ok_and(fits)
}

fn set_last(path: &RefCell<Vec<String>>, part: String) {
    if let Some(last) = path.borrow_mut().last_mut() {
        *last = part;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn duplicate_names_are_refused_with_their_place() {
        let problem = parse_strict(br#"{"a":[{"b":1},{"c":1,"c":2}]}"#).unwrap_err();
        assert_eq!(problem.pointer, "/a/1/c");
        assert!(problem.detail.contains("\"c\" appears twice"), "{}", problem.detail);
    }

    #[test]
    fn nesting_is_limited() {
        let deep = "[".repeat(10_000) + &"]".repeat(10_000);
        assert!(parse_strict(deep.as_bytes()).unwrap_err().detail.contains("deeper than 127"));
    }

    #[test]
    fn nesting_may_have_a_lower_limit() {
        assert!(parse_within(b"[[1]]", 2).is_ok());
        let problem = parse_within(b"{\"a\":[{}]}", 2).unwrap_err();
        assert_eq!(problem.pointer, "/a/0");
        assert!(problem.detail.starts_with("nested deeper than 2 levels at line 1"), "{}", problem.detail);
    }

    #[test]
    fn values_that_can_not_be_kept_have_their_own_messages() {
        let detail = |text: &[u8]| parse_strict(text).unwrap_err().detail;
        assert!(detail(b"[1e400]").starts_with("a number beyond the range of a 64-bit float, at line 1"));
        for escape in [r#"["\ud800"]"#, r#"["\ud800x"]"#, r#"["\udc00"]"#, r#"["\ud800\ud800"]"#] {
            let found = detail(escape.as_bytes());
            assert!(found.contains("only half of a character"), "{escape}: {found}");
        }
    }

    #[test]
    fn integers_beyond_64_bits_are_found_and_nothing_else() {
        for text in ["18446744073709551616", "-9223372036854775809", r#"{"a":["\\",1,99999999999999999999]}"#]
        {
            assert!(has_large_integer(text.as_bytes()), "{text}");
        }
        for text in [
            "18446744073709551615",
            "-9223372036854775808",
            "1e30",
            "100000000000000000000.5",
            r#"{"99999999999999999999":"\"99999999999999999999","b":[-0,1.5]}"#,
        ] {
            assert!(!has_large_integer(text.as_bytes()), "{text}");
        }
    }

    #[test]
    fn syntax_and_encoding_errors_say_where() {
        assert!(parse_strict(b"{\"a\":\n tru}").unwrap_err().detail.contains("line 2"));
        assert!(parse_strict(b"{\"a\":\"\xff\"}").unwrap_err().detail.contains("offset 6"));
        assert!(parse_strict(b"{\"a\":1} x").unwrap_err().detail.contains("trailing"));
        assert!(parse_strict(b"{\"a\":").unwrap_err().detail.contains("ends too early"));
    }

    #[test]
    fn reads_what_serde_json_reads() {
        let text = r#"{"a":[1,-2,3.5,true,null,"x\u00e9"],"b":{}}"#;
        assert_eq!(parse_strict(text.as_bytes()).unwrap(), serde_json::from_str::<Value>(text).unwrap());
    }
}
