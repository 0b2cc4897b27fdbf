//! JSON Schemas from S3.

use aws_sdk_s3::Client;
use spillway_core::ports::Schemas;
use spillway_core::schema::{SchemaError, SchemaSet};
use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

/// Why schemas could not be read from the bucket.
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

/// The schemas under a prefix, one object `TYPE.json` an event type.
///
/// They are read once. Terraform changes the function's environment (`SPILLWAY_SCHEMAS_HASH`) whenever a schema changes,
/// so each function starts anew with them; a process that lives on calls [`Self::refresh`].
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
    /// S3 did not give them, or one of them can't be used; then those of before stay in force.
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
        key.trim_start_matches(&self.prefix).trim_end_matches(".json").to_owned()
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
