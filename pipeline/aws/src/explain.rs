//! What a failed call means for the operator who made it, in one sentence that says what to do.

use crate::call_error::is_throttling;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use std::error::Error;

/// Why AWS did not do what the call requested.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExplainedError {
    /// It accepts fewer calls than the client sent; the client has retried already.
    #[error("AWS takes fewer calls than were made ({call}): try again in a moment")]
    Throttled {
        /// The call, as IAM names it.
        call: String,
    },
    /// It did not answer, or what it answered did not arrive.
    #[error("{reason}")]
    Unanswered {
        /// What happened and what to do, in one sentence that names no secret.
        reason: String,
    },
    /// It failed or refused.
    #[error("{reason}")]
    Failed {
        /// What happened and what to do, in one sentence that names no secret.
        reason: String,
    },
}

impl ExplainedError {
    /// Whether the same call may succeed later, although nobody changes anything.
    pub fn is_passing(&self) -> bool {
        match self {
            Self::Throttled { .. } | Self::Unanswered { .. } => true,
            Self::Failed { .. } => false,
        }
    }
}

/// What a failure of `call` (as IAM names it, such as `dynamodb:Query`) means.
pub fn explain<E, R>(error: &SdkError<E, R>, call: &str) -> ExplainedError
where
    E: ProvideErrorMetadata + Error + 'static,
    R: std::fmt::Debug + 'static,
{
    let no_answer = || format!("{call} got no answer from AWS: {}", innermost(error));
    let unanswered = |reason| ExplainedError::Unanswered { reason };
    match error {
        SdkError::ServiceError(service) => match refusal(service.err(), call) {
            Ok(reason) => ExplainedError::Failed { reason },
            Err(throttled) => throttled,
        },
        SdkError::TimeoutError(_) => {
            unanswered(format!("no answer from AWS in time ({call}): try again in a moment"))
        }
        SdkError::ResponseError(_) => {
            unanswered(format!("what AWS answered could not be read ({call}): try again"))
        }
        // The cause of a credentials or network error is at the end of the chain.
        SdkError::DispatchFailure(failure) if failure.is_io() || failure.is_timeout() => {
            unanswered(no_answer())
        }
        _ => ExplainedError::Failed { reason: no_answer() },
    }
}

fn refusal<E: ProvideErrorMetadata>(error: &E, call: &str) -> Result<String, ExplainedError> {
    let code = error.code().unwrap_or("an error without a name");
    let message = error.message().unwrap_or("no reason was given").trim_end_matches('.');
    Ok(match code {
        code if is_throttling(code) => return Err(ExplainedError::Throttled { call: call.to_owned() }),
        "AccessDenied" | "AccessDeniedException" | "UnauthorizedOperation" | "AuthorizationError" => {
            format!(
                "these AWS credentials may not do {call}: use a role that has the deployment's operator policy"
            )
        }
        "ExpiredToken" | "ExpiredTokenException" | "RequestExpired" | "TokenRefreshRequired" => {
            "the AWS credentials have expired: sign in again, for example with \"aws sso login\"".to_owned()
        }
        "InvalidClientTokenId"
        | "UnrecognizedClientException"
        | "InvalidAccessKeyId"
        | "SignatureDoesNotMatch"
        | "InvalidSignatureException" => {
            format!(
                "AWS does not take these credentials ({code}): check AWS_PROFILE or the keys in the environment"
            )
        }
        "ResourceNotFoundException"
        | "QueueDoesNotExist"
        | "AWS.SimpleQueueService.NonExistentQueue"
        | "NoSuchBucket" => {
            format!(
                "{call} found nothing there ({message}): check that the topology is of this account and still current"
            )
        }
        _ => format!("{call} failed: {message} ({code})"),
    })
}

/// The last cause of a chain.
pub(crate) fn innermost(error: &(dyn Error + 'static)) -> String {
    let mut last = error;
    while let Some(source) = last.source() {
        last = source;
    }
    last.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_sdk_sqs::operation::get_queue_attributes::GetQueueAttributesError;
    use aws_smithy_runtime_api::client::result::ConnectorError;
    use aws_smithy_types::error::ErrorMetadata;

    fn service(code: &str) -> SdkError<GetQueueAttributesError, ()> {
        let meta = ErrorMetadata::builder().code(code).message("It says so.").build();
        SdkError::service_error(GetQueueAttributesError::generic(meta), ())
    }

    #[track_caller]
    fn check(code: &str, expected: &str) {
        let text = explain(&service(code), "sqs:GetQueueAttributes").to_string();
        assert!(text.contains(expected), "{code}: {text}");
    }

    #[test]
    fn each_kind_of_refusal_says_what_to_do() {
        check("AccessDeniedException", "may not do sqs:GetQueueAttributes: use a role");
        check("ExpiredToken", "aws sso login");
        check("InvalidClientTokenId", "check AWS_PROFILE");
        check("QueueDoesNotExist", "(It says so): check that the topology");
        check("Throttling", "fewer calls than were made (sqs:GetQueueAttributes)");
        check("InternalError", "sqs:GetQueueAttributes failed: It says so (InternalError)");
    }

    #[test]
    fn a_broken_connection_names_its_cause() {
        let broken = ConnectorError::io("connection refused".into());
        let error: SdkError<GetQueueAttributesError, ()> = SdkError::dispatch_failure(broken);
        let text = explain(&error, "sqs:GetQueueAttributes").to_string();
        assert_eq!(text, "sqs:GetQueueAttributes got no answer from AWS: connection refused");
    }

    #[test]
    fn what_may_pass_is_told_apart_from_what_somebody_must_change() {
        let broken = ConnectorError::io("connection refused".into());
        let error: SdkError<GetQueueAttributesError, ()> = SdkError::dispatch_failure(broken);
        assert!(explain(&error, "sqs:GetQueueAttributes").is_passing());
        assert!(explain(&service("Throttling"), "sqs:GetQueueAttributes").is_passing());
        assert!(!explain(&service("AccessDeniedException"), "sqs:GetQueueAttributes").is_passing());
    }
}
