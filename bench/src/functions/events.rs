//! The input that Lambda sends to the functions: requests from API Gateway and batches from SQS, with realistic events.

use base64::prelude::{BASE64_STANDARD, Engine as _};
use bytes::Bytes;
use serde_json::{Value, json};
use spillway_core::Timestamp;
use spillway_core::message::{FAILURES, FIRST_SENT, ORIGINAL_MESSAGE_ID, RECEIVE_COUNT};
use spillway_traffic::{Generator, Sample};
use std::time::Duration;

/// The time of the events. Any day would do.
const NOW_S: u64 = 1_770_000_000;

/// Events in the usual mix of the traffic, each with a unique id.
pub fn samples(count: usize) -> Vec<Sample> {
    let mut generator = Generator::new(1);
    (0..count).map(|_| generator.event(now())).collect()
}

fn now() -> Timestamp {
    Timestamp::UNIX_EPOCH + Duration::from_secs(NOW_S)
}

/// A `POST /events` with the event in structured mode, as a REST API with binary media types passes it on.
/// <https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html>
pub fn api_request(event: &Sample) -> Bytes {
    request("application/cloudevents+json", &event.body)
}

/// The same with several events, in batch mode.
pub fn api_batch(events: &[Sample]) -> Bytes {
    let bodies: Vec<&str> = events.iter().map(|event| event.body.as_str()).collect();
    request("application/cloudevents-batch+json", &format!("[{}]", bodies.join(",")))
}

fn request(content_type: &str, body: &str) -> Bytes {
    let headers = json!({
        "Accept": "*/*",
        "Content-Type": content_type,
        "Host": "abcdefghij.execute-api.us-east-1.amazonaws.com",
        "User-Agent": "curl/8.5.0",
        "X-Amzn-Trace-Id": "Root=1-5759e988-bd862e3fe1be46a994272793",
        "X-Forwarded-For": "192.0.2.1",
        "X-Forwarded-Port": "443",
        "X-Forwarded-Proto": "https",
    });
    let several: serde_json::Map<String, Value> = headers
        .as_object()
        .into_iter()
        .flatten()
        .map(|(name, value)| (name.clone(), json!([value])))
        .collect();
    let request = json!({
        "resource": "/events",
        "path": "/events",
        "httpMethod": "POST",
        "headers": headers,
        "multiValueHeaders": several,
        "queryStringParameters": null,
        "multiValueQueryStringParameters": null,
        "pathParameters": null,
        "stageVariables": null,
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "abcdefghij",
            "domainName": "abcdefghij.execute-api.us-east-1.amazonaws.com",
            "domainPrefix": "abcdefghij",
            "extendedRequestId": "JKJaXmPLvHcESHA=",
            "httpMethod": "POST",
            "identity": { "sourceIp": "192.0.2.1", "userAgent": "curl/8.5.0" },
            "path": "/v1/events",
            "protocol": "HTTP/1.1",
            "requestId": "c6af9ac6-7b61-11e6-9a41-93e8deadbeef",
            "requestTime": "02/Feb/2026:02:40:00 +0000",
            "requestTimeEpoch": NOW_S * 1000,
            "resourceId": "123456",
            "resourcePath": "/events",
            "stage": "v1",
        },
        "body": BASE64_STANDARD.encode(body),
        "isBase64Encoded": true,
    });
    Bytes::from(request.to_string())
}

/// Batches of an event source mapping, with `size` records each.
/// <https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html>
pub fn batches(events: &[Sample], size: usize) -> Vec<Bytes> {
    let numbered: Vec<(usize, &Sample)> = events.iter().enumerate().collect();
    let batch = |records: &[(usize, &Sample)]| {
        let records: Vec<Value> = records.iter().map(|(number, event)| record(*number, event)).collect();
        Bytes::from(json!({ "Records": records }).to_string())
    };
    numbered.chunks(size).map(batch).collect()
}

/// Batches of the dead letter queue: messages that the consumer put there at once, with the reason.
pub fn dead_letters(events: &[Sample], size: usize) -> Vec<Bytes> {
    let reason = json!([{
        "class": "schema",
        "message": "/amount: value is not of type \"string\"",
        "version": "1",
        "count": 1,
        "first_at": "2026-02-02T02:40:00Z",
        "last_at": "2026-02-02T02:40:00Z",
    }]);
    let text = |value: String| json!({ "stringValue": value, "dataType": "String" });
    let letter = |(number, event): (usize, &Sample)| {
        let mut letter = record(number, event);
        letter["messageAttributes"] = json!({
            FAILURES: text(reason.to_string()),
            ORIGINAL_MESSAGE_ID: text(format!("10000000-0000-4000-8000-{number:012}")),
            FIRST_SENT: text("2026-02-02T02:40:00Z".to_owned()),
            RECEIVE_COUNT: text("1".to_owned()),
        });
        letter["eventSourceARN"] = json!("arn:aws:sqs:us-east-1:123456789012:spillway-events-dlq");
        letter
    };
    let letters: Vec<Value> = events.iter().enumerate().map(letter).collect();
    letters.chunks(size).map(|records| Bytes::from(json!({ "Records": records }).to_string())).collect()
}

fn record(number: usize, event: &Sample) -> Value {
    let sent_ms = (NOW_S * 1000).to_string();
    json!({
        "messageId": format!("00000000-0000-4000-8000-{number:012}"),
        "receiptHandle": format!("AQEBwJnKyrHigUMZj6rYigCgxlaS3SLy0a{number:012}"),
        "body": event.body,
        "attributes": {
            "ApproximateReceiveCount": "1",
            "SentTimestamp": sent_ms,
            "SenderId": "AROAEXAMPLEIDEXAMPLE:spillway-ingest",
            "ApproximateFirstReceiveTimestamp": sent_ms,
            "AWSTraceHeader": "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1",
        },
        "messageAttributes": {},
        "md5OfBody": "00000000000000000000000000000000",
        "eventSource": "aws:sqs",
        "eventSourceARN": "arn:aws:sqs:us-east-1:123456789012:spillway-events",
        "awsRegion": "us-east-1",
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn batches_hold_every_event_once() {
        let batches = batches(&samples(25), 10);
        let ids: BTreeSet<String> = batches
            .iter()
            .flat_map(|batch| {
                serde_json::from_slice::<Value>(batch).unwrap()["Records"].as_array().unwrap().clone()
            })
            .map(|record| record["messageId"].as_str().unwrap().to_owned())
            .collect();
        assert_eq!((batches.len(), ids.len()), (3, 25));
    }
}
