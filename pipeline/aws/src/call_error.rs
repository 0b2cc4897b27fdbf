//! What an error of AWS means for the caller: retry, or give up. Only this file has the codes for throttling.

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use spillway_core::one_line;
use std::error::Error;

/// Whether a failed call may have done its work, and whether a retry can help.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RetryDecision {
    /// Refused for lack of capacity: nothing happened. A later try can succeed.
    Throttled,
    /// No answer, a broken connection, or an error of the service's own: it may have happened. Try again.
    Unknown,
    /// No answer in time: it may have happened. Try again.
    TimedOut,
    /// The service refused this request: nothing happened. The same request will be refused again until an
    /// operator changes something (a permission, a table that is missing).
    Refused,
}

impl RetryDecision {
    /// Whether the same request can succeed later although nothing was changed.
    pub fn is_retryable(self) -> bool {
        self != Self::Refused
    }

    /// Whether the call may have done its work although it failed.
    pub fn may_have_happened(self) -> bool {
        matches!(self, Self::Unknown | Self::TimedOut)
    }
}

/// An error of AWS, in words of our own.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
pub(crate) struct CallError {
    /// What it means.
    pub decision: RetryDecision,
    /// The service's name for it, such as `ConditionalCheckFailedException`.
    pub code: Option<String>,
    /// For logs and operators: what was tried, and how it ended.
    pub text: String,
}

impl CallError {
    /// A request that we built wrongly.
    pub fn ours(action: &str, error: &(dyn Error + 'static)) -> Self {
        Self { decision: RetryDecision::Refused, code: None, text: format!("{action}: {error}") }
    }
}

impl CallError {
    /// Contradictory data, or data that changes faster than it can be read.
    pub fn contradiction(text: &str) -> Self {
        Self { decision: RetryDecision::Refused, code: None, text: text.to_owned() }
    }

    /// A truncated answer.
    pub fn cut(action: &str, error: &(dyn Error + 'static)) -> Self {
        Self { decision: RetryDecision::Unknown, code: None, text: format!("{action}: {}", one_line(error)) }
    }
}

impl From<CallError> for spillway_core::ports::ArchiveError {
    fn from(error: CallError) -> Self {
        let reason = error.text;
        if error.decision.is_retryable() { Self::Unavailable { reason } } else { Self::Refused { reason } }
    }
}

/// Codes of AWS's services for "too much at the moment".
const THROTTLED: [&str; 12] = [
    "ProvisionedThroughputExceededException",
    "ProvisionedThroughputExceeded",
    "ThrottlingException",
    "Throttling",
    "ThrottlingError",
    "ThrottledException",
    "RequestThrottled",
    "RequestThrottledException",
    "RequestLimitExceeded",
    "TooManyRequestsException",
    "SlowDown",
    "KmsThrottled",
];

/// Codes with a status of 4xx for temporary errors.
const PASSING: [&str; 6] = [
    "TransactionInProgressException",
    "RequestTimeout",
    "TransactionConflictException",
    "OverLimit",
    // S3, when two writers race for one key: "PutObject" in the S3 API reference asks for a retry.
    "ConditionalRequestConflict",
    "OperationAborted",
];

/// What a failed call of `action` means.
pub(crate) fn call_error<E>(action: &str, error: &SdkError<E, HttpResponse>) -> CallError
where
    E: ProvideErrorMetadata + Error + 'static,
{
    let (decision, code, text) = match error {
        SdkError::ServiceError(context) => {
            let status = context.raw().status().as_u16();
            let code = context.err().code();
            let text = match (code, context.err().message()) {
                (Some(code), Some(message)) => format!("{code}: {message}"),
                (Some(code), None) => code.to_owned(),
                (None, _) => format!("HTTP status {status}"),
            };
            (decide(code, status), code.map(str::to_owned), text)
        }
        SdkError::TimeoutError(_) => (RetryDecision::TimedOut, None, "no answer in time".to_owned()),
        SdkError::DispatchFailure(failure) if failure.is_timeout() => {
            (RetryDecision::TimedOut, None, "no answer in time".to_owned())
        }
        other => (RetryDecision::Unknown, None, one_line(other)),
    };
    CallError { decision, code, text: format!("{action}: {text}") }
}

/// Whether a service's code means "too much at the moment".
pub fn is_throttling(code: &str) -> bool {
    THROTTLED.contains(&bare(code))
}

/// SQS puts the service before the name in its older protocol's codes.
fn bare(code: &str) -> &str {
    code.rsplit('.').next().unwrap_or(code)
}

/// What a service's code and HTTP status mean.
pub(crate) fn decide(code: Option<&str>, status: u16) -> RetryDecision {
    let code = code.unwrap_or_default();
    if status == 429 || is_throttling(code) {
        RetryDecision::Throttled
    } else if status >= 500 || PASSING.contains(&bare(code)) {
        RetryDecision::Unknown
    } else {
        RetryDecision::Refused
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_and_statuses_say_retry_or_reject() {
        let cases = [
            (Some("ProvisionedThroughputExceededException"), 400, RetryDecision::Throttled),
            (Some("AWS.SimpleQueueService.RequestThrottled"), 403, RetryDecision::Throttled),
            (Some("SlowDown"), 503, RetryDecision::Throttled),
            (None, 429, RetryDecision::Throttled),
            (Some("InternalServerError"), 500, RetryDecision::Unknown),
            (None, 502, RetryDecision::Unknown),
            (Some("ValidationException"), 400, RetryDecision::Refused),
            (Some("AccessDeniedException"), 400, RetryDecision::Refused),
            (Some("ConditionalRequestConflict"), 409, RetryDecision::Unknown),
            (Some("NoSuchKey"), 404, RetryDecision::Refused),
        ];
        for (code, status, expected) in cases {
            assert_eq!(decide(code, status), expected, "{code:?} with {status}");
        }
    }
}
