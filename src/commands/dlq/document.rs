//! A dead letter as JSON.

use serde::{Serialize, Serializer};
use spillway_core::dead_letter::DeadLetter;
use std::ops::Deref;

/// A dead letter as it is archived, with `is_foreign` and `is_lost` also if they are false: the archive leaves them out then.
#[derive(Clone, Debug)]
pub struct LetterDocument(pub DeadLetter);

impl Deref for LetterDocument {
    type Target = DeadLetter;

    fn deref(&self) -> &DeadLetter {
        &self.0
    }
}

impl Serialize for LetterDocument {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Members {
            #[serde(flatten)]
            letter: DeadLetter,
            is_foreign: bool,
            is_lost: bool,
        }
        let DeadLetter { is_foreign, is_lost, .. } = self.0;
        let letter = DeadLetter { is_foreign: false, is_lost: false, ..self.0.clone() };
        Members { letter, is_foreign, is_lost }.serialize(serializer)
    }
}
