//! The readers of metrics, traces and queues pass the suites that every adapter passes. The emulator has no history of alarms,
//! so `dashboard/aws/src/alarms.rs` runs theirs on a fake CloudWatch.

use crate::{ministack, moto};
use aws_sdk_cloudwatch::types::{Dimension, MetricDatum};
use aws_sdk_sqs::types::Message;
use aws_smithy_types::DateTime;
use jiff::{SignedDuration, Timestamp};
use spillway_aws::operator::Deployment;
use spillway_aws::{Clients, SystemClock, Topology};
use spillway_core::ports::Clock as _;
use spillway_core::trace::segment_id;
use spillway_dashboard_aws::{CloudWatchMetrics, SqsQueues, XRayTraces};
use spillway_testkit::contract::metrics::EmptyMetrics;
use spillway_testkit::contract::queues::{Act, EmptyQueues};
use spillway_testkit::contract::traces::EmptyTraces;
use std::sync::Arc;
use tokio::sync::Mutex;

async fn open_metrics() -> EmptyMetrics {
    let client = ministack().await.cloudwatch();
    let clock = Arc::new(SystemClock);
    // CloudWatch refuses old measurements, so the cases measure a few hours ago.
    let hour = clock.now().as_second() / 3_600 - 3;
    let reader = Arc::new(CloudWatchMetrics::new(client.clone(), clock));
    EmptyMetrics {
        start: Timestamp::from_second(hour * 3_600).unwrap(),
        record: Box::new(move |metric, values| {
            let client = client.clone();
            Box::pin(async move {
                for (at, value) in values {
                    let dimensions = metric.dimensions.iter();
                    let dimensions = dimensions
                        .map(|(name, value)| Dimension::builder().name(&**name).value(&**value).build());
                    let datum = MetricDatum::builder()
                        .metric_name(&*metric.name)
                        .set_dimensions(Some(dimensions.collect()))
                        .value(value)
                        .timestamp(DateTime::from_secs(at.as_second()))
                        .build();
                    let put = client.put_metric_data().namespace(&*metric.namespace).metric_data(datum);
                    put.send().await.unwrap();
                }
            })
        }),
        reader,
        keep: Box::new(()),
    }
}

async fn open_traces() -> EmptyTraces {
    let client = aws_sdk_xray::Client::new(moto().await.config());
    let reader = Arc::new(XRayTraces::new(client.clone()));
    EmptyTraces {
        start: Timestamp::from_second(1_772_460_195).unwrap(),
        record: Box::new(move |segments| {
            let documents = segments.iter().map(|segment| serde_json::to_string(segment).unwrap());
            let put = client.put_trace_segments().set_trace_segment_documents(Some(documents.collect()));
            Box::pin(async move {
                assert!(put.send().await.unwrap().unprocessed_trace_segments().is_empty());
            })
        }),
        reader,
        keep: Box::new(()),
    }
}

/// A primary queue and a DLQ, as a test's messages come into them.
struct Queues {
    clients: Clients,
    primary: String,
    dlq: String,
    received: Mutex<Vec<Message>>,
}

impl Queues {
    async fn act(&self, act: Act) {
        let sqs = self.clients.sqs();
        match act {
            Act::Send(count) => {
                for _ in 0..count {
                    sqs.send_message().queue_url(&self.primary).message_body("{}").send().await.unwrap();
                }
            }
            Act::Receive(count) => {
                let mut received = self.received.lock().await;
                for _ in 0..count {
                    let one = sqs.receive_message().queue_url(&self.primary).max_number_of_messages(1);
                    received.extend(one.send().await.unwrap().messages.unwrap_or_default());
                }
            }
            Act::Settle(count) => {
                for message in self.received.lock().await.drain(..count) {
                    let handle = message.receipt_handle.unwrap();
                    let delete = sqs.delete_message().queue_url(&self.primary).receipt_handle(handle);
                    delete.send().await.unwrap();
                }
            }
            Act::DeadLetter(count) => {
                for message in self.received.lock().await.drain(..count) {
                    let send = sqs.send_message().queue_url(&self.dlq);
                    send.message_body(message.body.unwrap()).send().await.unwrap();
                    let handle = message.receipt_handle.unwrap();
                    let delete = sqs.delete_message().queue_url(&self.primary).receipt_handle(handle);
                    delete.send().await.unwrap();
                }
            }
        }
    }
}

async fn open_queues() -> EmptyQueues {
    let clients = ministack().await;
    let topology = include_str!("../../../../pipeline/aws/tests/recorded/topology.json");
    let mut topology = Topology::parse(topology).unwrap();
    let name = segment_id();
    for queue in [&mut topology.queues.primary, &mut topology.queues.dlq] {
        queue.name = format!("{}-{name}", queue.name);
        let made = clients.sqs().create_queue().queue_name(&queue.name).send().await.unwrap();
        queue.url = made.queue_url.unwrap();
    }
    let (primary, dlq) = (topology.queues.primary.url.clone(), topology.queues.dlq.url.clone());
    // Each case asks again after a change.
    let clock = Arc::new(SystemClock);
    let deployment = Deployment::keeping(topology, clients.clone(), clock.clone(), SignedDuration::ZERO);
    let deployment = deployment.await.unwrap();
    let metrics = Arc::new(CloudWatchMetrics::new(clients.cloudwatch(), clock));
    let queues = Arc::new(Queues { clients, primary, dlq, received: Mutex::default() });
    EmptyQueues {
        act: Box::new(move |act| {
            let queues = Arc::clone(&queues);
            Box::pin(async move { queues.act(act).await })
        }),
        reader: Arc::new(SqsQueues::new(&deployment, metrics)),
        now: Box::new(|| SystemClock.now()),
        keep: Box::new(()),
    }
}

spillway_testkit::queues!(crate::contract::open_queues);
spillway_testkit::metrics!(crate::contract::open_metrics);
spillway_testkit::traces!(crate::contract::open_traces);
