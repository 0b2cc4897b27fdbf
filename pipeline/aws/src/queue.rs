//! Sending to a queue on SQS: in as few calls as SQS allows, with one answer for each message.

use crate::backoff::{Backoff, Pace};
use crate::call_error::{CallError, RetryDecision, call_error, decide};
use async_trait::async_trait;
use aws_sdk_sqs::Client;
use aws_sdk_sqs::error::BuildError;
use aws_sdk_sqs::primitives::Blob;
use aws_sdk_sqs::types::{
    BatchResultErrorEntry, MessageAttributeValue, MessageSystemAttributeNameForSends,
    MessageSystemAttributeValue, SendMessageBatchRequestEntry,
};
use futures::StreamExt;
use futures::stream;
use spillway_core::ids::MessageId;
use spillway_core::message::{Attribute, MessageAttributes, OutgoingMessage};
use spillway_core::ports::{EventQueue, QueueError, message_size};
use std::collections::{HashMap, HashSet};

/// Messages in one `SendMessageBatch` ("TooManyEntriesInBatchRequest" beyond).
pub(crate) const MAX_IN_A_CALL: usize = 10;
/// Bytes in one `SendMessageBatch`: 1 MiB since 2025, for a message as for a batch.
const LARGEST_CALL: usize = 1024 * 1024;
/// Calls that are under way at once for one list of messages.
pub(crate) const CALLS_AT_ONCE: usize = 16;

/// The sending side of an SQS queue.
///
/// `Ok` means that SQS confirmed the message. A call whose connection broke after it was sent is retried. If
/// time runs out, the message is in doubt: SQS may have it although nothing was promised. That is harmless,
/// because the store takes each event once. A sender who sends it again produces the same event.
#[derive(Clone, Debug)]
pub struct SqsQueue {
    client: Client,
    queue_url: String,
    pace: Pace,
}

type Answer = Result<MessageId, QueueError>;

impl SqsQueue {
    /// The queue with that URL. Sending a message is retried for a third of the time that the client's limits
    /// allow for a call. With a function of 10 s that is 2.3 s, and the last try ends in time for an answer.
    ///
    /// The SDK's own retries are turned off: it would repeat whole calls, and knows nothing of entries that failed in a
    /// call that succeeded.
    pub fn new(client: Client, queue_url: impl Into<String>) -> Self {
        let pace = Pace::for_limits(client.config().timeout_config());
        let retries = aws_sdk_sqs::config::retry::RetryConfig::disabled();
        let config = client.config().to_builder().retry_config(retries).build();
        Self { client: Client::from_conf(config), queue_url: queue_url.into(), pace }
    }

    /// With other waits between tries, or another deadline.
    #[must_use]
    pub fn with_pace(self, pace: Pace) -> Self {
        Self { pace, ..self }
    }

    /// Sends the messages of one call, with retries until each is accepted, refused, or out of time.
    async fn send_call(
        &self,
        messages: &[OutgoingMessage],
        mut positions: Vec<usize>,
        mut backoff: Backoff,
    ) -> Vec<(usize, Answer)> {
        if backoff.is_over() {
            let late = || Err(unavailable("SQS did not answer in time for the messages before this one"));
            return positions.into_iter().map(|position| (position, late())).collect();
        }
        let mut done = Vec::with_capacity(positions.len());
        // Those of which a try may have worked, whatever the later ones brought.
        let mut doubtful = HashSet::new();
        loop {
            let mut again = Vec::new();
            for (position, result) in self.send_once(messages, &positions).await {
                if result.as_ref().is_err_and(|error| error.decision.may_have_happened()) {
                    doubtful.insert(position);
                }
                match result {
                    Err(error) if error.decision.is_retryable() => again.push((position, error)),
                    Err(error) => done.push((position, Err(unsent(error, doubtful.contains(&position))))),
                    Ok(id) => done.push((position, Ok(id))),
                }
            }
            if again.is_empty() {
                return done;
            }
            if !backoff.wait().await {
                let unsent = |(position, error)| (position, Err(unsent(error, doubtful.contains(&position))));
                done.extend(again.into_iter().map(unsent));
                return done;
            }
            positions = again.into_iter().map(|(position, _)| position).collect();
        }
    }

