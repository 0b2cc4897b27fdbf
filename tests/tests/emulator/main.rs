//! The system as Terraform deploys it, on an emulator of AWS.
//!
//! Applying the root module takes over a minute. So all journeys share one deployment and run one after another, with a
//! custom test runner. It supports the usual arguments (`-- NAME` runs some, `--list`). Each journey uses its own
//! events and ends when all of them are accounted for, so that no journey depends on another. Only the first and the
//! last have a fixed place.

mod accept;
mod apply;
mod chaos;
mod deliveries;
mod outage;
mod outsider;
mod pages;
mod poison;
mod support;
mod traces;

use libtest_mimic::{Arguments, Failed, Trial};
use spillway_tests::emulator::Deployment;
use spillway_tests::emulator::deployment::{Leftovers, RETRIES};
use spillway_tests::programs::programs;
use std::pin::Pin;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::runtime::Runtime;

type Journey = for<'a> fn(&'a Deployment) -> Pin<Box<dyn Future<Output = ()> + 'a>>;

/// Lists each function once, for the runner.
macro_rules! journeys {
    ($($journey:path),* $(,)?) => { [$((stringify!($journey), (|at| Box::pin($journey(at))) as Journey)),*] };
}

const JOURNEYS: &[(&str, Journey)] = &journeys![
    apply::a_second_plan_changes_nothing,
    accept::events_are_stored_as_they_were_sent_in_every_mode,
    accept::a_request_that_cannot_be_accepted_gets_a_reason,
    deliveries::the_same_source_and_id_is_one_event,
    deliveries::a_write_with_a_lost_answer_is_not_repeated,
    deliveries::rejected_entries_of_a_batch_are_sent_again,
    deliveries::no_event_is_promised_while_the_queue_refuses,
    deliveries::a_consumer_killed_within_a_batch_loses_no_event,
    traces::an_event_is_one_trace_from_the_api_to_the_table_and_so_is_its_replay,
    outage::events_that_cannot_be_stored_are_archived_and_replayed,
    outage::an_index_that_fails_is_repaired_later,
    outsider::letters_of_a_purged_replay_are_released_and_replayed_again,
    outsider::a_letter_whose_event_is_stored_or_gone_elsewhere_is_found_and_replayed,
    outsider::a_letter_whose_object_was_deleted_is_named_and_restored,
    outsider::messages_past_the_api_are_counted_by_themselves_and_hide_no_loss,
    outsider::ten_attributes_with_their_types_survive_the_dlq_and_a_replay,
    outsider::forged_attributes_are_not_believed,
    pages::an_open_page_costs_few_calls_for_one_viewer_and_for_many,
    chaos::ten_thousand_events_through_failing_services_are_all_stored_or_archived,
    poison::invalid_records_are_dead_lettered_with_their_reason_and_affect_no_other,
];

/// The deployment, which is created when a journey first needs it.
#[derive(Default)]
enum Stage {
    #[default]
    Before,
    Up(Arc<Deployment>),
    /// Creating it failed, or it was destroyed.
    Gone,
}

struct Theatre {
    runtime: Runtime,
    stage: Mutex<Stage>,
}

impl Theatre {
    fn open() -> Arc<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
        let theatre = Arc::new(Self { runtime, stage: Mutex::default() });
        let ours = Arc::downgrade(&theatre);
        // The emulator runs in a separate process group, which Ctrl-C on the keyboard does not reach.
        theatre.runtime.spawn(async move {
            if tokio::signal::ctrl_c().await.is_ok() {
                if let Some(deployment) = ours.upgrade().and_then(|theatre| theatre.deployment_if_up()) {
                    deployment.abandon();
                }
                std::process::exit(130);
            }
        });
        theatre
    }

    fn stage(&self) -> std::sync::MutexGuard<'_, Stage> {
        self.stage.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn deployment_if_up(&self) -> Option<Arc<Deployment>> {
        match &*self.stage() {
            Stage::Up(deployment) => Some(Arc::clone(deployment)),
            Stage::Before | Stage::Gone => None,
        }
    }

    fn deployment(&self) -> Result<Arc<Deployment>, Failed> {
        let mut stage = self.stage();
        if matches!(*stage, Stage::Before) {
            // If this panics, the other journeys do not try again.
            *stage = Stage::Gone;
            *stage = Stage::Up(Arc::new(self.runtime.block_on(Deployment::apply())));
        }
        match &*stage {
            Stage::Up(deployment) => Ok(Arc::clone(deployment)),
            Stage::Before | Stage::Gone => Err("there is no deployment".into()),
        }
    }

    fn play(&self, journey: Journey) -> Result<(), Failed> {
        let deployment = self.deployment()?;
        deployment.proxy.clear();
        let played = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            self.runtime.block_on(journey(&deployment));
        }));
        played.map_err(|_| Failed::from(format!("the emulator's last output:\n{}", deployment.log())))
    }

    /// Destroys the deployment after the last journey.
    fn close(&self) -> Result<(), Failed> {
        let Stage::Up(deployment) = std::mem::replace(&mut *self.stage(), Stage::Gone) else {
            return Err("there is no deployment".into());
        };
        let deployment = Arc::into_inner(deployment).ok_or("a journey is running")?;
        deployment.proxy.clear();
        let left = self.runtime.block_on(deployment.destroy());
        if left == Leftovers::default() { Ok(()) } else { Err(format!("{left:#?}").into()) }
    }
}

fn main() -> ExitCode {
    let arguments = Arguments { test_threads: Some(1), ..Arguments::from_args() };
    let theatre = Theatre::open();
    let mut trials: Vec<_> = JOURNEYS
        .iter()
        .map(|(name, journey)| {
            let theatre = Arc::clone(&theatre);
            Trial::test(*name, move || theatre.play(*journey))
        })
        .collect();
    let last = Arc::clone(&theatre);
    trials.push(Trial::test("apply::destroy_leaves_nothing_behind", move || last.close()));
    if !programs().emulator.is_file() {
        // A plain `cargo test` of this package has neither an emulator nor the functions.
        trials = trials.into_iter().map(|trial| trial.with_ignored_flag(true)).collect();
    }
    libtest_mimic::run(&arguments, trials).exit_code()
}
