//! What a body shows of its event, whatever else is wrong with it.

use crate::ids::{EventKey, EventType};
use serde_json::value::RawValue;
use std::collections::HashMap;

/// Key and type as far as a body shows them. A body that is no valid event may still have them: it can be nested too
/// deeply, or its data can have text that is no Unicode. The client that sent it searches for it by its id.
pub fn peek(body: &str) -> (Option<EventKey>, Option<EventType>) {
    // Members are not parsed, so that nothing in them matters.
    let Ok(members) = serde_json::from_str::<HashMap<String, &RawValue>>(body) else { return (None, None) };
    let text = |name: &str| serde_json::from_str::<String>(members.get(name)?.get()).ok();
    let key = text("source").zip(text("id")).map(|(source, id)| EventKey::new(source, id));
    (key, text("type").map(EventType::new))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_shows_its_event_whatever_is_wrong_with_its_data() {
        let deep = format!("{}1{}", "[".repeat(10_000), "]".repeat(10_000));
        for data in [deep.as_str(), r#""\ud800""#, "1e400", r#"{"a":1,"a":2}"#] {
            let body = format!(r#"{{"specversion":"9","id":"e","source":"/s","type":"t","data":{data}}}"#);
            let (key, event_type) = peek(&body);
            assert_eq!((key, event_type), (Some(EventKey::new("/s", "e")), Some("t".into())), "{data:.40}");
        }
        for body in ["", "{", "[1]", "no JSON", r#"{"id":7,"type":null}"#] {
            assert_eq!(peek(body), (None, None), "{body}");
        }
        assert_eq!(peek(r#"{"id":"e","type":"t"}"#), (None, Some("t".into())));
    }
}
