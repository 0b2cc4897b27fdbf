//! How a function starts and receives invocations.

use crate::ending::Ending;
use crate::settings::{Common, Environment, SettingError};
use crate::{Error, Invocation, init_error, logs};
use lambda_runtime::tower::layer::layer_fn;
use lambda_runtime::{Diagnostic, LambdaEvent, Runtime, service_fn};
use serde::Serialize;
use serde_json::value::RawValue;
use spillway_core::one_line;
use std::process::ExitCode;
use tracing::Instrument as _;

/// The whole of a function's `main`: reads the settings, then runs `work`, which builds the clients and serves until the
/// sandbox ends. If that is impossible, one line says why, Lambda gets the reason, and the process fails.
pub fn start<S>(
    read: fn(&Environment) -> Result<S, SettingError>,
    work: impl AsyncFnOnce(Common, S) -> Result<(), Error>,
) -> ExitCode {
    let environment = Environment::of_process();
    let done = prepare(&environment, read).and_then(|(common, settings)| {
        logs::init(common.log_level);
        let (deployment, version) = (common.deployment.as_str(), common.version.as_str());
        tracing::info!(target: "spillway", deployment, version, "the function starts");
        // One thread: a sandbox works on one invocation at a time, on a share of one processor.
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(work(common, settings))
    });
    let Err(error) = done else { return ExitCode::SUCCESS };
    let reason = one_line(&*error);
    if let Some(address) = environment.optional("AWS_LAMBDA_RUNTIME_API") {
        init_error::report(&address, &reason);
    }
    complain(&reason);
    ExitCode::FAILURE
}

fn prepare<S>(
    environment: &Environment,
    read: fn(&Environment) -> Result<S, SettingError>,
) -> Result<(Common, S), Error> {
    Ok((Common::read(environment)?, read(environment)?))
}

/// Handles invocations until the sandbox ends, each within a span that puts its ids into the log lines.
///
/// On SIGTERM the current invocation is finished and answered, and no other is requested.
///
/// # Errors
/// Lambda can't be reached any more.
pub async fn serve<R: Serialize>(
    handler: impl AsyncFn(&RawValue, &Invocation) -> Result<R, Error>,
) -> Result<(), Error> {
    let handler = &handler;
    let service = service_fn(|LambdaEvent { payload, context }: LambdaEvent<Box<RawValue>>| {
        let invocation = Invocation::of(&context);
        let trace_id = invocation.trace.as_ref().map(|trace| trace.root.as_str());
        // The highest level, so that the span exists for every line that is logged.
        let span = tracing::error_span!(
            target: "spillway",
            "invocation",
            request_id = invocation.request_id.as_str(),
            trace_id,
        );
        async move { handler(&payload, &invocation).await.map_err(|error| failed(&*error)) }.instrument(span)
    });
    let ending = Ending::default();
    let runtime = Runtime::new(service).layer(layer_fn(|inner| ending.watch(inner)));
    tokio::select! {
        biased;
        never = ending.at_sigterm() => match never {},
        // Polled first, so an invocation that has already arrived is started.
        ended = runtime.run() => ended,
        () = ending.may_end() => {
            tracing::info!(target: "spillway", "shutting down on SIGTERM");
            Ok(())
        }
    }
}

/// Logs why an invocation has no answer, and reports it to Lambda.
fn failed(error: &(dyn std::error::Error + 'static)) -> Diagnostic {
    let reason = one_line(error);
    tracing::error!(target: "spillway", reason, "the invocation failed");
    Diagnostic { error_type: "InvocationFailed".to_owned(), error_message: reason }
}

#[expect(clippy::print_stderr, reason = "there is no log before the settings are read")]
fn complain(reason: &str) {
    let line =
        serde_json::json!({ "level": "ERROR", "message": format!("this function cannot start: {reason}") });
    eprintln!("{line}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("outer\nline")]
    struct Outer(#[source] std::io::Error);

    #[test]
    fn a_reason_is_one_line_with_all_causes() {
        let error = Outer(std::io::Error::other("inner"));
        assert_eq!(one_line(&error), "outer line: inner");
        let failure = failed(&error);
        assert_eq!(
            (failure.error_type.as_str(), failure.error_message.as_str()),
            ("InvocationFailed", "outer line: inner")
        );
    }

    #[test]
    fn settings_are_all_read_before_anything_starts() {
        let common = [
            ("AWS_LAMBDA_FUNCTION_NAME", "f"),
            ("SPILLWAY_DEPLOYMENT", "d"),
            ("SPILLWAY_LOG_LEVEL", "info"),
            ("SPILLWAY_TIMEOUT_S", "10"),
        ];
        let read = |environment: &Environment| environment.text("SPILLWAY_QUEUE_URL");
        let error = prepare(&Environment::of(common), read).unwrap_err();
        assert!(error.to_string().contains("SPILLWAY_QUEUE_URL is not set"), "{error}");
        let all = common.into_iter().chain([("SPILLWAY_QUEUE_URL", "https://q")]);
        assert_eq!(prepare(&Environment::of(all), read).unwrap().1, "https://q");
    }
}
