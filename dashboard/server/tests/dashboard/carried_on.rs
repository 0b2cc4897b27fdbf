//! Replays in AWS continue while a dashboard runs. The code uses only ports, so these tests use those of a pipeline on
//! this machine, without a runtime that would continue replays as well.

#![expect(clippy::unwrap_used, reason = "a test may end with a panic")]

use spillway_core::Timestamp;
use spillway_core::failure::FailureClass;
use spillway_core::ids::ReplayId;
use spillway_core::ports::Clock as _;
use spillway_core::usecases::replay::Replayer;
use spillway_dashboard_server::aws;
use spillway_embedded::simulate::in_virtual_time;
use spillway_embedded::{Options, Pipeline, VirtualClock};
use spillway_testkit::letters::{dead_letter, failure};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

async fn pipeline(folder: &Path, clock: VirtualClock) -> Pipeline {
    let options =
        Options { simulated_latency: Some(Duration::from_millis(5)), ..Options::at(Arc::new(clock)) };
    Pipeline::open(folder, options).await.unwrap()
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
        let letters: Vec<_> = (0..60)
            .map(|number| {
                let failure = failure(FailureClass::StoreUnavailable, "no answer", start);
                dead_letter(format!("m{number}").as_str(), &format!("e{number}"), failure)
            })
            .collect();
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
                clock.sleep(Duration::from_millis(6_200)).await;
            }
            assert_eq!(waiting(&replayer, &idle).await, 40, "one check does not detect movement");
            assert_eq!(waiting(&replayer, &moving).await, 17);
            clock.sleep(Duration::from_millis(700)).await;
            assert!(
                (1..40).contains(&waiting(&replayer, &idle).await),
                "40 messages at 50 a second take most of a second"
            );
            clock.sleep(Duration::from_secs(1)).await;
            assert_eq!(waiting(&replayer, &idle).await, 0);
            carrier.advance(&moving, 1).await.unwrap();
            clock.sleep(Duration::from_secs(12)).await;
            assert_eq!(waiting(&replayer, &moving).await, 16, "it moved between the checks");
        };
        tokio::select! {
            () = carried => unreachable!("it runs until it is dropped"),
            () = looks => {}
        }
    })
    .unwrap();
}
