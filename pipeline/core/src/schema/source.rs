//! Which text a schema has: its file, its version, and when it last changed.

use crate::Timestamp;
use serde::Serialize;
use sha2::{Digest, Sha256};

/// Hexadecimal digits of a version.
const VERSION_DIGITS: usize = 12;

/// The text of a schema that is active.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SchemaSource {
    /// Its file in the folder of schemas, such as `order.placed.json`.
    pub file: String,
    /// The first 12 hexadecimal digits of the SHA-256 of its text. `sha256sum` prints the same.
    pub version: String,
    /// When it last changed; `None` if that is not known.
    pub changed_at: Option<Timestamp>,
    /// Whether `changed_at` is the time of the document that has all schemas: this one may be older.
    pub is_shared: bool,
}

impl SchemaSource {
    /// The source of a type's schema, by the bytes of its file.
    pub fn of(event_type: &str, text: &[u8]) -> Self {
        let digest: String = Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect();
        Self {
            file: format!("{event_type}.json"),
            version: digest[..VERSION_DIGITS].to_owned(),
            changed_at: None,
            is_shared: false,
        }
    }

    /// The same, of a file that changed then.
    #[must_use]
    pub fn changed(self, at: Option<Timestamp>) -> Self {
        Self { changed_at: at, ..self }
    }

    /// The same, in a document with all schemas that changed then.
    #[must_use]
    pub fn in_document(self, changed_at: Option<Timestamp>) -> Self {
        Self { changed_at, is_shared: true, ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_the_beginning_of_the_sum_that_a_shell_prints() {
        // printf '{}' | sha256sum
        assert_eq!(SchemaSource::of("order", b"{}").version, "44136fa355b3");
        assert_eq!(SchemaSource::of("order", b"{}").file, "order.json");
    }
}
