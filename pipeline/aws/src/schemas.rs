//! JSON Schemas from S3.

use aws_sdk_s3::Client;
use spillway_core::ports::Schemas;
use spillway_core::schema::{SchemaError, SchemaSet};
use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

/// Why the schemas in a bucket can't be used.
#[derive(Debug, thiserror::Error)]
pub enum SchemasError {
    /// S3 did not give them.
    #[error("can't read the schemas in s3://{bucket}/{key}: {reason}")]
    Read {
        /// The bucket.
        bucket: String,
        /// The object, or where its key begins.
        key: String,
        /// Why.
        reason: String,
    },
    /// One of them can't be used.
    #[error(transparent)]
    Schema(#[from] SchemaError),
}

/// Reads all schemas from one version of one object, which has the text of each by its event type.
///
/// That version never changes. So a version of a function that names it has the schemas that it was deployed
/// with. That is also true when an alias goes back to it.
///
/// # Errors
/// S3 did not return it, it is no such document, or one of the schemas can't be used.
pub async fn load_schema_set(
    client: &Client,
    bucket: &str,
    key: &str,
    version: &str,
) -> Result<SchemaSet, SchemasError> {
    let unread = |reason| SchemasError::Read { bucket: bucket.to_owned(), key: key.to_owned(), reason };
    let request = client.get_object().bucket(bucket).key(key).version_id(version);
    let output = request
        .send()
        .await
        .map_err(|error| unread(crate::call_error::call_error("GetObject", &error).text))?;
    let bytes = output.body.collect().await.map_err(|error| unread(error.to_string()))?;
    let texts: BTreeMap<String, String> = serde_json::from_slice(&bytes.into_bytes())
        .map_err(|error| unread(format!("it is no document of schemas: {error}")))?;
    let schemas = texts.into_iter().map(|(name, text)| {
        let parsed = serde_json::from_str(&text).map_err(|error| SchemaError::Json {
            path: format!("{name}.json").into(),
            reason: error.to_string(),
        });
        Ok((name, parsed?))
    });
    let schemas = schemas.collect::<Result<BTreeMap<_, _>, SchemaError>>()?;
    Ok(SchemaSet::compile(&schemas)?)
}

/// The schemas under a prefix as they are now, one object `TYPE.json` for each event type. This is for
/// operators' programs. Such a program runs for long and calls [`Self::refresh`].
pub struct S3Schemas {
    client: Client,
    bucket: String,
    prefix: String,
    state: RwLock<State>,
}

#[derive(Default)]
struct State {
    /// ETag by key: what was read.
    etags: BTreeMap<String, String>,
    set: Arc<SchemaSet>,
}

impl S3Schemas {
    /// Reads the schemas.
    ///
    /// # Errors
    /// S3 did not give them, or one of them can't be used.
    pub async fn load(
        client: Client,
        bucket: impl Into<String>,
        prefix: impl Into<String>,
    ) -> Result<Self, SchemasError> {
        let schemas = Self { client, bucket: bucket.into(), prefix: prefix.into(), state: RwLock::default() };
        schemas.refresh().await?;
        Ok(schemas)
    }

    /// Reads them again if one was added, changed or removed. Returns whether that was so.
    ///
    /// # Errors
    /// S3 did not return them, or one of them can't be used; then the previous schemas stay active.
    pub async fn refresh(&self) -> Result<bool, SchemasError> {
        let etags = self.etags().await?;
        if !etags.is_empty() && etags == self.state.read().unwrap_or_else(PoisonError::into_inner).etags {
            return Ok(false);
        }
        let reads = etags.keys().map(|key| async move { Ok((self.type_of(key), self.read(key).await?)) });
        let read: Vec<Result<_, SchemasError>> = futures::future::join_all(reads).await;
        let by_type = read.into_iter().collect::<Result<BTreeMap<_, _>, _>>()?;
        let set = Arc::new(SchemaSet::compile(&by_type)?);
        *self.state.write().unwrap_or_else(PoisonError::into_inner) = State { etags, set };
        Ok(true)
    }

    async fn etags(&self) -> Result<BTreeMap<String, String>, SchemasError> {
        let mut etags = BTreeMap::new();
        let mut pages =
            self.client.list_objects_v2().bucket(&self.bucket).prefix(&self.prefix).into_paginator().send();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| {
                self.read_error(&self.prefix, crate::call_error::call_error("ListObjectsV2", &error).text)
            })?;
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

    async fn read(&self, key: &str) -> Result<serde_json::Value, SchemasError> {
        let output =
            self.client.get_object().bucket(&self.bucket).key(key).send().await.map_err(|error| {
                self.read_error(key, crate::call_error::call_error("GetObject", &error).text)
            })?;
        let bytes = output.body.collect().await.map_err(|error| self.read_error(key, error.to_string()))?;
        serde_json::from_slice(&bytes.into_bytes())
            .map_err(|error| SchemaError::Json { path: key.into(), reason: error.to_string() }.into())
    }

    fn type_of(&self, key: &str) -> String {
        let name = key.strip_prefix(&self.prefix).unwrap_or(key);
        name.strip_suffix(".json").unwrap_or(name).to_owned()
    }

    fn read_error(&self, key: &str, reason: String) -> SchemasError {
        SchemasError::Read { bucket: self.bucket.clone(), key: key.to_owned(), reason }
    }
}

impl Schemas for S3Schemas {
    fn current(&self) -> Arc<SchemaSet> {
        Arc::clone(&self.state.read().unwrap_or_else(PoisonError::into_inner).set)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::script::{Answer, Script};
    use serde_json::json;

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
    async fn a_schema_that_is_no_json_is_named() {
        let script = Script::start(|_, _| Answer::Text(json!({"order": "{,}"}).to_string())).await;
        let error = load_schema_set(&script.clients().s3(), "b", "k.json", "v").await.unwrap_err();
        assert!(error.to_string().starts_with("order.json is not JSON: "), "{error}");
    }

    #[tokio::test]
    async fn an_event_type_may_end_like_a_file_or_begin_like_the_prefix() {
        let list = "<ListBucketResult><Contents><Key>schemas/schemas/a.json.json</Key><ETag>1</ETag></Contents></ListBucketResult>";
        let script = Script::start(move |call, _| {
            Answer::Text(if call.action.contains("list-type") { list } else { "{}" }.to_owned())
        })
        .await;
        let schemas = S3Schemas::load(script.clients().s3(), "b", "schemas/").await.unwrap();
        assert_eq!(schemas.current().types(), ["schemas/a.json"]);
    }
}
