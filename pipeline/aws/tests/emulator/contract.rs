//! The ports on AWS pass the suites that every adapter passes.

use crate::place::{deployment, reports};
use async_trait::async_trait;
use aws_sdk_sqs::types::{DeleteMessageBatchRequestEntry, Message, MessageSystemAttributeName as Attribute};
use spillway_aws::operator::Deployment;
use spillway_aws::{Clients, S3Schemas, SqsRedelivery, Topology};
use spillway_core::Timestamp;
use spillway_core::ids::ReceiptHandle;
use spillway_core::message::{self, ReceivedMessage};
use spillway_core::pipeline::WorkerPorts;
use spillway_core::ports::{QueueError, QueueKind, QueueReceiver};
use spillway_testkit::contract::EmptyPipeline;
use std::sync::Arc;

pub async fn open() -> EmptyPipeline {
    of(deployment().await)
}

fn of(place: Deployment) -> EmptyPipeline {
    let queues = &place.topology.queues;
    let workers = WorkerPorts {
        receiver: Arc::new(Receiver(place.topology.clone(), place.clients.clone())),
        redelivery: Arc::new(SqsRedelivery::new(
            place.clients.sqs(),
            queues.primary.url.as_str(),
            queues.dlq.url.as_str(),
        )),
        reports: Arc::new(reports(&place)),
        sink: place.index.clone(),
    };
    let ports = place.ports.clone();
    let schemas_of = move |by_type| {
        let place = place.clone();
        let opened: futures::future::BoxFuture<'static, _> =
            Box::pin(async move { Arc::new(schemas(&place, by_type).await) as _ });
        opened
    };
    EmptyPipeline { ports, workers, schemas_of: Box::new(schemas_of), keep: Box::new(()) }
}

/// Puts schemas into the bucket, as Terraform does.
async fn schemas(
    place: &Deployment,
    by_type: std::collections::BTreeMap<String, serde_json::Value>,
) -> S3Schemas {
    let bucket = place.topology.archive.bucket.as_str();
    for (name, schema) in by_type {
        let put = place.clients.s3().put_object().bucket(bucket).key(format!("schemas/{name}.json"));
        put.body(schema.to_string().into_bytes().into()).send().await.unwrap();
    }
    S3Schemas::new(place.clients.s3(), bucket, "schemas/")
}

/// Receives as Lambda's event source mapping does, which is no adapter.
struct Receiver(Topology, Clients);

impl Receiver {
    fn url(&self, queue: QueueKind) -> &str {
        match queue {
            QueueKind::Primary => &self.0.queues.primary.url,
            QueueKind::Dlq => &self.0.queues.dlq.url,
        }
    }
}

#[async_trait]
impl QueueReceiver for Receiver {
    async fn receive(&self, queue: QueueKind, most: usize) -> Result<Vec<ReceivedMessage>, QueueError> {
        let most = i32::try_from(most).unwrap();
        let call = self.1.sqs().receive_message().queue_url(self.url(queue)).max_number_of_messages(most);
        let call = call.message_attribute_names("All").message_system_attribute_names(Attribute::All);
        Ok(call.send().await.unwrap().messages().iter().map(received).collect())
    }

    async fn delete(&self, queue: QueueKind, handles: &[ReceiptHandle]) -> Result<usize, QueueError> {
        let entry = |(position, handle): (usize, &ReceiptHandle)| {
            let entry = DeleteMessageBatchRequestEntry::builder().id(position.to_string());
            entry.receipt_handle(handle.as_str()).build().unwrap()
        };
        let entries = handles.iter().enumerate().map(entry).collect();
        let call = self.1.sqs().delete_message_batch().queue_url(self.url(queue)).set_entries(Some(entries));
        Ok(call.send().await.unwrap().successful.len())
    }

    async fn expire(&self) -> Result<usize, QueueError> {
        panic!("SQS does that itself")
    }

    async fn next_visible(&self, _: QueueKind) -> Result<Option<Timestamp>, QueueError> {
        panic!("SQS does not say")
    }

    async fn arrival(&self, _: QueueKind) {
        panic!("Lambda polls the queue")
    }
}

fn received(message: &Message) -> ReceivedMessage {
    let system = message.attributes().unwrap();
    let number = |name| system[&name].parse::<i64>().unwrap();
    let attributes = message.message_attributes().into_iter().flatten();
    let value = |value: &aws_sdk_sqs::types::MessageAttributeValue| {
        let bytes = value.binary_value().map(aws_smithy_types::base64::encode);
        let text = bytes.unwrap_or_else(|| value.string_value().unwrap_or_default().to_owned());
        message::Attribute::new(value.data_type(), text)
    };
    ReceivedMessage {
        message_id: message.message_id().unwrap().into(),
        receipt_handle: message.receipt_handle().unwrap().into(),
        body: message.body().unwrap().to_owned(),
        attributes: attributes.map(|(name, of)| (name.clone(), value(of))).collect(),
        trace_header: system.get(&Attribute::AwsTraceHeader).cloned(),
        sent_at: Timestamp::from_millisecond(number(Attribute::SentTimestamp)).unwrap(),
        receive_count: u32::try_from(number(Attribute::ApproximateReceiveCount)).unwrap(),
        failures: Vec::new(),
        redriven: system.contains_key(&Attribute::DeadLetterQueueSourceArn),
    }
}

spillway_testkit::contract!(crate::contract::open);

/// The archive as it works with more letters than a scan reads: from counts, ends and partitions.
mod many {
    use super::{deployment, of};
    use spillway_aws::S3Archive;
    use spillway_aws::operator::archive_names;
    use spillway_testkit::contract::EmptyPipeline;
    use std::sync::Arc;

    pub async fn open() -> EmptyPipeline {
        let mut place = deployment().await;
        let (names, clock) = (archive_names(&place.topology), Arc::clone(&place.ports.clock));
        let archive = S3Archive::new(place.clients.s3(), place.clients.dynamodb(), names, clock);
        place.ports.archive = Arc::new(archive);
        of(place)
    }

    spillway_testkit::archive!(crate::contract::many::open);
}
