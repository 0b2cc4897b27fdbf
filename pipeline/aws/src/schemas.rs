//! JSON Schemas from S3.

use crate::call_error::call_error;
use async_trait::async_trait;
use aws_sdk_s3::Client;
use aws_smithy_types::DateTime;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use spillway_core::Timestamp;
use spillway_core::ports::Schemas;
use spillway_core::schema::{SchemaError, SchemaSet, SchemaSource};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::time::Instant;

/// Schemas that are read concurrently.
const READS_AT_ONCE: usize = 32;
/// Between looks at the bucket.
const LOOK_EVERY: Duration = Duration::from_secs(30);

/// Reads all schemas from one version of one object, which has the text of each by its event type. One that can't be used
/// affects only its own type: see [`SchemaSet::problems`].
///
/// That version never changes. So a version of a function that names it has the schemas that it was deployed
/// with. That is also true when an alias goes back to it.
///
/// # Errors
/// S3 did not return it, or it is no such document.
pub async fn load_schema_set(
    client: &Client,
    bucket: &str,
    key: &str,
    version: &str,
) -> Result<SchemaSet, SchemaError> {
    let object = client.get_object().bucket(bucket).key(key).version_id(version);
    let output =
        object.send().await.map_err(|error| unread(bucket, key, call_error("GetObject", &error).text))?;
    let bytes = output.body.collect().await.map_err(|error| unread(bucket, key, error))?;
    let texts: BTreeMap<String, String> = serde_json::from_slice(&bytes.into_bytes())
        .map_err(|error| unread(bucket, key, format!("it is no document of schemas: {error}")))?;
    let set = SchemaSet::of_texts(&texts);
    for problem in set.problems() {
        tracing::error!(target: "spillway::schemas", %problem, "a schema can't be used");
    }
    Ok(set)
}

fn unread(bucket: &str, key: &str, reason: impl ToString) -> SchemaError {
    SchemaError::Read { path: format!("s3://{bucket}/{key}").into(), reason: reason.to_string() }
}

/// The schemas as they are now: in one document, or under a prefix in one object `TYPE.json` for each event type. This is for
/// operators' programs. They are read when they are first needed, and again after a change.
pub struct S3Schemas {
    client: Client,
    bucket: String,
    place: Place,
    state: Mutex<State>,
}

enum Place {
    /// The key of a document as [`load_schema_set`] reads it. One call reads all schemas, however many there are.
    Document(String),
    /// What keys begin with. Each schema takes a call.
    Prefix(String),
}

/// An object's text, and when it was written.
struct Text(Vec<u8>, Option<Timestamp>);

#[derive(Default)]
struct State {
    /// ETag by key: what was read.
    etags: Option<BTreeMap<String, String>>,
    set: Arc<SchemaSet>,
    looked_at: Option<Instant>,
}

impl S3Schemas {
    /// The schemas under that prefix. Nothing is read yet.
    pub fn new(client: Client, bucket: impl Into<String>, prefix: impl Into<String>) -> Self {
        let place = Place::Prefix(prefix.into());
        Self { client, bucket: bucket.into(), place, state: Mutex::default() }
    }

    /// The schemas in the document with that key. Nothing is read yet.
    pub fn in_one_document(client: Client, bucket: impl Into<String>, key: impl Into<String>) -> Self {
        let place = Place::Document(key.into());
        Self { client, bucket: bucket.into(), place, state: Mutex::default() }
    }

    /// Reads the schemas again if one was added, changed or removed.
    async fn refresh(&self, state: &mut State) -> Result<(), SchemaError> {
        match &self.place {
            Place::Document(key) => self.refresh_document(key, state).await,
            Place::Prefix(prefix) => self.refresh_objects(prefix, state).await,
        }
    }

    async fn refresh_document(&self, key: &str, state: &mut State) -> Result<(), SchemaError> {
        let known = state.etags.as_ref().and_then(|etags| etags.get(key).cloned());
        let call = self.client.get_object().bucket(&self.bucket).key(key).set_if_none_match(known);
        let output = match call.send().await {
            Ok(output) => output,
            Err(error) if error.raw_response().is_some_and(|answer| answer.status().as_u16() == 304) => {
                state.unchanged();
                return Ok(());
            }
            Err(error) => return Err(unread(&self.bucket, key, call_error("GetObject", &error).text)),
        };
        let etag = output.e_tag().unwrap_or_default().to_owned();
        let changed_at = output.last_modified().and_then(time_of);
        let bytes = output.body.collect().await.map_err(|error| unread(&self.bucket, key, error))?;
        let texts: BTreeMap<String, String> = serde_json::from_slice(&bytes.into_bytes())
            .map_err(|error| unread(&self.bucket, key, format!("it is no document of schemas: {error}")))?;
        let sources = texts
            .iter()
            .map(|(name, text)| {
                (name.clone(), SchemaSource::of(name, text.as_bytes()).in_document(changed_at))
            })
            .collect();
        state.set = Arc::new(SchemaSet::of_texts(&texts).with_sources(sources));
        state.etags = Some(BTreeMap::from([(key.to_owned(), etag)]));
        Ok(())
    }

