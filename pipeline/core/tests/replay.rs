//! How a replay goes on where the queue takes some messages and others never.

#![expect(clippy::unwrap_used, reason = "test code")]

use async_trait::async_trait;
use spillway_core::Timestamp;
use spillway_core::dead_letter::{DeadLetter, Page};
use spillway_core::failure::{Failure, FailureClass};
use spillway_core::ids::{MessageId, ReplayId};
use spillway_core::message::{MessageAttributes, OutgoingMessage};
use spillway_core::ports::{ArchiveError, AuditEntry, EventQueue, OpsLog, QueueError, Replays};
use spillway_core::replay::{Replay, ReplayItem};
use spillway_core::testkit::ManualClock;
use spillway_core::usecases::replay::{Carried, Carrier, End, Scope};
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

/// A replay with its messages, a queue that judges them by their bodies, and an audit log.
#[derive(Default)]
struct Place {
    waiting: Mutex<Vec<&'static str>>,
    sent: Mutex<Vec<String>>,
    returned: Mutex<Vec<String>>,
    trouble: Mutex<Option<String>>,
    told: Mutex<Vec<AuditEntry>>,
}

fn letter(body: &str) -> DeadLetter {
    let at = Timestamp::UNIX_EPOCH;
    let failure = Failure::new(FailureClass::Schema, "bad", &"test".into(), at);
    DeadLetter {
        id: body.into(),
        key: None,
        event_type: None,
        body: body.to_owned(),
        attributes: MessageAttributes::new(),
        trace_header: None,
        first_sent_at: at,
        archived_at: at,
        receive_count: 1,
        generation: 0,
        fingerprint: failure.fingerprint(None),
        failures: vec![failure],
        state: spillway_core::dead_letter::DeadLetterState::Archived,
        replays: Vec::new(),
    }
}

#[async_trait]
impl EventQueue for Place {
    async fn send(&self, messages: &[OutgoingMessage]) -> Vec<Result<MessageId, QueueError>> {
        let judge = |message: &OutgoingMessage| match message.body.as_str() {
            "odd" => Err(QueueError::Rejected { reason: "odd".to_owned() }),
            "large" => Err(QueueError::TooLarge { bytes: 9, limit: 8 }),
            "late" => Err(QueueError::Throttled),
            _ => Ok(MessageId::random()),
        };
        messages.iter().map(judge).collect()
    }
}

#[async_trait]
impl OpsLog for Place {
    async fn append(&self, entries: &[AuditEntry]) -> Result<(), ArchiveError> {
        self.told.lock().unwrap().extend_from_slice(entries);
        Ok(())
    }

    async fn entries(&self, _: Option<&str>, _: usize) -> Result<Vec<AuditEntry>, ArchiveError> {
        Ok(self.told.lock().unwrap().clone())
    }
}

#[async_trait]
impl Replays for Place {
    async fn waiting(&self, _: &ReplayId, limit: usize) -> Result<Vec<DeadLetter>, ArchiveError> {
        Ok(self.waiting.lock().unwrap().iter().take(limit).map(|body| letter(body)).collect())
    }

    async fn mark_sent(&self, _: &ReplayId, ids: &[MessageId]) -> Result<(), ArchiveError> {
        self.waiting.lock().unwrap().retain(|body| !ids.contains(&(*body).into()));
        self.sent.lock().unwrap().extend(ids.iter().map(ToString::to_string));
        Ok(())
    }

    async fn mark_returned(&self, _: &ReplayId, id: &MessageId) -> Result<(), ArchiveError> {
        self.waiting.lock().unwrap().retain(|body| *body != id.as_str());
        self.returned.lock().unwrap().push(id.to_string());
        Ok(())
    }

    async fn set_trouble(&self, _: &ReplayId, trouble: Option<&str>) -> Result<(), ArchiveError> {
        *self.trouble.lock().unwrap() = trouble.map(str::to_owned);
        Ok(())
    }

    async fn create(&self, _: &ReplayId, _: &[MessageId], _: &str) -> Result<u64, ArchiveError> {
        unreachable!("the replay is there")
    }

    async fn get(&self, _: &ReplayId) -> Result<Option<Replay>, ArchiveError> {
        unreachable!("nobody looks at it")
    }

    async fn list(&self, _: usize) -> Result<Vec<Replay>, ArchiveError> {
        unreachable!("nobody looks at it")
    }

    async fn unfinished(&self) -> Result<Vec<ReplayId>, ArchiveError> {
        unreachable!("nobody looks at it")
    }

    async fn items(&self, _: &ReplayId, _: Option<&str>, _: usize) -> Result<Page<ReplayItem>, ArchiveError> {
        unreachable!("nobody looks at it")
    }
}

/// Runs a future that never has to wait.
fn now<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("nothing in these tests waits"),
    }
}

fn carrier(place: &Arc<Place>) -> Carrier {
    Carrier {
        replays: place.clone(),
        queue: place.clone(),
        ops: place.clone(),
        clock: Arc::new(ManualClock::at(Timestamp::UNIX_EPOCH)),
    }
}

/// Carries the replay on by up to two messages.
fn advance(place: &Arc<Place>) -> usize {
    now(carrier(place).advance(&ReplayId::new("r"), 2)).unwrap().sent
}

#[test]
fn what_the_queue_never_takes_is_archived_again_with_the_reason_and_the_others_go_on() {
    let place =
        Arc::new(Place { waiting: Mutex::new(vec!["odd", "large", "a", "late"]), ..Place::default() });
    assert_eq!(advance(&place), 0);
    assert_eq!(*place.returned.lock().unwrap(), ["odd", "large"]);
    assert_eq!(*place.trouble.lock().unwrap(), None, "they are no trouble of the replay's");
    let told: Vec<_> = place
        .told
        .lock()
        .unwrap()
        .iter()
        .map(|entry| (entry.subject.clone(), entry.detail.clone()))
        .collect();
    assert_eq!(told[0].0, "odd");
    assert!(told[0].1.ends_with("the queue does not take this message: odd"), "{told:?}");
    assert_eq!(advance(&place), 1);
    assert_eq!(
        (&*place.sent.lock().unwrap(), &*place.waiting.lock().unwrap()),
        (&vec!["a".to_owned()], &vec!["late"])
    );
    assert_eq!(place.trouble.lock().unwrap().as_deref(), Some("the queue is over its rate"));
}

#[test]
fn carrying_on_ends_when_nothing_moves_and_says_why() {
    let place = Arc::new(Place { waiting: Mutex::new(vec!["a", "odd", "b", "late"]), ..Place::default() });
    let carrier = carrier(&place);
    let mut progress = 0;
    let carried = now(carrier.carry_on(Scope::One(&"r".into()), 50.0, None, &mut |sent| progress += sent));
    let end = End::Blocked("the queue is over its rate".to_owned());
    assert_eq!(carried.unwrap(), Carried { sent: 2, returned: 1, end });
    assert_eq!((progress, carrier.clock.now().as_millisecond()), (2, 40), "two messages at 50 a second");
    place.waiting.lock().unwrap().clear();
    let carried = now(carrier.carry_on(Scope::One(&"r".into()), 50.0, None, &mut |_| {})).unwrap();
    assert_eq!(carried, Carried { sent: 0, returned: 0, end: End::Done });
}
