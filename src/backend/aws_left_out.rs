//! A build without the AWS SDKs, such as the demo's, supports no deployments.

use super::{Api, Backend};
use crate::answer::CommandError;
use std::path::Path;

/// The error, with what the user can do instead.
pub fn built_without_aws() -> CommandError {
    let what = "this program was built without AWS, as the demo builds it, so --topology is not available: build it with \
                cargo build --release --package spillway";
    CommandError::Usage(what.to_owned())
}

/// Always fails: this build supports no deployments.
pub fn api(_: &Path) -> Result<Api, CommandError> {
    Err(built_without_aws())
}

/// Always fails: this build supports no deployments.
pub async fn open(_: &Path) -> anyhow::Result<Backend> {
    Err(built_without_aws().into())
}
