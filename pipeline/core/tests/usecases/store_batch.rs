//! What the consumer does with a batch, tested with ports that return scripted answers.

use async_trait::async_trait;
use spillway_core::Timestamp;
use spillway_core::failure::{Failure, FailureClass};
use spillway_core::ids::{EventId, EventKey, EventSource, MessageId, ReplayId};
use spillway_core::message::{
    ACCEPTED, FIRST_SENT, GENERATION, MessageAttributes, ReceivedMessage, of_replay,
};
use spillway_core::ports::{
    ArchiveError, EventStore, PutOutcome, QueueError, ReplayReports, StoreError, StoreItem, StoredEvent,
};
use spillway_core::usecases::store::{BatchReport, Consumer};
use spillway_core::worker::Report as _;
use spillway_testkit::letters::{dead_letter, failure};
use spillway_testkit::{MemoryPipeline, State, now};
use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

fn consumer(pipeline: &Arc<MemoryPipeline>) -> Consumer {
    pipeline.ports(Default::default()).consumer(&pipeline.worker_ports(), "test".into())
}

fn store(pipeline: &Arc<MemoryPipeline>, batch: Vec<ReceivedMessage>) -> BatchReport {
    now(consumer(pipeline).store_batch(batch))
}

fn message(id: &str, event: &str) -> ReceivedMessage {
    let body = format!(r#"{{"specversion":"1.0","id":"{event}","source":"/s","type":"t"}}"#);
    ReceivedMessage {
        message_id: id.into(),
        receipt_handle: id.into(),
        body,
        attributes: MessageAttributes::new(),
        trace_header: None,
        sent_at: Timestamp::UNIX_EPOCH,
        receive_count: 1,
        failures: Vec::new(),
        redriven: false,
    }
}

fn outcomes(report: &BatchReport) -> Vec<&str> {
    report.records.iter().map(|record| record.outcome.name()).collect()
}

#[test]
fn an_unreadable_record_does_not_affect_the_others() {
    let pipeline = MemoryPipeline::new(|state| state.throttled = [EventKey::new("/s", "3")].into());
    let broken = ReceivedMessage { body: "not json".to_owned(), ..message("b", "2") };
    let report = store(&pipeline, vec![message("a", "1"), broken, message("c", "3")]);
    assert_eq!(outcomes(&report), ["stored", "dead_lettered", "retry"]);
    assert_eq!(report.failures(), ["c".into()]);
    let dead = pipeline.state().dead_lettered.clone();
    assert_eq!(dead[0].failures[0].class, FailureClass::Malformed);
    let deferred = pipeline.state().deferred.clone();
    assert_eq!((deferred.len(), deferred[0].failures[0].class), (1, FailureClass::StoreThrottled));
    assert!(deferred[0].delay <= Duration::from_secs(5));
}

#[test]
fn the_same_event_twice_in_a_batch_is_stored_once_and_both_are_settled() {
    let pipeline = MemoryPipeline::new(|_| {});
    let report = store(&pipeline, vec![message("a", "1"), message("b", "1")]);
    assert_eq!(outcomes(&report), ["stored", "already_stored"]);
    assert!(report.failures().is_empty());
}

#[test]
fn the_last_receive_goes_to_the_dlq_with_every_known_failure() {
    let pipeline = MemoryPipeline::new(|state| state.throttled = [EventKey::new("/s", "1")].into());
    let before = Failure::new(FailureClass::StoreUnavailable, "away", &"test".into(), Timestamp::UNIX_EPOCH);
    let last = ReceivedMessage { receive_count: 20, failures: vec![before], ..message("a", "1") };
    let report = store(&pipeline, vec![last]);
    assert_eq!(outcomes(&report), ["dead_lettered"]);
    assert!(report.failures().is_empty(), "it is in the DLQ, so the primary queue may delete it");
    let dead = pipeline.state().dead_lettered.clone();
    let classes: Vec<_> = dead[0].failures.iter().map(|failure| failure.class).collect();
    assert_eq!(classes, [FailureClass::StoreUnavailable, FailureClass::StoreThrottled]);
}

#[test]
fn a_record_that_the_dlq_does_not_accept_stays_in_the_queue() {
    let pipeline = MemoryPipeline::new(|state| state.dlq_is_down = true);
    let broken = ReceivedMessage { body: String::new(), ..message("a", "1") };
    let report = store(&pipeline, vec![broken]);
    assert_eq!(outcomes(&report), ["retry"]);
    assert_eq!(report.failures(), ["a".into()]);
    assert_eq!(report.records[0].queue_error, Some(QueueError::Throttled), "the log says why");
}

#[test]
fn a_record_that_the_dlq_did_not_confirm_is_counted_as_in_doubt() {
    let pipeline = MemoryPipeline::new(|state| state.dlq_is_down = true);
    let broken = ReceivedMessage { body: String::new(), ..message("a", "1") };
    let mut report =
        store(&pipeline, vec![broken.clone(), ReceivedMessage { message_id: "b".into(), ..broken }]);
    report.records[1].queue_error = Some(QueueError::InDoubt { reason: "the connection broke".to_owned() });
    let measured = report.measurements("consumer");
    let sum =
        |name: &str| measured.iter().filter(|one| one.metric.name == name).map(|one| one.value).sum::<f64>();
    assert_eq!((sum("RecordsRetried"), sum("RecordsInDoubt")), (2.0, 1.0));
}

#[test]
fn a_record_that_the_queue_does_not_defer_says_why() {
    let pipeline = MemoryPipeline::new(|state| state.throttled = [EventKey::new("/s", "1")].into());
    let report = store(&pipeline, vec![message("not in the queue", "1")]);
    assert_eq!(outcomes(&report), ["retry"]);
    let error = report.records[0].queue_error.as_ref().unwrap();
    assert!(matches!(error, QueueError::Rejected { reason } if reason.contains("receipt handle")), "{error}");
}

#[test]
fn a_replayed_record_is_settled_only_when_its_replay_has_recorded_it() {
    let replayed = replayed("a", "1", "r", "m");
    let with_replay = |state: &mut State| {
        let failure = failure(FailureClass::Schema, "bad", Timestamp::UNIX_EPOCH);
        state.dead_letters.push(dead_letter("m", "1", failure));
        state.start_replay(&"r".into(), &["m".into()], "ada", Timestamp::UNIX_EPOCH);
    };
    let pipeline = MemoryPipeline::new(|state| {
        with_replay(state);
        state.replay_log_is_down = true;
    });
    let report = store(&pipeline, vec![replayed.clone()]);
    assert_eq!(report.failures(), ["a".into()]);
    let pipeline = MemoryPipeline::new(with_replay);
    assert!(store(&pipeline, vec![replayed]).failures().is_empty());
    assert_eq!(pipeline.state().dead_letters[0].state.name(), "stored");
}

#[test]
fn a_replayed_event_counts_by_itself_and_not_in_the_latency() {
    let pipeline = MemoryPipeline::new(|state| {
        let failure = failure(FailureClass::Schema, "bad", Timestamp::UNIX_EPOCH);
        state.dead_letters.push(dead_letter("m", "1", failure));
        state.start_replay(&"r".into(), &["m".into()], "ada", Timestamp::UNIX_EPOCH);
        state.throttled = [EventKey::new("/s", "busy")].into();
    });
    let batch = vec![replayed("a", "1", "r", "m"), message("b", "2"), message("c", "busy")];
    let mut report = store(&pipeline, batch);
    report.ended_at = Timestamp::from_second(300).unwrap();
    let measured = report.measurements("consumer");
    let values = |name: &str| -> Vec<f64> {
        measured.iter().filter(|one| one.metric.name == name).map(|one| one.value).collect()
    };
    assert_eq!((values("RecordsStored"), values("RecordsReplayed")), (vec![2.0], vec![1.0]));
    assert_eq!(values("AcceptToStoredLatency"), [300_000.0], "only that of the other event");
    assert_eq!(values("OldestEventAge"), [300.0], "of the one that is retried");
}

/// A message that says that this replay put this dead letter back.
fn replayed(id: &str, event: &str, replay: &str, letter: &str) -> ReceivedMessage {
    let attributes = of_replay(
        &MessageAttributes::new(),
        &ReplayId::new(replay),
        &MessageId::new(letter),
        1,
        Timestamp::UNIX_EPOCH,
    );
    ReceivedMessage { attributes, ..message(id, event) }
}

#[test]
fn a_message_that_names_a_replay_that_never_took_its_letter_counts_as_what_it_is() {
    let pipeline = MemoryPipeline::new(|_| {});
    let mut odd = replayed("c", "3", "r", "m");
    odd.attributes.insert(GENERATION.to_owned(), "many".into());
    let mut late = message("d", "4");
    late.attributes.insert(FIRST_SENT.to_owned(), "2001-01-01T00:00:00Z".into());
    let batch = vec![replayed("a", "1", "r", "m"), replayed("b", "2", "r", "../../alarms/x"), odd, late];
    let report = store(&pipeline, batch);
    assert_eq!(outcomes(&report), ["stored"; 4]);
    for record in &report.records {
        let message = &record.message;
        assert_eq!((message.replay_id(), message.original_message_id()), (None, message.message_id.clone()));
        assert_eq!((message.first_sent_at(), message.is_foreign()), (Timestamp::UNIX_EPOCH, true));
    }
    let stored: Vec<_> = pipeline.state().stored.values().map(|event| event.message_id.clone()).collect();
    assert_eq!(stored, ["a", "b", "c", "d"].map(MessageId::from));
}

#[test]
fn messages_past_the_api_are_counted_when_they_are_stored() {
    let pipeline = MemoryPipeline::new(|state| state.throttled = [EventKey::new("/s", "busy")].into());
    let mut accepted = message("a", "1");
    accepted.attributes.insert(ACCEPTED.to_owned(), "1".into());
    let foreign = vec![accepted, message("b", "2"), message("c", "2"), message("d", "busy")];
    let measured = store(&pipeline, foreign).measurements("consumer");
    let values = |name: &str| -> Vec<f64> {
        measured.iter().filter(|one| one.metric.name == name).map(|one| one.value).collect()
    };
    assert_eq!((values("RecordsForeign"), values("RecordsStored")), (vec![2.0], vec![2.0]));
    assert_eq!(values("RecordsAlreadyStored"), [1.0]);
}

/// A store that takes the first event, and then is over its capacity.
#[derive(Default)]
struct Full(AtomicUsize);

#[async_trait]
impl EventStore for Full {
    async fn put_if_absent(&self, items: &[StoreItem]) -> Vec<Result<PutOutcome, StoreError>> {
        let is_first = self.0.fetch_add(1, SeqCst) == 0;
        let answer = if is_first { Ok(PutOutcome::Stored) } else { Err(StoreError::Throttled) };
        items.iter().map(|_| answer.clone()).collect()
    }

    async fn get(&self, _: &EventKey) -> Result<Option<StoredEvent>, StoreError> {
        Ok(None)
    }

    async fn sources(&self, _: &EventId) -> Result<Vec<EventSource>, StoreError> {
        Ok(Vec::new())
    }
}

#[test]
fn records_of_one_event_do_not_each_wait_for_a_store_that_refuses() {
    let pipeline = MemoryPipeline::new(|_| {});
    let (mut consumer, full) = (consumer(&pipeline), Arc::new(Full::default()));
    consumer.store = full.clone();
    let batch = (0..10).map(|number| message(&format!("m{number}"), "1")).collect();
    let report = now(consumer.store_batch(batch));
    assert_eq!(report.failures().len(), 9);
    assert_eq!(full.0.load(SeqCst), 2, "the first, and its twins");
}

/// A store that counts the calls to the real one.
struct Counting(Arc<MemoryPipeline>, AtomicUsize);

#[async_trait]
impl EventStore for Counting {
    async fn put_if_absent(&self, items: &[StoreItem]) -> Vec<Result<PutOutcome, StoreError>> {
        self.1.fetch_add(1, SeqCst);
        self.0.put_if_absent(items).await
    }

    async fn get(&self, key: &EventKey) -> Result<Option<StoredEvent>, StoreError> {
        EventStore::get(&*self.0, key).await
    }

    async fn sources(&self, id: &EventId) -> Result<Vec<EventSource>, StoreError> {
        self.0.sources(id).await
    }
}

#[test]
fn many_copies_of_some_events_take_two_calls_of_the_store() {
    let pipeline = MemoryPipeline::new(|_| {});
    let (mut consumer, store) =
        (consumer(&pipeline), Arc::new(Counting(pipeline.clone(), AtomicUsize::new(0))));
    consumer.store = store.clone();
    let batch = (0..1_000).map(|n| message(&format!("m{n}"), ["1", "2", "3"][n % 3])).collect();
    let report = now(consumer.store_batch(batch));
    let stored = outcomes(&report).iter().filter(|outcome| **outcome == "stored").count();
    assert_eq!((stored, report.failures().len()), (3, 0));
    assert_eq!(store.1.load(SeqCst), 2, "the first of each, and all others");
    assert_eq!(pipeline.state().duplicates, 997, "each is a promise of its own");
}

/// A store that gives no answers.
struct Silent;

#[async_trait]
impl EventStore for Silent {
    async fn put_if_absent(&self, _: &[StoreItem]) -> Vec<Result<PutOutcome, StoreError>> {
        Vec::new()
    }

    async fn get(&self, _: &EventKey) -> Result<Option<StoredEvent>, StoreError> {
        Ok(None)
    }

    async fn sources(&self, _: &EventId) -> Result<Vec<EventSource>, StoreError> {
        Ok(Vec::new())
    }
}

#[test]
fn an_event_without_an_answer_from_the_store_stays_in_the_queue() {
    let pipeline = MemoryPipeline::new(|_| {});
    let mut consumer = consumer(&pipeline);
    consumer.store = Arc::new(Silent);
    let report = now(consumer.store_batch(vec![message("a", "1"), message("b", "1"), message("c", "2")]));
    assert_eq!(report.failures(), ["a".into(), "b".into(), "c".into()]);
    assert_eq!(pipeline.state().deferred[0].failures[0].class, FailureClass::StoreUnavailable);
}

#[test]
fn the_same_message_twice_in_a_batch_has_an_answer_each_time() {
    let pipeline = MemoryPipeline::new(|_| {});
    assert_eq!(
        outcomes(&store(&pipeline, vec![message("a", "1"), message("a", "1")])),
        ["stored", "already_stored"]
    );
    let pipeline = MemoryPipeline::new(|state| state.throttled = [EventKey::new("/s", "1")].into());
    assert_eq!(outcomes(&store(&pipeline, vec![message("a", "1"), message("a", "1")])), ["retry", "retry"]);
}

#[test]
fn outcomes_are_one_value_a_batch_and_receives_one_a_record() {
    let pipeline = MemoryPipeline::new(|_| {});
    let report = store(&pipeline, vec![message("a", "1"), message("b", "2"), message("c", "1")]);
    let measured = report.measurements("consumer");
    let values = |name: &str| -> Vec<f64> {
        let of_it = measured.iter().filter(|one| one.metric.name == name);
        of_it.map(|one| one.value).collect()
    };
    assert_eq!((values("RecordsStored"), values("RecordsAlreadyStored")), (vec![2.0], vec![1.0]));
    assert_eq!((values("ReceiveCount"), values("BatchSize")), (vec![1.0; 3], vec![3.0]));
    assert!(values("RecordsRetried").is_empty());
}

/// A log of replays that counts concurrent calls.
#[derive(Default)]
struct Crowd {
    there: AtomicUsize,
    most: AtomicUsize,
}

#[async_trait]
impl ReplayReports for Crowd {
    async fn is_known(&self, _: &ReplayId, _: &MessageId) -> Result<bool, ArchiveError> {
        Ok(true)
    }

    async fn mark_stored(&self, _: &ReplayId, _: &MessageId) -> Result<(), ArchiveError> {
        let there = self.there.fetch_add(1, SeqCst) + 1;
        self.most.fetch_max(there, SeqCst);
        let mut waited = false;
        poll_fn(|context| {
            context.waker().wake_by_ref();
            if std::mem::replace(&mut waited, true) { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
        self.there.fetch_sub(1, SeqCst);
        Ok(())
    }
}

#[test]
fn replayed_records_report_together_and_not_all_at_once() {
    let one =
        |number: usize| replayed(&format!("m{number}"), &format!("e{number}"), "r", &format!("l{number}"));
    let crowd = Arc::new(Crowd::default());
    let pipeline = MemoryPipeline::new(|_| {});
    let mut consumer = consumer(&pipeline);
    consumer.replays = crowd.clone();
    let mut work = pin!(consumer.store_batch((0..100).map(one).collect()));
    let mut polls = (0..1_000).map(|_| work.as_mut().poll(&mut Context::from_waker(Waker::noop())));
    let report =
        polls.find_map(|poll| if let Poll::Ready(report) = poll { Some(report) } else { None }).unwrap();
    assert!(report.failures().is_empty());
    assert_eq!(crowd.most.load(SeqCst), 16);
}
