//! `schemas`.

use crate::answer::ExitStatus;
use crate::testing::{FakePipeline, run};

fn pipeline() -> std::sync::Arc<FakePipeline> {
    FakePipeline::new(|state| drop(state.schemas.insert("order.placed".to_owned(), true.into())))
}

#[tokio::test]
async fn the_schemas_of_a_pipeline_are_checked_and_listed() {
    let checked = run("schemas check", &pipeline()).await;
    assert_eq!((checked.status, checked.out.as_str()), (ExitStatus::Ok, "1 schema, and all can be used\n"));
    assert_eq!(run("schemas list", &pipeline()).await.out, "order.placed\n");
    assert_eq!(run("schemas list -o tsv", &pipeline()).await.out, "type\norder.placed\n");
    let json = run("schemas list --json", &pipeline()).await.json();
    assert_eq!(json, serde_json::json!({"types": ["order.placed"], "problems": []}));
}

#[tokio::test]
async fn each_file_of_a_folder_that_cannot_be_used_is_named() {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in [("good", "{}"), ("bad", "{"), ("worse", "{\"type\":\"nonsense\"}")] {
        std::fs::write(folder.path().join(format!("{name}.json")), text).unwrap();
    }
    let line = format!("schemas check {}", folder.path().display());
    let checked = run(&line, &pipeline()).await;
    assert_eq!(checked.status, ExitStatus::No);
    assert!(checked.out.starts_with("2 files can't be used; 1 schema in use\n"), "{checked}");
    assert!(checked.out.contains("bad.json") && checked.out.contains("worse.json"), "{checked}");
    let json = run(&format!("{line} --json"), &pipeline()).await.json();
    assert_eq!((&json["types"][0], json["problems"].as_array().unwrap().len()), (&"good".into(), 2));
    let missing = run("schemas check no-such-folder", &pipeline()).await;
    assert_eq!(missing.status, ExitStatus::Usage, "the command line names it");
}
