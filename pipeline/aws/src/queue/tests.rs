//! What happens to messages when SQS throttles, fails in part, or does not answer.

use super::*;
use crate::clients::Clients;
use crate::testing::script::{Answer, Call, Script};
use serde_json::{Value, json};
use spillway_core::ports::LARGEST_MESSAGE;
use std::time::Duration;

fn message(body: &str) -> OutgoingMessage {
    OutgoingMessage { body: body.to_owned(), attributes: MessageAttributes::new(), trace_header: None }
}

fn messages(count: usize) -> Vec<OutgoingMessage> {
    (0..count).map(|n| message(&format!("{{\"n\":{n}}}"))).collect()
}

/// Tries often.
fn sender(script: &Script) -> SqsQueue {
    with(&script.clients(), 20_000)
}

/// Tries often and gives up soon.
fn hasty(script: &Script) -> SqsQueue {
    with(&script.hasty_clients(), 600)
}

fn with(clients: &Clients, within_ms: u64) -> SqsQueue {
    let milliseconds = Duration::from_millis;
    let pace = Pace { base: milliseconds(1), cap: milliseconds(5), within: milliseconds(within_ms) };
    SqsQueue::new(clients.sqs(), "http://queue/events").with_pace(pace)
}

fn entries(call: &Call) -> Vec<Value> {
    call.body["Entries"].as_array().cloned().unwrap_or_default()
}

fn taken(call: &Call) -> Answer {
    if call.action == "SendMessage" {
        return Answer::Ok(json!({"MessageId": "single"}));
    }
    let of = |entry: &Value| json!({"Id": entry["Id"], "MessageId": format!("id of {}", entry["MessageBody"].as_str().unwrap()), "MD5OfMessageBody": ""});
    Answer::Ok(json!({"Successful": entries(call).iter().map(of).collect::<Vec<_>>(), "Failed": []}))
}

#[tokio::test]
async fn a_queue_is_called_at_the_host_of_its_url() {
    let script = Script::start(|call, _| taken(call)).await;
    let config = script.clients().config().clone();
    let url = format!("{}/1/events", config.endpoint_url().unwrap());
    let mut nowhere_else = config.to_builder();
    nowhere_else.set_endpoint_url(None);
    let client = Clients::from_config(nowhere_else.build()).sqs_of(&url);
    let answers = SqsQueue::new(client, url).send(&messages(2)).await;
    assert!(answers.iter().all(Result::is_ok), "{answers:?}");
    assert_eq!(script.actions(), ["SendMessageBatch"]);
}

#[tokio::test]
async fn a_throttled_call_is_retried() {
    let script = Script::start(|call, before| match before {
        0 => Answer::error("RequestThrottled"),
        1 => Answer::Status(503, "ServiceUnavailable"),
        _ => taken(call),
    })
    .await;
    let answers = sender(&script).send(&messages(3)).await;
    assert_eq!(answers[2], Ok("id of {\"n\":2}".into()));
    assert_eq!(script.actions(), ["SendMessageBatch"; 3]);
}

#[tokio::test]
async fn entries_that_failed_are_separated_and_accepted_ones_are_not_sent_again() {
    let script = Script::start(|call, before| match before {
        0 => Answer::Ok(json!({
            "Successful": [{"Id": "0", "MessageId": "first", "MD5OfMessageBody": ""}],
            "Failed": [
                {"Id": "1", "SenderFault": true, "Code": "InvalidMessageContents", "Message": "odd"},
                {"Id": "2", "SenderFault": false, "Code": "InternalError"},
                {"Id": "3", "SenderFault": true, "Code": "AccessDenied", "Message": "no"},
            ],
        })),
        _ => taken(call),
    })
    .await;
    let answers = sender(&script).send(&messages(5)).await;
    assert_eq!(answers[0], Ok("first".into()));
    assert!(matches!(&answers[1], Err(QueueError::Rejected { reason }) if reason.contains("odd")));
    assert_eq!(answers[2], Ok("id of {\"n\":2}".into()));
    assert!(matches!(answers[3], Err(QueueError::Unavailable { .. })), "a permission can be fixed");
    // SQS's answer does not mention the fifth: it is sent again, since SQS has not confirmed it.
    assert_eq!(answers[4], Ok("id of {\"n\":4}".into()));
    let again: Vec<_> =
        entries(&script.calls()[1]).iter().map(|entry| entry["MessageBody"].clone()).collect();
    assert_eq!(again, ["{\"n\":2}", "{\"n\":4}"]);
}

