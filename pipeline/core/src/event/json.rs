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

/// Reads one JSON document.
///
/// # Errors
/// Bad UTF-8, bad syntax, a name that appears twice in one object, or nesting deeper than 127 levels.
pub fn parse_strict(bytes: &[u8]) -> Result<Value, JsonProblem> {
    let text = std::str::from_utf8(bytes).map_err(|error| JsonProblem {
        pointer: String::new(),
        detail: format!("not valid UTF-8: the byte at offset {} does not belong there", error.valid_up_to()),
    })?;
    let path = RefCell::new(Vec::new());
    let mut reader = serde_json::Deserializer::from_str(text);
    Strict { path: &path }
        .deserialize(&mut reader)
        .and_then(|value| reader.end().map(|()| value))
        .map_err(|error| JsonProblem { pointer: pointer(&path.borrow()), detail: describe(&error) })
}

fn describe(error: &serde_json::Error) -> String {
    let text = error.to_string();
    if text.starts_with("recursion limit exceeded") {
        return format!("nested deeper than 127 levels at line {} column {}", error.line(), error.column());
    }
    if error.is_eof() {
        return format!("the JSON ends too early, at line {} column {}", error.line(), error.column());
    }
    format!("not valid JSON: {text}")
}

fn pointer(path: &[String]) -> String {
    path.iter().map(|part| format!("/{}", part.replace('~', "~0").replace('/', "~1"))).collect()
}

struct Strict<'p> {
    path: &'p RefCell<Vec<String>>,
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
        let mut array = Vec::new();
        self.path.borrow_mut().push("0".to_owned());
        while let Some(item) = items.next_element_seed(Strict { path: self.path })? {
            array.push(item);
            set_last(self.path, array.len().to_string());
        }
        self.path.borrow_mut().pop();
        Ok(Value::Array(array))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            self.path.borrow_mut().push(name.clone());
            if object.contains_key(&name) {
                return Err(A::Error::custom(format!("the name \"{name}\" stands twice in one object")));
            }
            let value = members.next_value_seed(Strict { path: self.path })?;
            object.insert(name, value);
            self.path.borrow_mut().pop();
        }
        Ok(Value::Object(object))
    }
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
    fn duplicate_names_are_refused_where_they_stand() {
        let problem = parse_strict(br#"{"a":[{"b":1},{"c":1,"c":2}]}"#).unwrap_err();
        assert_eq!(problem.pointer, "/a/1/c");
        assert!(problem.detail.contains("\"c\" stands twice"), "{}", problem.detail);
    }

    #[test]
    fn nesting_has_an_end() {
        let deep = "[".repeat(10_000) + &"]".repeat(10_000);
        assert!(parse_strict(deep.as_bytes()).unwrap_err().detail.contains("deeper than 127"));
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