    async fn send_once(
        &self,
        messages: &[OutgoingMessage],
        positions: &[usize],
    ) -> Vec<(usize, Result<MessageId, CallError>)> {
        if let [position] = positions {
            return vec![(*position, self.send_single(&messages[*position]).await)];
        }
        let entries: Result<Vec<_>, BuildError> = positions
            .iter()
            .enumerate()
            .map(|(index, &position)| entry(index, &messages[position]))
            .collect();
        let entries = match entries {
            Ok(entries) => entries,
            Err(error) => return for_all(positions, &CallError::ours("SendMessageBatch", &error)),
        };
        let call = self.client.send_message_batch().queue_url(&self.queue_url).set_entries(Some(entries));
        let output = match call.send().await {
            Ok(output) => output,
            Err(error) => {
                let error = call_error("SendMessageBatch", &error);
                if is_about_the_message(error.code.as_deref()) || is_too_long(error.code.as_deref()) {
                    // One message makes the call fail for all, or all of them together do. Alone, each gets
                    // its own answer.
                    let singles = positions.iter().map(|&position| async move {
                        (position, self.send_single(&messages[position]).await)
                    });
                    return futures::future::join_all(singles).await;
                }
                return for_all(positions, &error);
            }
        };
        let taken: HashMap<_, _> =
            output.successful.iter().map(|entry| (entry.id.as_str(), entry.message_id.as_str())).collect();
        let failed: HashMap<_, _> = output.failed.iter().map(|entry| (entry.id.as_str(), entry)).collect();
        let answer = |index: usize| {
            let id = index.to_string();
            match (taken.get(id.as_str()), failed.get(id.as_str())) {
                (Some(message_id), _) => Ok(MessageId::new(*message_id)),
                (None, Some(entry)) => Err(failed_entry("SendMessageBatch", entry)),
                (None, None) => Err(missing_entry("SendMessageBatch")),
            }
        };
        positions.iter().enumerate().map(|(index, &position)| (position, answer(index))).collect()
    }

    async fn send_single(&self, message: &OutgoingMessage) -> Result<MessageId, CallError> {
        let attributes =
            attributes(&message.attributes).map_err(|error| CallError::ours("SendMessage", &error))?;
        let trace = trace(message).map_err(|error| CallError::ours("SendMessage", &error))?;
        let call = self
            .client
            .send_message()
            .queue_url(&self.queue_url)
            .message_body(&message.body)
            .set_message_attributes(attributes)
            .set_message_system_attributes(trace);
        let output = call.send().await.map_err(|error| call_error("SendMessage", &error))?;
        output.message_id.map(MessageId::new).ok_or_else(|| missing_entry("SendMessage"))
    }
}

#[async_trait]
impl EventQueue for SqsQueue {
    async fn send(&self, messages: &[OutgoingMessage]) -> Vec<Answer> {
        let backoff = Backoff::new(self.pace);
        let mut answers: Vec<Option<Answer>> =
            messages.iter().map(|message| QueueError::refusal(message).map(Err)).collect();
        let sendable = (0..messages.len()).filter(|&position| answers[position].is_none());
        let calls = calls(sendable.map(|position| (position, message_size(&messages[position]))));
        let mut done = stream::iter(calls)
            .map(|positions| self.send_call(messages, positions, backoff.clone()))
            .buffer_unordered(CALLS_AT_ONCE);
        while let Some(some) = done.next().await {
            for (position, answer) in some {
                answers[position] = Some(answer);
            }
        }
        let unanswered = || Err(unavailable("SQS did not answer for this message"));
        answers.into_iter().map(|answer| answer.unwrap_or_else(unanswered)).collect()
    }
}

/// Messages by position, gathered into calls within SQS's limits.
fn calls(sizes: impl Iterator<Item = (usize, usize)>) -> Vec<Vec<usize>> {
    let mut calls: Vec<Vec<usize>> = Vec::new();
    let mut bytes = 0;
    for (position, size) in sizes {
        match calls.last_mut() {
            Some(call) if call.len() < MAX_IN_A_CALL && bytes + size <= LARGEST_CALL => {
                call.push(position);
                bytes += size;
            }
            _ => {
                calls.push(vec![position]);
                bytes = size;
            }
        }
    }
    calls
}