#[tokio::test]
async fn a_message_without_confirmation_is_never_ok() {
    for answer in [Answer::Cut, Answer::Silence, Answer::Status(500, "InternalError")] {
        let scripted = answer.clone();
        let script = Script::start(move |_, _| scripted.clone()).await;
        for answers in [hasty(&script).send(&messages(2)).await, hasty(&script).send(&messages(1)).await] {
            assert!(
                answers.iter().all(|answer| matches!(answer, Err(QueueError::InDoubt { .. }))),
                "SQS may have it, {answer:?}: {answers:?}"
            );
        }
        assert!(script.calls().len() > 3, "{answer:?} is tried again");
    }
}

#[tokio::test]
async fn a_call_whose_connection_broke_is_retried_and_confirmed() {
    let script = Script::start(|call, before| if before == 0 { Answer::Cut } else { taken(call) }).await;
    assert_eq!(sender(&script).send(&messages(1)).await, [Ok("single".into())]);
    assert_eq!(script.actions(), ["SendMessage"; 2]);
}

#[tokio::test]
async fn a_message_stays_in_doubt_whatever_the_later_tries_bring() {
    for later in ["ThrottlingException", "AWS.SimpleQueueService.NonExistentQueue"] {
        let script =
            Script::start(move |_, before| if before == 0 { Answer::Cut } else { Answer::error(later) })
                .await;
        let answers = hasty(&script).send(&messages(1)).await;
        assert!(matches!(answers[0], Err(QueueError::InDoubt { .. })), "{later}: {answers:?}");
    }
}

#[tokio::test]
async fn lasting_throttling_is_reported_and_a_missing_queue_is_not_retried() {
    let script = Script::start(|_, _| Answer::error("ThrottlingException")).await;
    assert_eq!(hasty(&script).send(&messages(1)).await, [Err(QueueError::Throttled)]);
    let script = Script::start(|_, _| Answer::error("AWS.SimpleQueueService.NonExistentQueue")).await;
    let answers = sender(&script).send(&messages(2)).await;
    assert!(
        matches!(&answers[0], Err(QueueError::Unavailable { reason }) if reason.contains("NonExistentQueue"))
    );
    assert_eq!(script.calls().len(), 1);
}

#[tokio::test]
async fn one_bad_message_in_a_call_does_not_affect_the_others() {
    let script = Script::start(|call, _| match call.action.as_str() {
        "SendMessageBatch" => Answer::error("InvalidMessageContents"),
        _ if call.body["MessageBody"] == "{\"n\":1}" => Answer::error("InvalidMessageContents"),
        _ => taken(call),
    })
    .await;
    let answers = sender(&script).send(&messages(3)).await;
    assert_eq!((&answers[0], &answers[2]), (&Ok("single".into()), &Ok("single".into())));
    assert!(matches!(answers[1], Err(QueueError::Rejected { .. })));
}

#[tokio::test]
async fn messages_that_are_too_long_together_are_sent_alone() {
    let script = Script::start(|call, _| match call.action.as_str() {
        "SendMessageBatch" => Answer::error("AWS.SimpleQueueService.BatchRequestTooLong"),
        _ => taken(call),
    })
    .await;
    let answers = sender(&script).send(&messages(5)).await;
    assert!(answers.iter().all(|answer| *answer == Ok("single".into())), "{answers:?}");
    assert_eq!(script.calls().len(), 1 + 5);
}

#[tokio::test]
async fn what_has_not_been_tried_by_the_deadline_is_not_tried_any_more() {
    let script = Script::start(|_, _| Answer::Silence).await;
    let answers = with(&script.hasty_clients(), 50).send(&messages(400)).await;
    let in_doubt = answers.iter().filter(|answer| matches!(answer, Err(QueueError::InDoubt { .. }))).count();
    let untried =
        answers.iter().filter(|answer| matches!(answer, Err(QueueError::Unavailable { .. }))).count();
    assert_eq!(in_doubt + untried, 400, "{answers:?}");
    assert!((1..=CALLS_AT_ONCE * MAX_IN_A_CALL).contains(&in_doubt), "only what was tried: {in_doubt}");
    assert!(script.calls().len() <= CALLS_AT_ONCE, "{} calls of 40", script.calls().len());
}

