//! The readers of metrics and traces pass the suites that every adapter passes.

use crate::{ministack, moto};
use aws_sdk_cloudwatch::types::{Dimension, MetricDatum};
use aws_smithy_types::DateTime;
use jiff::Timestamp;
use spillway_aws::SystemClock;
use spillway_core::ports::Clock as _;
use spillway_dashboard_aws::{CloudWatchMetrics, XRayTraces};
use spillway_testkit::contract::metrics::EmptyMetrics;
use spillway_testkit::contract::traces::EmptyTraces;
use std::sync::Arc;

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

spillway_testkit::metrics!(crate::contract::open_metrics);
spillway_testkit::traces!(crate::contract::open_traces);