fn entry(index: usize, message: &OutgoingMessage) -> Result<SendMessageBatchRequestEntry, BuildError> {
    SendMessageBatchRequestEntry::builder()
        .id(index.to_string())
        .message_body(&message.body)
        .set_message_attributes(attributes(&message.attributes)?)
        .set_message_system_attributes(trace(message)?)
        .build()
}

fn attributes(
    attributes: &MessageAttributes,
) -> Result<Option<HashMap<String, MessageAttributeValue>>, BuildError> {
    let value = |(name, value): (&String, &Attribute)| {
        let builder = MessageAttributeValue::builder().data_type(value.data_type());
        let builder = match value.is_binary() {
            true => {
                let bytes = aws_smithy_types::base64::decode(value.as_str()).map_err(BuildError::other)?;
                builder.binary_value(Blob::new(bytes))
            }
            false => builder.string_value(value.as_str()),
        };
        Ok((name.clone(), builder.build()?))
    };
    let all = attributes.iter().map(value).collect::<Result<HashMap<_, _>, BuildError>>()?;
    Ok((!all.is_empty()).then_some(all))
}

type SystemAttributes = HashMap<MessageSystemAttributeNameForSends, MessageSystemAttributeValue>;

fn trace(message: &OutgoingMessage) -> Result<Option<SystemAttributes>, BuildError> {
    let Some(header) = &message.trace_header else { return Ok(None) };
    let value = MessageSystemAttributeValue::builder().data_type("String").string_value(header).build()?;
    Ok(Some(HashMap::from([(MessageSystemAttributeNameForSends::AwsTraceHeader, value)])))
}

/// What an entry means that failed in a call that succeeded.
pub(crate) fn failed_entry(action: &str, entry: &BatchResultErrorEntry) -> CallError {
    let status = if entry.sender_fault { 400 } else { 500 };
    let message = entry.message.as_deref().unwrap_or("no reason given");
    CallError {
        decision: decide(Some(&entry.code), status),
        code: Some(entry.code.clone()),
        text: format!("{action}: {}: {message}", entry.code),
    }
}

/// SQS's answer does not mention this entry.
pub(crate) fn missing_entry(action: &str) -> CallError {
    CallError {
        decision: RetryDecision::Unknown,
        code: None,
        text: format!("{action}: the answer does not mention this message"),
    }
}

fn for_all<T>(positions: &[usize], error: &CallError) -> Vec<(usize, Result<T, CallError>)> {
    positions.iter().map(|&position| (position, Err(error.clone()))).collect()
}

/// Whether SQS rejects the message itself, and not the caller's rights or the queue.
fn is_about_the_message(code: Option<&str>) -> bool {
    let name = code.and_then(|code| code.rsplit('.').next()).unwrap_or_default();
    matches!(
        name,
        "InvalidMessageContents"
            | "InvalidParameterValue"
            | "InvalidAttributeValue"
            | "MissingParameter"
            | "InvalidParameterCombination"
    )
}

/// Whether the call was too long for this queue, although each message fits alone. Not every region and
/// partition accepts a mebibyte.
fn is_too_long(code: Option<&str>) -> bool {
    code.and_then(|code| code.rsplit('.').next()) == Some("BatchRequestTooLong")
}

/// Refused: permanently if the message is at fault, otherwise until an operator fixes a permission or a name.
pub(crate) fn refused(error: CallError) -> QueueError {
    if is_about_the_message(error.code.as_deref()) {
        QueueError::Rejected { reason: error.text }
    } else {
        QueueError::Unavailable { reason: error.text }
    }
}

/// Not confirmed: refused, out of time, or in doubt if a try may have worked.
fn unsent(error: CallError, is_doubtful: bool) -> QueueError {
    match error.decision {
        _ if is_doubtful => QueueError::InDoubt { reason: error.text },
        RetryDecision::Refused => refused(error),
        _ => given_up(error),
    }
}

/// Retried until there was no time left.
pub(crate) fn given_up(error: CallError) -> QueueError {
    match error.decision {
        RetryDecision::Throttled => QueueError::Throttled,
        RetryDecision::Unknown | RetryDecision::TimedOut | RetryDecision::Refused => {
            QueueError::Unavailable { reason: error.text }
        }
    }
}

fn unavailable(reason: &str) -> QueueError {
    QueueError::Unavailable { reason: reason.to_owned() }
}

#[cfg(test)]
mod tests;