    async fn refresh_objects(&self, prefix: &str, state: &mut State) -> Result<(), SchemaError> {
        let etags = self.etags(prefix).await?;
        if state.etags.as_ref() == Some(&etags) {
            state.unchanged();
            return Ok(());
        }
        let reads = etags.keys().map(|key| async move { Ok((type_of(prefix, key), self.read(key).await?)) });
        let reads: Vec<_> = reads.collect();
        let read: BTreeMap<String, Text> =
            stream::iter(reads).buffer_unordered(READS_AT_ONCE).try_collect().await?;
        let source = |name: &String, text: &Text| SchemaSource::of(name, &text.0).changed(text.1);
        let sources = read.iter().map(|(name, text)| (name.clone(), source(name, text))).collect();
        let texts: BTreeMap<String, Vec<u8>> = read.into_iter().map(|(name, text)| (name, text.0)).collect();
        state.set = Arc::new(SchemaSet::of_texts(&texts).with_sources(sources));
        state.etags = Some(etags);
        Ok(())
    }

    async fn etags(&self, prefix: &str) -> Result<BTreeMap<String, String>, SchemaError> {
        let mut etags = BTreeMap::new();
        let mut pages =
            self.client.list_objects_v2().bucket(&self.bucket).prefix(prefix).into_paginator().send();
        while let Some(page) = pages.next().await {
            let page =
                page.map_err(|error| unread(&self.bucket, prefix, call_error("ListObjectsV2", &error).text))?;
            for object in page.contents() {
                if let (Some(key), Some(etag)) = (object.key(), object.e_tag())
                    && key.ends_with(".json")
                {
                    etags.insert(key.to_owned(), etag.to_owned());
                }
            }
        }
        Ok(etags)
    }

    async fn read(&self, key: &str) -> Result<Text, SchemaError> {
        let object = self.client.get_object().bucket(&self.bucket).key(key);
        let output = object
            .send()
            .await
            .map_err(|error| unread(&self.bucket, key, call_error("GetObject", &error).text))?;
        let changed_at = output.last_modified().and_then(time_of);
        let bytes = output.body.collect().await.map_err(|error| unread(&self.bucket, key, error))?;
        Ok(Text(bytes.to_vec(), changed_at))
    }
}

impl State {
    /// S3 answers, and has what was read.
    fn unchanged(&mut self) {
        if !self.set.problems().is_empty() {
            self.set = Arc::new(self.set.noting(Vec::new()));
        }
    }
}

fn time_of(time: &DateTime) -> Option<Timestamp> {
    Timestamp::from_millisecond(time.to_millis().ok()?).ok()
}

/// The event type of an object's schema.
fn type_of(prefix: &str, key: &str) -> String {
    let name = key.strip_prefix(prefix).unwrap_or(key);
    name.strip_suffix(".json").unwrap_or(name).to_owned()
}

