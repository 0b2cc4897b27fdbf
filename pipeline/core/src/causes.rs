//! Errors in words.

use std::error::Error;

/// An error with all its causes, from the outside in, on one line. What the text says already is not repeated.
pub fn one_line(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(next) = cause {
        let next_text = next.to_string();
        if !text.contains(&next_text) {
            text = format!("{text}: {next_text}");
        }
        cause = next.source();
    }
    text.replace(['\n', '\r'], " ")
}
