//! The answers with which each service reports throttling or an internal error.

use super::{Answer, Call, Service};
use http::Response;
use serde_json::{Value, json};

/// The call exceeds the rate limit. Sources: the services' lists of common and specific errors.
pub(super) fn throttled(call: &Call) -> Answer {
    match call.service {
        Service::Sqs => sqs(403, "RequestThrottled", "The request was throttled."),
        Service::DynamoDb => {
            let message = "The level of configured provisioned throughput for the table was exceeded. Consider increasing \
                           your provisioning level with the UpdateTable API.";
            error(400, "com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException", message)
        }
        Service::S3 => s3("SlowDown", "Please reduce your request rate.", 503),
        Service::Other => error(400, "ThrottlingException", "Rate exceeded"),
    }
}

/// An internal error of the service.
pub(super) fn failed(call: &Call) -> Answer {
    match call.service {
        Service::Sqs => sqs(500, "InternalError", "We encountered an internal error. Please try again."),
        Service::DynamoDb => error(
            500,
            "com.amazonaws.dynamodb.v20120810#InternalServerError",
            "The request processing has failed.",
        ),
        Service::S3 => s3("InternalError", "We encountered an internal error. Please try again.", 500),
        Service::Other => error(500, "InternalFailure", "The request processing has failed."),
    }
}

pub(super) fn json(status: u16, body: &Value) -> Answer {
    let answer = Response::builder().status(status).header("content-type", "application/x-amz-json-1.0");
    finish(answer, body.to_string())
}

fn error(status: u16, kind: &str, message: &str) -> Answer {
    json(status, &json!({"__type": kind, "message": message}))
}

/// SQS also sends the name that an error had in its older protocol.
fn sqs(status: u16, code: &str, message: &str) -> Answer {
    let at_fault = if status < 500 { "Sender" } else { "Receiver" };
    let mut answer = error(status, &format!("com.amazonaws.sqs#{code}"), message);
    if let Ok(value) = format!("{code};{at_fault}").parse() {
        answer.headers_mut().insert("x-amzn-query-error", value);
    }
    answer
}

fn s3(code: &str, message: &str, status: u16) -> Answer {
    let answer = Response::builder().status(status).header("content-type", "application/xml");
    let body = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{code}</Code><Message>{message}</Message>\
         <RequestId>0000000000000000</RequestId><HostId>spillway</HostId></Error>"
    );
    finish(answer, body)
}

fn finish(answer: http::response::Builder, body: String) -> Answer {
    let answer = answer.header("x-amzn-requestid", "00000000-0000-0000-0000-000000000000");
    answer.body(body.into()).expect("status and headers are well formed")
}
