//! `incidents`.

use crate::answer::ExitStatus;
use crate::arguments::Arguments;
use crate::testing::{FakePipeline, run};
use clap::Parser as _;
use spillway_dashboard_model::incidents::Incident;
use std::sync::Arc;

const ACTIVE: &str = r#"{"id":"20260302-1350","began":"2026-03-02T13:50:00Z","active_since":"2026-03-02T13:50:00Z",
    "ended":null,"cause":"table-system-errors",
    "notices":[{"at":"2026-03-02T13:55:00Z","news":"escalated","tier":"high","rule":"table-system-errors-high","outcome":"sent"}],
    "members":[
    {"rule":"table-system-errors-high","family":"table-system-errors","tier":"high","from":"2026-03-02T13:55:00Z","until":null,"firings":1,"reason":"5 of 5"},
    {"rule":"records-retried-low","family":"records-retried","tier":"low","from":"2026-03-02T13:51:00Z","until":"2026-03-02T13:58:00Z","firings":1,"reason":"1 of 1"}]}"#;

/// One that is active and one that is over.
fn pipeline() -> Arc<FakePipeline> {
    let read = |text: &str| serde_json::from_str::<Incident>(text).unwrap();
    let over = ACTIVE
        .replace("20260302-1350", "20260301-0800")
        .replace("\"ended\":null", "\"ended\":\"2026-03-02T14:00:00Z\"");
    FakePipeline::new(|state| state.machine.incidents = vec![read(ACTIVE), read(&over)])
}

#[tokio::test]
async fn incidents_are_listed_and_one_is_shown() {
    let pipeline = pipeline();
    let output = run("incidents list", &pipeline).await;
    assert_eq!(output.status, ExitStatus::Ok, "{output}");
    assert!(output.out.contains("20260302-1350") && output.out.contains("table-system-errors"), "{output}");
    let active = run("incidents list --active --json", &pipeline).await.json();
    assert_eq!(active["incidents"].as_array().unwrap().len(), 1);
    assert_eq!(
        (&active["incidents"][0]["tier"], &active["incidents"][0]["taken_by"]),
        (&"high".into(), &serde_json::Value::Null)
    );
    let tsv = run("incidents list -o tsv", &pipeline).await;
    assert!(tsv.out.starts_with("id\tstate\ttier\tcause\tbegan\t") && tsv.out.lines().count() == 3, "{tsv}");
    let shown = run("incidents show 20260302-1350", &pipeline).await;
    for text in [
        "Not taken yet",
        "root cause",
        "symptom",
        "sent to the log: table-system-errors-high: escalated to high",
    ] {
        assert!(shown.out.contains(text), "{text}: {shown}");
    }
    let unknown = run("incidents show 20200101-0000", &pipeline).await;
    assert_eq!(unknown.status, ExitStatus::NotFound, "{unknown}");
    let none = run("incidents list", &FakePipeline::new(|_| {})).await;
    assert_eq!((none.status, none.out.as_str()), (ExitStatus::Ok, "No incident\n"));
}

#[tokio::test]
async fn an_incident_is_taken_noted_and_muted_by_somebody_and_each_can_be_undone() {
    let pipeline = pipeline();
    let taken =
        async || run("incidents show 20260302-1350 --json", &pipeline).await.json()["incident"].clone();
    let output = run("incidents ack 20260302-1350 --by ada", &pipeline).await;
    assert_eq!(
        (output.status, output.out.as_str()),
        (ExitStatus::Ok, "ada has 20260302-1350 (table-system-errors) until it clears\n")
    );
    assert_eq!(taken().await["taken_by"], "ada");
    run("incidents note 20260302-1350 restarted --by ben", &pipeline).await;
    let output = run("incidents mute 20260302-1350 --for 2h --reason release --by ada", &pipeline).await;
    assert!(output.out.contains("is muted for a time"), "{output}");
    let response = taken().await["response"].clone();
    assert_eq!(
        (&response["notes"][0]["by"], &response["muted"]["until"]),
        (&"ben".into(), &"2026-03-02T16:02:11Z".into())
    );
    let at = response["notes"][0]["at"].as_str().unwrap().to_owned();
    for undo in
        ["ack 20260302-1350 --undo", "unmute 20260302-1350", &format!("note 20260302-1350 --remove {at}")]
    {
        let line = format!("incidents {undo} --by ada");
        assert_eq!(run(&line, &pipeline).await.status, ExitStatus::Ok, "{line}");
        assert_eq!(run(&line, &pipeline).await.status, ExitStatus::No, "{line}: nothing to undo");
    }
    let actions: Vec<_> =
        pipeline.state().audit.iter().map(|entry| (entry.action.clone(), entry.by.clone())).collect();
    assert_eq!(actions.len(), 6, "each that was done, and none that was refused: {actions:?}");
    assert_eq!(actions[1], ("incident note".to_owned(), "ben".to_owned()));
}

#[tokio::test]
async fn no_mute_is_for_ever_and_none_is_of_what_is_over() {
    let pipeline = pipeline();
    for line in ["", " --for 2h --until-clear", " --for 2h --planned"] {
        let line = format!("spillway incidents mute 20260302-1350{line}");
        assert!(Arguments::try_parse_from(line.split(' ')).is_err(), "{line}");
    }
    let output = run("incidents mute 20260302-1350 --for 8d", &pipeline).await;
    assert_eq!(output.status, ExitStatus::Usage, "{output}");
    for line in ["incidents ack 20260301-0800", "incidents mute 20260301-0800 --until-clear"] {
        let output = run(line, &pipeline).await;
        assert_eq!(output.status, ExitStatus::No, "{output}");
        assert!(output.err.contains("is over"), "{output}");
    }
    assert!(pipeline.state().audit.is_empty());
}
