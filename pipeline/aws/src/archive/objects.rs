//! The bucket: an object for each time that a message was dead-lettered, written once and never changed, and notes of
//! those that the index lacks.

use super::ArchiveNames;
use crate::call_error::{CallError, call_error};
use aws_sdk_s3::Client;
use aws_sdk_s3::primitives::ByteStream;
use spillway_core::dead_letter::DeadLetter;
use spillway_core::ids::MessageId;

/// One time that a message was dead-lettered: which message, and how often it had been put back before.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Archiving {
    pub id: MessageId,
    pub generation: u32,
}

impl Archiving {
    pub fn of(letter: &DeadLetter) -> Self {
        Self { id: letter.id.clone(), generation: letter.generation }
    }

    /// The key below a prefix: `ID/GENERATION.json`, so that a listing has a letter's objects together and in order.
    fn key(&self, prefix: &str) -> String {
        format!("{prefix}{}/{:06}.json", self.id, self.generation)
    }

    fn parse(prefix: &str, key: &str) -> Option<Self> {
        let (id, generation) = key.strip_prefix(prefix)?.strip_suffix(".json")?.rsplit_once('/')?;
        Some(Self { id: MessageId::new(id), generation: generation.parse().ok()? })
    }
}

/// The bucket.
#[derive(Clone, Debug)]
pub(crate) struct Objects {
    client: Client,
    names: ArchiveNames,
}

impl Objects {
    pub fn new(client: Client, names: ArchiveNames) -> Self {
        Self { client, names }
    }

    /// Writes a dead letter from the DLQ. Writing the same one again changes nothing.
    pub async fn put(&self, letter: &DeadLetter) -> Result<(), CallError> {
        const ACTION: &str = "PutObject";
        let document = serde_json::to_vec(letter).map_err(|error| CallError::ours(ACTION, &error))?;
        let call = self
            .client
            .put_object()
            .bucket(&self.names.bucket)
            .key(Archiving::of(letter).key(&self.names.prefix))
            .content_type("application/json")
            // An existing object is kept: it is the same, or an earlier copy of the same message.
            .if_none_match("*")
            .body(ByteStream::from(document));
        match call.send().await {
            Ok(_) => Ok(()),
            Err(error) => match call_error(ACTION, &error) {
                there if there.code.as_deref() == Some("PreconditionFailed") => Ok(()),
                error => Err(error),
            },
        }
    }

    /// What was written; `None` if it is not there (its retention has expired).
    pub async fn get(&self, archiving: &Archiving) -> Result<Option<DeadLetter>, CallError> {
        const ACTION: &str = "GetObject";
        let call = self.client.get_object().bucket(&self.names.bucket).key(archiving.key(&self.names.prefix));
        let output = match call.send().await {
            Ok(output) => output,
            Err(error) if error.as_service_error().is_some_and(|error| error.is_no_such_key()) => {
                return Ok(None);
            }
            Err(error) => return Err(call_error(ACTION, &error)),
        };
        let bytes = output.body.collect().await.map_err(|error| CallError::cut(ACTION, &error))?;
        let letter =
            serde_json::from_slice(&bytes.into_bytes()).map_err(|error| CallError::ours(ACTION, &error))?;
        Ok(Some(letter))
    }

    /// A dead letter with all its failures: those of each time that it was dead-lettered, oldest first.
    pub async fn whole(&self, archiving: &Archiving) -> Result<Option<DeadLetter>, CallError> {
        let each = (0..=archiving.generation).map(|generation| {
            let one = Archiving { id: archiving.id.clone(), generation };
            async move { self.get(&one).await }
        });
        let read = futures::future::try_join_all(each).await?;
        Ok(merged(read.into_iter().flatten()))
    }

    /// Makes the newest version of each deleted object of a letter current again. Returns how many there were.
    pub async fn recover(&self, id: &MessageId) -> Result<usize, CallError> {
        const ACTION: &str = "ListObjectVersions";
        let prefix = format!("{}{id}/", self.names.prefix);
        let call = self.client.list_object_versions().bucket(&self.names.bucket).prefix(prefix);
        let output = call.send().await.map_err(|error| call_error(ACTION, &error))?;
        let deleted = output.delete_markers().iter().filter(|marker| marker.is_latest == Some(true));
        let mut recovered = 0;
        for key in deleted.filter_map(|marker| marker.key()) {
            // Versions of a key are listed from the newest on ("ListObjectVersions" in the S3 API reference).
            let newest = output.versions().iter().find(|version| version.key() == Some(key));
            let Some(version) = newest.and_then(|version| version.version_id()) else { continue };
            let read = self.client.get_object().bucket(&self.names.bucket).key(key).version_id(version);
            let read = read.send().await.map_err(|error| call_error("GetObject", &error))?;
            let bytes = read.body.collect().await.map_err(|error| CallError::cut("GetObject", &error))?;
            let write = self
                .client
                .put_object()
                .bucket(&self.names.bucket)
                .key(key)
                .content_type("application/json")
                // Another person may be restoring it too.
                .if_none_match("*")
                .body(ByteStream::from(bytes.into_bytes()));
            match write.send().await {
                Ok(_) => recovered += 1,
                Err(error) => match call_error("PutObject", &error) {
                    there if there.code.as_deref() == Some("PreconditionFailed") => {}
                    error => return Err(error),
                },
            }
        }
        Ok(recovered)
    }

