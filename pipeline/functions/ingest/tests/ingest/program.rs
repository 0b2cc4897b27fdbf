//! The program as Lambda starts it, with a simulated runtime API on a loopback address.

#![expect(clippy::unwrap_used, reason = "test code")]

use serde_json::{Value, json};
use spillway_testkit::{INVOCATION_TRACE, RuntimeApi};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

const SETTINGS: [(&str, &str); 12] = [
    ("AWS_LAMBDA_FUNCTION_NAME", "shop-ingest"),
    ("AWS_LAMBDA_FUNCTION_VERSION", "1"),
    ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256"),
    ("AWS_REGION", "eu-central-1"),
    ("AWS_ACCESS_KEY_ID", "key"),
    ("AWS_SECRET_ACCESS_KEY", "very-secret"),
    ("SPILLWAY_DEPLOYMENT", "shop"),
    ("SPILLWAY_LOG_LEVEL", "info"),
    ("SPILLWAY_QUEUE_URL", "http://127.0.0.1:1/123456789012/shop-events"),
    ("SPILLWAY_DEFAULT_SOURCE", "/shop"),
    ("SPILLWAY_DEFAULT_TYPE", "json"),
    ("SPILLWAY_TIMEOUT_S", "10"),
];
const LIMITS: [(&str, &str); 3] = [
    ("SPILLWAY_MAX_BATCH_EVENTS", "1000"),
    ("SPILLWAY_MAX_EVENT_BYTES", "245760"),
    ("SPILLWAY_MAX_REQUEST_BYTES", "1048576"),
];

fn program(
    variables: impl IntoIterator<Item = (&'static str, &'static str)>,
    runtime_api: &RuntimeApi,
) -> Child {
    Command::new(env!("CARGO_BIN_EXE_ingest"))
        .env_clear()
        .envs(variables)
        .env("AWS_LAMBDA_RUNTIME_API", runtime_api.address())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// The output until the program is ended.
fn end(mut program: Child) -> Output {
    program.kill().unwrap();
    program.wait_with_output().unwrap()
}

#[test]
fn a_missing_setting_ends_it_with_one_line_and_lambda_is_notified() {
    let runtime_api = RuntimeApi::listen();
    let program = program(SETTINGS.into_iter().chain(LIMITS.into_iter().skip(1)), &runtime_api);
    let request = runtime_api.next();
    assert_eq!(request.line, "POST /2018-06-01/runtime/init/error HTTP/1.1");
    let reason = request.json()["errorMessage"].as_str().unwrap().to_owned();
    assert!(reason.contains("SPILLWAY_MAX_BATCH_EVENTS is not set"), "{reason}");
    request.answer("202 Accepted", "", b"");
    let output = program.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let log = String::from_utf8(output.stderr).unwrap();
    let [line] = log.lines().collect::<Vec<_>>()[..] else { panic!("one line, not: {log}") };
    let line: Value = serde_json::from_str(line).unwrap();
    assert!(line["message"].as_str().unwrap().ends_with(&reason), "{line}");
    assert!(output.stdout.is_empty());
}

#[test]
fn an_invocation_is_answered_and_a_wrong_one_fails_alone() {
    let runtime_api = RuntimeApi::listen();
    let program = program(SETTINGS.into_iter().chain(LIMITS), &runtime_api);
    let (line, body) = runtime_api.invoke(&json!({ "task": "nothing that it knows" }));
    assert_eq!(line, "POST /2018-06-01/runtime/invocation/r-1/error HTTP/1.1");
    assert_eq!(body["errorType"], "InvocationFailed");
    assert!(body["errorMessage"].as_str().unwrap().contains("no request of a REST API"), "{body}");

    let (line, body) = runtime_api.invoke(&json!({ "httpMethod": "GET", "path": "/health" }));
    assert_eq!(line, "POST /2018-06-01/runtime/invocation/r-1/response HTTP/1.1");
    assert_eq!(body["statusCode"], 200);

    let output = end(program);
    let log = String::from_utf8(output.stdout).unwrap();
    let [first, line] = log.lines().collect::<Vec<_>>()[..] else { panic!("two lines, not: {log}") };
    assert!(first.contains("\"deployment\":\"shop\""), "{first}");
    let line: Value = serde_json::from_str(line).unwrap();
    assert_eq!((&line["level"], &line["span"]["request_id"]), (&json!("ERROR"), &json!("r-1")));
    assert_eq!(line["span"]["trace_id"], INVOCATION_TRACE.trim_start_matches("Root="));
    assert!(!log.contains("very-secret") && output.stderr.is_empty());
}

/// Sends SIGTERM to the program.
fn terminate(program: &Child) {
    let sent = Command::new("sh").args(["-c", &format!("kill -TERM {}", program.id())]).status().unwrap();
    assert!(sent.success());
}

/// The output until the program ended.
fn ended(mut program: Child) -> Output {
    for _ in 0..4_000 {
        if program.try_wait().unwrap().is_some() {
            return program.wait_with_output().unwrap();
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    program.kill().unwrap();
    panic!("the program did not end within 20 s");
}

#[test]
fn after_a_sigterm_the_current_invocation_is_answered_and_the_process_succeeds() {
    let runtime_api = RuntimeApi::listen();
    let queue = RuntimeApi::listen();
    let endpoint: &'static str = format!("http://{}", queue.address()).leak();
    let variables = SETTINGS.into_iter().chain(LIMITS).chain([("AWS_ENDPOINT_URL", endpoint)]);
    let program = program(variables, &runtime_api);
    let event = json!({ "httpMethod": "POST", "path": "/events", "body": "{}",
        "headers": { "Content-Type": "application/json" } });
    runtime_api.give(&event);
    let sending = queue.next();
    assert_eq!(sending.line, "POST / HTTP/1.1");
    terminate(&program);
    sending.answer("200 OK", "", br#"{"MessageId":"m-1"}"#);

    let request = runtime_api.next();
    assert_eq!(request.line, "POST /2018-06-01/runtime/invocation/r-1/response HTTP/1.1");
    assert_eq!(request.json()["statusCode"], 202);
    request.answer("202 Accepted", "", b"");
    let output = ended(program);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let log = String::from_utf8(output.stdout).unwrap();
    assert!(log.lines().last().unwrap().contains("shutting down on SIGTERM"), "{log}");
    assert!(runtime_api.is_idle(), "it asks for no other invocation");
}

#[test]
fn after_a_sigterm_between_invocations_the_process_succeeds() {
    let runtime_api = RuntimeApi::listen();
    let program = program(SETTINGS.into_iter().chain(LIMITS), &runtime_api);
    let waiting = runtime_api.next();
    terminate(&program);
    assert_eq!(ended(program).status.code(), Some(0));
    drop(waiting);
}
