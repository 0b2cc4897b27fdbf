//! JSON as text. Nothing here reads a document into values: a reader of values loses what they cannot hold, such as large
//! integers, `0.10`, `-0` and the order of members. Only white space between tokens changes.

use serde_json::value::RawValue;

/// A document as it is, if the text is JSON.
pub fn as_it_is(text: &str) -> Option<Box<RawValue>> {
    serde_json::from_str(text).ok()
}

/// A document on one line.
pub fn on_one_line(json: &RawValue) -> String {
    let mut text = String::with_capacity(json.get().len());
    tokens(json.get(), |token| text.push_str(token));
    text
}

/// A document with one member or item on each line.
pub fn spread_out(json: &RawValue) -> String {
    let mut text = String::with_capacity(json.get().len() * 2);
    let mut depth = 0_usize;
    let mut is_empty = false;
    let new_line = |text: &mut String, depth: usize| {
        text.push('\n');
        text.extend(std::iter::repeat_n("  ", depth));
    };
    tokens(json.get(), |token| {
        if matches!(token, "}" | "]") {
            depth = depth.saturating_sub(1);
            if !is_empty {
                new_line(&mut text, depth);
            }
        } else if is_empty {
            new_line(&mut text, depth);
        }
        text.push_str(token);
        is_empty = matches!(token, "{" | "[");
        match token {
            "{" | "[" => depth += 1,
            "," => new_line(&mut text, depth),
            ":" => text.push(' '),
            _ => {}
        }
    });
    text
}

/// Each token of a valid document.
fn tokens<'t>(json: &'t str, mut token: impl FnMut(&'t str)) {
    let bytes = json.as_bytes();
    let mut start = 0;
    while start < bytes.len() {
        let end = match bytes[start] {
            b' ' | b'\t' | b'\n' | b'\r' => {
                start += 1;
                continue;
            }
            b'{' | b'}' | b'[' | b']' | b',' | b':' => start + 1,
            b'"' => end_of_string(bytes, start),
            _ => {
                let is_end = |byte: &u8| b" \t\n\r{}[],:\"".contains(byte);
                bytes[start..].iter().position(is_end).map_or(bytes.len(), |length| start + length)
            }
        };
        token(&json[start..end]);
        start = end;
    }
}

fn end_of_string(bytes: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => at += 2,
            b'"' => return at + 1,
            _ => at += 1,
        }
    }
    bytes.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: &str = "{ \"b\" :12345678901234567890123,\n\t\"a\": [0.10,-0,1E+2 ,{ } , [\r\n]], \"q\": \"x \\\\\\\" { \\ud800 ]\", \
                        \"b\":true}";

    #[test]
    fn only_white_space_between_tokens_changes() {
        let json = as_it_is(BODY).unwrap();
        let line = on_one_line(&json);
        assert_eq!(
            line,
            "{\"b\":12345678901234567890123,\"a\":[0.10,-0,1E+2,{},[]],\"q\":\"x \\\\\\\" { \\ud800 ]\",\"b\":true}"
        );
        let spread = spread_out(&json);
        assert_eq!(
            spread,
            "{\n  \"b\": 12345678901234567890123,\n  \"a\": [\n    0.10,\n    -0,\n    1E+2,\n    {},\n    []\n  ],\n  \"q\": \"x \
             \\\\\\\" { \\ud800 ]\",\n  \"b\": true\n}"
        );
        assert_eq!(on_one_line(&as_it_is(&spread).unwrap()), line);
    }

    #[test]
    fn any_depth_and_any_scalar_are_taken() {
        let deep = format!("{}{}", "[".repeat(5_000), "]".repeat(5_000));
        assert_eq!(on_one_line(&as_it_is(&deep).unwrap()), deep);
        for text in ["1e400", "\"é\u{7f}\"", "null", "{}", "[]"] {
            assert_eq!(spread_out(&as_it_is(text).unwrap()), text);
        }
        assert!(as_it_is("{\"a\":}").is_none());
    }
}