#[tokio::test]
async fn attributes_and_trace_go_with_each_message_of_a_batch() {
    let script = Script::start(|call, _| taken(call)).await;
    let mut traced = message("{}");
    traced.attributes.insert("tenant".to_owned(), "a".into());
    traced.trace_header = Some("Root=1-5759e988-bd862e3fe1be46a994272793".to_owned());
    sender(&script).send(&[traced, message("[]")]).await;
    let sent = entries(&script.calls()[0]);
    assert_eq!(sent[0]["MessageAttributes"]["tenant"], json!({"DataType": "String", "StringValue": "a"}));
    let trace = &sent[0]["MessageSystemAttributes"]["AWSTraceHeader"]["StringValue"];
    assert_eq!(trace, "Root=1-5759e988-bd862e3fe1be46a994272793");
    assert_eq!(
        (&sent[1]["MessageAttributes"], &sent[1]["MessageSystemAttributes"]),
        (&Value::Null, &Value::Null)
    );
}

#[tokio::test]
async fn messages_that_never_fit_are_not_sent() {
    let script = Script::start(|call, _| taken(call)).await;
    let large = message(&"x".repeat(LARGEST_MESSAGE + 1));
    let answers = sender(&script).send(&[message("a"), large, message("b")]).await;
    assert!(answers[0].is_ok() && answers[2].is_ok());
    assert!(matches!(answers[1], Err(QueueError::TooLarge { .. })));
    assert_eq!(entries(&script.calls()[0]).len(), 2);
}

#[test]
fn calls_have_at_most_ten_messages_and_a_mebibyte() {
    let lengths =
        |sizes: Vec<usize>| calls(sizes.into_iter().enumerate()).iter().map(Vec::len).collect::<Vec<_>>();
    assert_eq!(lengths(vec![100; 23]), [10, 10, 3]);
    assert_eq!(lengths(vec![256 * 1024; 9]), [4, 4, 1]);
    assert_eq!(lengths(Vec::new()), Vec::<usize>::new());
}

#[test]
fn messages_that_sqs_never_accepts_are_refused_without_a_call() {
    assert_eq!(QueueError::refusal(&message("{}")), None);
    assert!(matches!(QueueError::refusal(&message("")), Some(QueueError::Rejected { .. })));
    let odd = QueueError::refusal(&message("{\"a\":\"\u{ffff}\"}"));
    assert!(odd.is_some_and(|error| error.to_string().contains("U+FFFF")));
    let large = message(&"x".repeat(LARGEST_MESSAGE + 1));
    assert!(matches!(QueueError::refusal(&large), Some(QueueError::TooLarge { limit: LARGEST_MESSAGE, .. })));
    let mut many = message("{}");
    many.attributes.extend((0..11).map(|i| (format!("a{i}"), "v".into())));
    assert!(matches!(QueueError::refusal(&many), Some(QueueError::Rejected { .. })));
}

#[test]
fn attributes_count_with_name_type_and_value() {
    let mut message = message("body");
    message.attributes.insert("name".to_owned(), "value".into());
    assert_eq!(message_size(&message), 4 + 4 + 6 + 5);
}

#[tokio::test]
async fn attributes_are_sent_with_their_types() {
    let script = Script::start(|_, _| Answer::Ok(json!({ "MessageId": "m" }))).await;
    let mut typed = message("{}");
    typed.attributes.insert("count".to_owned(), Attribute::new("Number.int", "12"));
    typed.attributes.insert("raw".to_owned(), Attribute::new("Binary", "AAEC"));
    typed.attributes.insert("tenant".to_owned(), "a".into());
    let queue = SqsQueue::new(script.clients().sqs(), "http://queue");
    queue.send(&[typed]).await.remove(0).unwrap();
    assert_eq!(
        script.calls()[0].body["MessageAttributes"],
        json!({
            "count": { "DataType": "Number.int", "StringValue": "12" },
            "raw": { "DataType": "Binary", "BinaryValue": "AAEC" },
            "tenant": { "DataType": "String", "StringValue": "a" },
        })
    );
}