    /// Notes that the index lacks a dead letter.
    pub async fn write_note(&self, archiving: &Archiving) -> Result<(), CallError> {
        let call = self
            .client
            .put_object()
            .bucket(&self.names.bucket)
            .key(archiving.key(&self.names.unindexed_prefix))
            .body(ByteStream::from_static(b""));
        call.send().await.map(|_| ()).map_err(|error| call_error("PutObject", &error))
    }

    /// Removes a note.
    pub async fn remove_note(&self, archiving: &Archiving) -> Result<(), CallError> {
        let key = archiving.key(&self.names.unindexed_prefix);
        let call = self.client.delete_object().bucket(&self.names.bucket).key(key);
        call.send().await.map(|_| ()).map_err(|error| call_error("DeleteObject", &error))
    }

    /// Notes in the order of their keys, from this id on and then from the beginning: all, or at least as many as are
    /// wanted.
    pub async fn unindexed(&self, from: &MessageId, wanted: usize) -> Result<Vec<Archiving>, CallError> {
        let prefix = &self.names.unindexed_prefix;
        let mut notes = Vec::new();
        for start in [Some(format!("{prefix}{from}")), None] {
            let is_whole_round = start.is_none();
            let mut after = None;
            loop {
                let listing = self.page(prefix, start.clone(), after).await?;
                let passed = |note: &Archiving| is_whole_round && note.id >= *from;
                let is_round = listing.archivings.iter().any(passed);
                notes.extend(listing.archivings.into_iter().filter(|note| !passed(note)));
                if notes.len() >= wanted {
                    return Ok(notes);
                }
                after = listing.next;
                if after.is_none() || is_round {
                    break;
                }
            }
        }
        Ok(notes)
    }

    /// A page of everything that was written, a letter's objects together and in order.
    pub async fn written(&self, after: Option<String>) -> Result<Listing, CallError> {
        self.page(&self.names.prefix, None, after).await
    }

    async fn page(
        &self,
        prefix: &str,
        start: Option<String>,
        after: Option<String>,
    ) -> Result<Listing, CallError> {
        let call = self
            .client
            .list_objects_v2()
            .bucket(&self.names.bucket)
            .prefix(prefix)
            .set_start_after(start)
            .set_continuation_token(after);
        let output = call.send().await.map_err(|error| call_error("ListObjectsV2", &error))?;
        let archivings =
            output.contents().iter().filter_map(|object| Archiving::parse(prefix, object.key()?)).collect();
        Ok(Listing { archivings, next: output.next_continuation_token })
    }
}

/// A page of a listing.
pub(crate) struct Listing {
    pub archivings: Vec<Archiving>,
    pub next: Option<String>,
}

/// The newest of a letter's documents, with the failures of all of them.
pub(crate) fn merged(letters: impl Iterator<Item = DeadLetter>) -> Option<DeadLetter> {
    letters.reduce(|before, mut letter| {
        letter.failures = before.failures.into_iter().chain(letter.failures).collect();
        letter.is_foreign |= before.is_foreign;
        letter
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::letter;

    #[test]
    fn keys_say_which_letter_and_which_time() {
        let archiving = Archiving { id: "m-1".into(), generation: 12 };
        assert_eq!(archiving.key("dead-letters/"), "dead-letters/m-1/000012.json");
        assert_eq!(Archiving::parse("dead-letters/", "dead-letters/m-1/000012.json"), Some(archiving));
        assert_eq!(Archiving::parse("dead-letters/", "dead-letters/readme.txt"), None);
    }

    #[test]
    fn a_letter_that_came_back_has_the_failures_of_each_time() {
        let (first, mut second) = (letter("m", "e"), letter("m", "e"));
        second.generation = 1;
        second.failures[0].message = "again".to_owned();
        let whole = merged([first, second].into_iter()).unwrap();
        let messages: Vec<_> = whole.failures.iter().map(|failure| failure.message.as_str()).collect();
        assert_eq!(messages, ["/amount: expected number", "again"]);
        assert_eq!(whole.generation, 1);
    }
}
