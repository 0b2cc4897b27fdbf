//! Charts in the archive's bucket.

use super::refused;
use crate::ports::{Pictures, PortError};
use async_trait::async_trait;
use aws_sdk_s3::Client;
use aws_sdk_s3::presigning::PresigningConfig;
use aws_sdk_s3::primitives::ByteStream;
use std::time::Duration;

/// How long an address is valid. It ends earlier with the credentials that signed it, which a function has
/// for some hours.
const SHOWN_FOR: Duration = Duration::from_secs(12 * 3_600);

/// Keeps charts in a private bucket, and signs addresses for the recipients of the mail.
#[derive(Clone, Debug)]
pub struct S3Pictures {
    client: Client,
    bucket: String,
    prefix: String,
}

impl S3Pictures {
    /// In this bucket, under keys that begin with `prefix`.
    pub fn new(client: Client, bucket: impl Into<String>, prefix: impl Into<String>) -> Self {
        Self { client, bucket: bucket.into(), prefix: prefix.into() }
    }
}

#[async_trait]
impl Pictures for S3Pictures {
    async fn keep(&self, name: &str, png: Vec<u8>) -> Result<String, PortError> {
        let key = format!("{}{name}", self.prefix);
        let put = self
            .client
            .put_object()
            .bucket(&self.bucket)
            .key(&key)
            .content_type("image/png")
            .body(ByteStream::from(png));
        put.send().await.map_err(|error| refused!(error, "s3:PutObject"))?;
        let signing =
            PresigningConfig::expires_in(SHOWN_FOR).map_err(|error| PortError(error.to_string()))?;
        let signed = self.client.get_object().bucket(&self.bucket).key(key).presigned(signing).await;
        signed.map(|request| request.uri().to_owned()).map_err(|error| refused!(error, "s3:GetObject"))
    }
}