#[async_trait]
impl Schemas for S3Schemas {
    async fn current(&self) -> Arc<SchemaSet> {
        let mut state = self.state.lock().await;
        if state.looked_at.is_none_or(|at| at.elapsed() >= LOOK_EVERY) {
            if let Err(error) = self.refresh(&mut state).await {
                let set = match state.etags {
                    None => SchemaSet::refusing_everything(error),
                    Some(_) => state.set.noting(vec![error]),
                };
                state.set = Arc::new(set);
            }
            state.looked_at = Some(Instant::now());
        }
        Arc::clone(&state.set)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::script::{Answer, Script};
    use serde_json::json;
    use spillway_core::event::Event;
    use std::sync::atomic::{AtomicBool, Ordering};

    #[tokio::test]
    async fn a_function_reads_the_version_of_the_schemas_that_it_was_deployed_with() {
        let script = Script::start(|call, _| match call.action.contains("versionId=v1") {
            true => Answer::Text(json!({"a.json": "{\"type\":\"object\"}"}).to_string()),
            false => Answer::Text("{}".to_owned()),
        })
        .await;
        let client = script.clients().s3();
        let read = async |version: &'static str| load_schema_set(&client, "b", "k.json", version).await;
        assert_eq!(read("v1").await.unwrap().types(), ["a.json"]);
        assert!(read("v2").await.unwrap().types().is_empty());
    }

    #[tokio::test]
    async fn a_schema_that_cannot_be_used_affects_only_its_own_type() {
        let texts =
            json!({"order": "{,}", "cart": "{\"type\":\"nonsense\"}", "user": "{\"type\":\"string\"}"});
        let script = Script::start(move |_, _| Answer::Text(texts.to_string())).await;
        let set = load_schema_set(&script.clients().s3(), "b", "k.json", "v").await.unwrap();
        let problems: Vec<_> = set.problems().iter().map(ToString::to_string).collect();
        assert!(problems.len() == 2 && problems[1].starts_with("order.json is not JSON: "), "{problems:?}");
        let check = |event_type| {
            let text =
                json!({"specversion": "1.0", "id": "1", "source": "/s", "type": event_type, "data": "x"});
            set.check(&Event::from_structured(text.to_string().as_bytes()).unwrap())
        };
        assert_eq!((check("user"), check("another type")), (Ok(()), Ok(())));
        assert!(check("order").is_err() && check("cart").is_err());
    }

    async fn pass(time: Duration) {
        tokio::time::pause();
        tokio::time::advance(time).await;
        tokio::time::resume();
    }

    #[tokio::test]
    async fn a_program_reads_schemas_only_when_it_needs_them_and_keeps_them_when_s3_fails() {
        let list =
            "<ListBucketResult><Contents><Key>s/order.json</Key><ETag>1</ETag></Contents></ListBucketResult>";
        let fails = Arc::new(AtomicBool::new(false));
        let failing = Arc::clone(&fails);
        let script = Script::start(move |call, _| match call.action.contains("list-type") {
            true if failing.load(Ordering::Relaxed) => Answer::Status(403, "AccessDenied"),
            true => Answer::Text(list.to_owned()),
            false => Answer::Text("{}".to_owned()),
        })
        .await;
        let schemas = S3Schemas::new(script.clients().s3(), "b", "s/");
        assert_eq!(script.calls().len(), 0);
        assert_eq!(schemas.current().await.types(), ["order"]);
        assert_eq!(script.calls().len(), 2);
        fails.store(true, Ordering::Relaxed);
        pass(LOOK_EVERY).await;
        let kept = schemas.current().await;
        assert_eq!((kept.types(), kept.problems().len()), (vec!["order"], 1));
        fails.store(false, Ordering::Relaxed);
        pass(LOOK_EVERY).await;
        assert!(schemas.current().await.problems().is_empty());
    }

    #[tokio::test]
    async fn any_number_of_schemas_in_one_document_is_one_call() {
        let texts: BTreeMap<String, &str> = (0..300).map(|n| (format!("type-{n}"), "{}")).collect();
        let text = json!(texts).to_string();
        let is_changed = Arc::new(AtomicBool::new(true));
        let changed = Arc::clone(&is_changed);
        let script = Script::start(move |_, _| match changed.load(Ordering::Relaxed) {
            true => Answer::Text(text.clone()),
            false => Answer::Status(304, ""),
        })
        .await;
        let schemas = S3Schemas::in_one_document(script.clients().s3(), "b", "sets/current.json");
        assert_eq!(schemas.current().await.types().len(), 300);
        assert_eq!(script.calls().len(), 1);
        is_changed.store(false, Ordering::Relaxed);
        pass(LOOK_EVERY).await;
        let kept = schemas.current().await;
        assert_eq!((kept.types().len(), kept.problems().len()), (300, 0), "S3 has no newer one");
    }

    #[tokio::test]
    async fn an_event_type_may_end_like_a_file_or_begin_like_the_prefix() {
        let list = "<ListBucketResult><Contents><Key>schemas/schemas/a.json.json</Key><ETag>1</ETag></Contents></ListBucketResult>";
        let script = Script::start(move |call, _| {
            Answer::Text(if call.action.contains("list-type") { list } else { "{}" }.to_owned())
        })
        .await;
        let schemas = S3Schemas::new(script.clients().s3(), "b", "schemas/");
        assert_eq!(schemas.current().await.types(), ["schemas/a.json"]);
    }
}
