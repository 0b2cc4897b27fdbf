//! `load --verify`.

use super::assert_output;
use crate::answer::ExitStatus;
use crate::testing::{FakePipeline, location, run};
use spillway_core::ledger::Place;
use std::sync::Arc;

fn pipeline() -> Arc<FakePipeline> {
    FakePipeline::new(|state| {
        for (number, place) in
            [Place::Stored, Place::Stored, Place::Archived, Place::InFlight].into_iter().enumerate()
        {
            state.locations.push(location(&format!("e{number}"), "/s", place));
        }
    })
}

#[tokio::test]
async fn verify_counts_ids_by_place() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "e0\ne1\ne2\ne3\ne1\n").unwrap();
    let output = run(&format!("load --verify {}", file.path().display()), &pipeline()).await;
    assert_eq!(output.status, ExitStatus::Ok);
    assert_output!(output);
    let json = run(&format!("load --verify {} --json", file.path().display()), &pipeline()).await.json();
    insta::assert_json_snapshot!(json);
}

#[tokio::test]
async fn one_missing_id_fails_the_verification() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "e0\nlost\n").unwrap();
    let output = run(&format!("load --verify {}", file.path().display()), &pipeline()).await;
    assert_eq!(output.status, ExitStatus::No);
    assert_output!(output);
}

#[tokio::test]
async fn a_missing_file_is_named() {
    let output = run("load --verify no-such-file", &pipeline()).await;
    assert_eq!(output.status, ExitStatus::Usage, "the command line names it");
    assert!(output.err.starts_with("error: cannot read no-such-file: No such file"), "{output}");
}
