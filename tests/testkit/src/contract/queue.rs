//! The queues: sending, receiving, deferring and dead-lettering.

use super::EmptyPipeline;
use spillway_core::Timestamp;
use spillway_core::failure::{Failure, FailureClass};
use spillway_core::ids::ReceiptHandle;
use spillway_core::message::{MessageAttributes, OutgoingMessage, ReceivedMessage};
use spillway_core::ports::{DeadLetterOrder, Deferral, QueueKind};
use std::time::Duration;

suite! { $ queue:
    a_message_is_received_with_its_attributes,
    a_single_message_carries_its_trace,
    a_deferral_of_nothing_is_received_again_and_a_long_one_is_not,
    settled_messages_are_deleted,
    given_up_messages_go_to_the_dlq_with_their_reasons,
    nothing_to_send_is_no_error,
}

fn message(body: &str) -> OutgoingMessage {
    let attributes = MessageAttributes::from([("tenant".to_owned(), "ä \"b\"".into())]);
    OutgoingMessage { body: body.to_owned(), attributes, trace_header: None }
}

/// Receives until there are `count` messages: one receive may return fewer than are visible.
async fn receive(pipeline: &EmptyPipeline, queue: QueueKind, count: usize) -> Vec<ReceivedMessage> {
    let mut received = Vec::new();
    for _ in 0..100 {
        received.extend(pipeline.workers.receiver.receive(queue, 10).await.unwrap());
        if received.len() >= count {
            break;
        }
    }
    received
}

async fn a_message_is_received_with_its_attributes(pipeline: &EmptyPipeline) {
    let sent: Vec<_> = (0..25).map(|n| message(&format!("{{\"n\":{n}}}"))).collect();
    let answers = pipeline.queue.send(&sent).await;
    let mut ids: Vec<_> = answers.into_iter().map(|answer| answer.unwrap()).collect();
    let got = receive(pipeline, QueueKind::Primary, 25).await;
    let mut received: Vec<_> = got.iter().map(|message| message.message_id.clone()).collect();
    ids.sort();
    received.sort();
    assert_eq!(ids, received);
    assert!(got.iter().all(|message| message.attributes["tenant"] == "ä \"b\""));
    assert!(got.iter().all(|message| message.receive_count == 1 && message.failures.is_empty()));
    let mut bodies: Vec<_> = got.into_iter().map(|message| message.body).collect();
    let mut expected: Vec<_> = sent.into_iter().map(|message| message.body).collect();
    bodies.sort();
    expected.sort();
    assert_eq!(bodies, expected);
    assert!(receive(pipeline, QueueKind::Primary, 1).await.is_empty(), "what was received is hidden");
}

async fn a_single_message_carries_its_trace(pipeline: &EmptyPipeline) {
    let header = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1";
    let traced = OutgoingMessage { trace_header: Some(header.to_owned()), ..message("{}") };
    pipeline.queue.send(&[traced]).await.remove(0).unwrap();
    let got = receive(pipeline, QueueKind::Primary, 1).await;
    assert_eq!(got[0].trace_header.as_deref(), Some(header));
}

async fn a_deferral_of_nothing_is_received_again_and_a_long_one_is_not(pipeline: &EmptyPipeline) {
    pipeline.queue.send(&[message("a"), message("b")]).await;
    let got = receive(pipeline, QueueKind::Primary, 2).await;
    assert_eq!(got.len(), 2);
    let deferral = |handle: &ReceiptHandle, seconds| Deferral {
        receipt_handle: handle.clone(),
        delay: Duration::from_secs(seconds),
        failures: Vec::new(),
    };
    let deferrals = [
        deferral(&got[0].receipt_handle, 0),
        deferral(&got[1].receipt_handle, 900),
        deferral(&"not-a-handle".into(), 1),
    ];
    let answers = pipeline.workers.redelivery.defer(&deferrals).await;
    assert!(answers[0].is_ok() && answers[1].is_ok() && answers[2].is_err(), "{answers:?}");
    let again = receive(pipeline, QueueKind::Primary, 1).await;
    let received = again.iter().map(|message| (&message.message_id, message.receive_count));
    assert_eq!(received.collect::<Vec<_>>(), [(&got[0].message_id, 2)]);
}

async fn settled_messages_are_deleted(pipeline: &EmptyPipeline) {
    pipeline.queue.send(&[message("a"), message("b")]).await;
    let got = receive(pipeline, QueueKind::Primary, 2).await;
    let settled = [got[0].receipt_handle.clone()];
    assert_eq!(pipeline.workers.receiver.delete(QueueKind::Primary, &settled).await, Ok(1));
    let other = Deferral {
        receipt_handle: got[1].receipt_handle.clone(),
        delay: Duration::ZERO,
        failures: Vec::new(),
    };
    assert_eq!(pipeline.workers.redelivery.defer(&[other]).await, [Ok(())]);
    let left = receive(pipeline, QueueKind::Primary, 2).await;
    let left: Vec<_> = left.into_iter().map(|message| message.message_id).collect();
    assert_eq!(left, [got[1].message_id.clone()]);
}

async fn given_up_messages_go_to_the_dlq_with_their_reasons(pipeline: &EmptyPipeline) {
    pipeline.queue.send(&[message("{}")]).await;
    let got = receive(pipeline, QueueKind::Primary, 1).await.remove(0);
    let failure = Failure::new(FailureClass::Malformed, "no id", &"v1".into(), Timestamp::UNIX_EPOCH);
    let order = DeadLetterOrder { message: got.clone(), failures: vec![failure] };
    let expected = order.attributes();
    assert_eq!(pipeline.workers.redelivery.dead_letter(&[order]).await, [Ok(())]);
    let dead = receive(pipeline, QueueKind::Dlq, 1).await.remove(0);
    assert_eq!(dead.original_message_id(), got.message_id);
    assert_eq!(dead.first_sent_at().as_millisecond(), got.sent_at.as_millisecond());
    assert_eq!((dead.body.as_str(), dead.attributes), ("{}", expected));
}

async fn nothing_to_send_is_no_error(pipeline: &EmptyPipeline) {
    assert!(pipeline.queue.send(&[]).await.is_empty());
    assert!(pipeline.workers.redelivery.defer(&[]).await.is_empty());
    assert!(pipeline.workers.redelivery.dead_letter(&[]).await.is_empty());
}
