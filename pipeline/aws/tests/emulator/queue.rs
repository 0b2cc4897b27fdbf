//! Sending, deferring and giving up.

use crate::place::deployment;
use aws_sdk_sqs::types::{Message, MessageSystemAttributeName};
use spillway_aws::SqsRedelivery;
use spillway_aws::operator::Deployment;
use spillway_core::Timestamp;
use spillway_core::failure::{Failure, FailureClass};
use spillway_core::message::{
    FAILURES, MessageAttributes, ORIGINAL_MESSAGE_ID, OutgoingMessage, ReceivedMessage,
};
use spillway_core::ports::{DeadLetterOrder, Deferral, Redelivery};
use std::time::Duration;

fn message(body: &str) -> OutgoingMessage {
    let attributes = MessageAttributes::from([("tenant".to_owned(), "ä \"b\"".to_owned())]);
    OutgoingMessage { body: body.to_owned(), attributes, trace_header: None }
}

async fn receive(place: &Deployment, url: &str) -> Vec<Message> {
    let call = place.clients.sqs().receive_message().queue_url(url).max_number_of_messages(10);
    let call =
        call.message_attribute_names("All").message_system_attribute_names(MessageSystemAttributeName::All);
    call.send().await.unwrap().messages.unwrap_or_default()
}

fn redelivery(place: &Deployment) -> SqsRedelivery {
    let queues = &place.topology.queues;
    SqsRedelivery::new(place.clients.sqs(), queues.primary.url.as_str(), queues.dlq.url.as_str())
}

fn received(message: &Message) -> ReceivedMessage {
    ReceivedMessage {
        message_id: message.message_id().unwrap().into(),
        receipt_handle: message.receipt_handle().unwrap().into(),
        body: message.body().unwrap().to_owned(),
        attributes: MessageAttributes::new(),
        trace_header: None,
        sent_at: Timestamp::UNIX_EPOCH,
        receive_count: 1,
        failures: Vec::new(),
    }
}

#[tokio::test]
async fn what_is_sent_is_received_with_its_attributes() {
    let place = deployment().await;
    let sent: Vec<_> = (0..25).map(|n| message(&format!("{{\"n\":{n}}}"))).collect();
    let answers = place.ports.queue.send(&sent).await;
    let mut ids: Vec<_> = answers.into_iter().map(|answer| answer.unwrap().into_string()).collect();
    let mut got = Vec::new();
    for _ in 0..100 {
        got.extend(receive(&place, &place.topology.queues.primary.url).await);
        if got.len() >= 25 {
            break;
        }
    }
    let mut received: Vec<_> = got.iter().map(|message| message.message_id().unwrap().to_owned()).collect();
    ids.sort();
    received.sort();
    assert_eq!(ids, received);
    let attributes = got[0].message_attributes().unwrap();
    assert_eq!(attributes["tenant"].string_value(), Some("ä \"b\""));
    let mut bodies: Vec<_> = got.iter().map(|message| message.body().unwrap().to_owned()).collect();
    bodies.sort_by_key(String::len);
    assert_eq!(bodies[0].len(), 7);
}

#[tokio::test]
async fn a_single_message_carries_its_trace() {
    let place = deployment().await;
    let header = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1";
    let traced = OutgoingMessage { trace_header: Some(header.to_owned()), ..message("{}") };
    place.ports.queue.send(&[traced]).await.remove(0).unwrap();
    let got = receive(&place, &place.topology.queues.primary.url).await;
    let system = got[0].attributes().unwrap();
    assert_eq!(system[&MessageSystemAttributeName::AwsTraceHeader], header);
}

#[tokio::test]
async fn a_deferral_of_nothing_is_received_again_and_a_long_one_is_not() {
    let place = deployment().await;
    let url = &place.topology.queues.primary.url;
    place.ports.queue.send(&[message("a"), message("b")]).await;
    let got = receive(&place, url).await;
    assert_eq!(got.len(), 2);
    let deferral = |message: &Message, seconds| Deferral {
        receipt_handle: message.receipt_handle().unwrap().into(),
        delay: Duration::from_secs(seconds),
        failures: Vec::new(),
    };
    let mut unknown = deferral(&got[0], 1);
    unknown.receipt_handle = "not-a-handle".into();
    let answers = redelivery(&place).defer(&[deferral(&got[0], 0), deferral(&got[1], 900), unknown]).await;
    assert!(answers[0].is_ok() && answers[1].is_ok() && answers[2].is_err(), "{answers:?}");
    let again = receive(&place, url).await;
    assert_eq!(again.iter().map(|m| m.message_id()).collect::<Vec<_>>(), [got[0].message_id()]);
    let count = &again[0].attributes().unwrap()[&MessageSystemAttributeName::ApproximateReceiveCount];
    assert_eq!(count, "2");
}

#[tokio::test]
async fn what_is_given_up_goes_to_the_dlq_with_its_reasons() {
    let place = deployment().await;
    place.ports.queue.send(&[message("{}")]).await;
    let got = receive(&place, &place.topology.queues.primary.url).await;
    let failure = Failure::new(FailureClass::Malformed, "no id", &"v1".into(), Timestamp::UNIX_EPOCH);
    let order = DeadLetterOrder { message: received(&got[0]), failures: vec![failure] };
    assert_eq!(redelivery(&place).dead_letter(&[order]).await, [Ok(())]);
    let dead = receive(&place, &place.topology.queues.dlq.url).await;
    let attributes = dead[0].message_attributes().unwrap();
    assert_eq!(attributes[ORIGINAL_MESSAGE_ID].string_value(), got[0].message_id());
    assert!(attributes[FAILURES].string_value().unwrap().contains("malformed"));
    assert_eq!(dead[0].body(), Some("{}"));
}
