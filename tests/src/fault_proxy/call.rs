//! Finds out which call to AWS a request is.

use http::request::Parts;
use http::{HeaderMap, Method};
use std::fmt;

/// A service, as far as the faults differ between them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Service {
    /// Queues; AWS JSON 1.0.
    Sqs,
    /// Tables; AWS JSON 1.0.
    DynamoDb,
    /// Objects; XML.
    S3,
    /// Anything else.
    Other,
}

/// One call.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Call {
    /// Its service.
    pub service: Service,
    /// The operation, such as `SendMessageBatch`.
    pub operation: String,
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} {}", self.service, self.operation)
    }
}

impl Call {
    /// Reads the call from the head of a request. Services with JSON name it in a header, S3 in method and path.
    pub fn of(head: &Parts) -> Self {
        if let Some((service, operation)) =
            text(&head.headers, "x-amz-target").and_then(|t| t.split_once('.'))
        {
            let service = match service {
                "AmazonSQS" => Service::Sqs,
                "DynamoDB_20120810" => Service::DynamoDb,
                _ => Service::Other,
            };
            return Self { service, operation: operation.to_owned() };
        }
        if signed_for(&head.headers) == Some("s3") {
            return Self { service: Service::S3, operation: s3_operation(head) };
        }
        let last = head.uri.path().rsplit('/').next().unwrap_or_default();
        Self { service: Service::Other, operation: last.to_owned() }
    }
}

/// The service from a signature's scope: `Credential=KEY/DATE/REGION/SERVICE/aws4_request`.
fn signed_for(headers: &HeaderMap) -> Option<&str> {
    let (_, credential) = text(headers, "authorization")?.split_once("Credential=")?;
    credential.split(',').next()?.split('/').nth(3)
}

fn s3_operation(head: &Parts) -> String {
    let query = head.uri.query().unwrap_or_default();
    // The SDK names the operation in the query.
    if let Some(named) = query.split('&').find_map(|pair| pair.strip_prefix("x-id=")) {
        return named.to_owned();
    }
    let of_key = head.uri.path().trim_matches('/').contains('/');
    let name = match (&head.method, of_key) {
        (&Method::PUT, true) => "PutObject",
        (&Method::GET, true) => "GetObject",
        (&Method::HEAD, true) => "HeadObject",
        (&Method::DELETE, true) => "DeleteObject",
        (&Method::GET, false) => "ListObjectsV2",
        (&Method::POST, false) => "DeleteObjects",
        (method, _) => method.as_str(),
    };
    name.to_owned()
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::Request;

    fn call(method: &str, uri: &str, headers: &[(&str, &str)]) -> String {
        let request = Request::builder().method(method).uri(uri);
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        Call::of(&request.body(()).unwrap().into_parts().0).to_string()
    }

    #[test]
    fn calls_are_distinguished() {
        assert_eq!(
            call("POST", "/", &[("x-amz-target", "AmazonSQS.SendMessageBatch")]),
            "Sqs SendMessageBatch"
        );
        assert_eq!(call("POST", "/", &[("x-amz-target", "DynamoDB_20120810.PutItem")]), "DynamoDb PutItem");
        assert_eq!(
            call("POST", "/", &[("x-amz-target", "Logs_20140328.PutLogEvents")]),
            "Other PutLogEvents"
        );
        let s3 = "AWS4-HMAC-SHA256 Credential=test/20250101/eu-central-1/s3/aws4_request, SignedHeaders=host, Signature=0";
        let s3 = [("authorization", s3)];
        assert_eq!(call("PUT", "/bucket/a/b.json?x-id=PutObject", &s3), "S3 PutObject");
        assert_eq!(call("GET", "/bucket/a/b.json", &s3), "S3 GetObject");
        assert_eq!(call("GET", "/bucket?list-type=2&prefix=a", &s3), "S3 ListObjectsV2");
        assert_eq!(
            call("POST", "/service/GraniteServiceVersion20100801/operation/GetMetricData", &[]),
            "Other GetMetricData"
        );
    }
}
