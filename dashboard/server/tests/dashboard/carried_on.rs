//! Replays in AWS continue while a dashboard runs. The code uses only ports, so these tests use those of a pipeline on
//! this machine, without a runtime that would continue replays as well.

#![expect(clippy::unwrap_used, reason = "a test may end with a panic")]

use spillway_core::Timestamp;
use spillway_core::dead_letter::{DeadLetter, DeadLetterState};
use spillway_core::failure::{Failure, FailureClass};
use spillway_core::ids::{EventKey, EventType, MessageId, ReplayId};
use spillway_core::message::MessageAttributes;
use spillway_core::names::Names;
use spillway_core::ports::Clock as _;
use spillway_core::schema::{FixedSchemas, SchemaSet};
use spillway_core::settings::PipelineSettings;
use spillway_core::usecases::replay::Replayer;
use spillway_dashboard_server::aws;
use spillway_embedded::simulate::in_virtual_time;
use spillway_embedded::{Options, Pipeline, VirtualClock};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

async fn pipeline(folder: &Path, clock: VirtualClock) -> Pipeline {
    let options = Options {
        settings: PipelineSettings::default(),
        names: Names::default(),
        schemas: Arc::new(FixedSchemas(Arc::new(SchemaSet::default()))),
        clock: Arc::new(clock),
        simulated_latency: Some(Duration::from_millis(5)),
    };
    Pipeline::open(folder, options).await.unwrap()
}

fn letter(number: u32, at: Timestamp) -> DeadLetter {
    let event_type = EventType::new("order.placed");
    let failure = Failure::new(FailureClass::StoreUnavailable, "no answer", &"v1".into(), at);
    DeadLetter {
        id: MessageId::new(format!("m{number}")),
        key: Some(EventKey::new("/shop", format!("e{number}"))),
        fingerprint: failure.fingerprint(Some(&event_type)),
        event_type: Some(event_type),
        body: format!(r#"{{"specversion":"1.0","id":"e{number}","source":"/shop","type":"order.placed"}}"#),
        attributes: MessageAttributes::new(),
        trace_header: None,
        first_sent_at: at,
        archived_at: at,
        receive_count: 20,
        generation: 0,
        failures: vec![failure],
        state: DeadLetterState::Archived,
        replays: Vec::new(),
    }
}

async fn waiting(replayer: &Replayer, replay: &ReplayId) -> u64 {
    replayer.replays.get(replay).await.unwrap().unwrap().waiting
}

#[test]
fn a_replay_without_a_worker_continues_at_its_rate_and_others_do_not_change() {
    let folder = tempfile::tempdir().unwrap();
    let start: Timestamp = "2026-03-02T00:00:00Z".parse().unwrap();
    in_virtual_time(start, async |clock| {
        let pipeline = pipeline(folder.path(), clock).await;
        let letters: Vec<_> = (0..60).map(|number| letter(number, start)).collect();
        for answer in pipeline.workers.sink.put(&letters).await {
            answer.unwrap();
        }
        let ids: Vec<_> = letters.into_iter().map(|letter| letter.id).collect();
        let (replayer, carrier) = (pipeline.ports.replayer(), pipeline.ports.carrier());
        let idle = replayer.start(&ids[..40], "anna").await.unwrap().id;

        let carried = aws::carry_on(&carrier, 50.0);
        let looks = async {
            // Another program continues this replay, very slowly.
            clock.sleep(Duration::from_secs(1)).await;
            let moving = replayer.start(&ids[40..], "ben").await.unwrap().id;
            for _ in 0..3 {
                carrier.advance(&moving, 1).await.unwrap();
                clock.sleep(Duration::from_millis(2_900)).await;
            }
            assert_eq!(waiting(&replayer, &idle).await, 40, "one check does not detect movement");
            assert_eq!(waiting(&replayer, &moving).await, 17);
            clock.sleep(Duration::from_millis(600)).await;
            assert!(
                (1..40).contains(&waiting(&replayer, &idle).await),
                "40 messages at 50 a second take most of a second"
            );
            clock.sleep(Duration::from_secs(1)).await;
            assert_eq!(waiting(&replayer, &idle).await, 0);
            carrier.advance(&moving, 1).await.unwrap();
            clock.sleep(Duration::from_secs(6)).await;
            assert_eq!(waiting(&replayer, &moving).await, 16, "it moved between the checks");
        };
        tokio::select! {
            () = carried => unreachable!("it runs until it is dropped"),
            () = looks => {}
        }
    })
    .unwrap();
}
