//! Bad input and bad conditions: each gets a clear answer, no input is partly accepted, no event is lost.

mod disks;
mod requests;
mod slow;

use serde_json::Value;
use spillway_tests::http::Answer;

/// Checks that an answer is a problem document (RFC 9457) that says what is wrong, and returns it.
fn problem(answer: &Answer, what: &str) -> Value {
    assert_eq!(answer.header("content-type"), Some("application/problem+json"), "{what}: {answer:?}");
    let document = answer.json();
    assert_eq!(document["status"], answer.status, "{what}: {document:#}");
    for member in ["type", "title", "detail"] {
        let text = document[member].as_str().unwrap_or_default();
        assert!(!text.is_empty(), "{what}: no {member} in {document:#}");
        assert!(!text.contains("panicked") && !text.contains(".rs:"), "{what}: {document:#}");
    }
    document
}
