//! The ports on CloudWatch, DynamoDB, S3, SNS and SQS.

mod pictures;
mod sent_log;
mod states;

pub use pictures::S3Pictures;
pub use sent_log::DynamoSentLog;
pub use states::CloudWatchStates;

use crate::ports::{Mail, PortError, Spending, Waiting};
use async_trait::async_trait;
use spillway_aws::explain::ExplainedError;
use spillway_aws::flow::queue_depth;
use spillway_dashboard_aws::budgets::{Budget, Budgets};
use spillway_dashboard_model::ReadError;

/// What a failed call means, in one sentence.
macro_rules! refused {
    ($error:expr, $call:expr) => {
        $crate::ports::PortError(spillway_aws::explain::explain(&$error, $call).to_string())
    };
}
pub(crate) use refused;

impl From<ExplainedError> for PortError {
    fn from(error: ExplainedError) -> Self {
        Self(error.to_string())
    }
}

/// Sends notifications through an SNS topic.
#[derive(Clone, Debug)]
pub struct SnsMail {
    client: aws_sdk_sns::Client,
    topic: String,
}

impl SnsMail {
    /// Through this topic.
    pub fn new(client: aws_sdk_sns::Client, topic: impl Into<String>) -> Self {
        Self { client, topic: topic.into() }
    }
}

#[async_trait]
impl Mail for SnsMail {
    async fn send(&self, subject: &str, text: &str) -> Result<(), PortError> {
        let publish = self.client.publish().topic_arn(&self.topic).subject(subject).message(text).send();
        publish.await.map(|_| ()).map_err(|error| refused!(error, "sns:Publish"))
    }
}

/// One budget of AWS Budgets.
#[derive(Clone, Debug)]
pub struct OneBudget {
    /// The account's budgets.
    pub budgets: Budgets,
    /// Name of the budget.
    pub name: String,
}

#[async_trait]
impl Spending for OneBudget {
    async fn read(&self) -> Result<(String, Budget), ReadError> {
        Ok((self.name.clone(), self.budgets.read(&self.name).await?))
    }
}

/// A queue of SQS.
#[derive(Clone, Debug)]
pub struct SqsWaiting {
    /// The client.
    pub client: aws_sdk_sqs::Client,
    /// The queue.
    pub url: String,
}

#[async_trait]
impl Waiting for SqsWaiting {
    async fn dead_letters(&self) -> Result<u64, PortError> {
        let depth = queue_depth(&self.client, &self.url).await?;
        Ok(depth.visible + depth.in_flight + depth.delayed)
    }
}
