use super::*;
use serde_json::json;

/// As `terraform output -json topology` printed it after an apply of the root module on an emulator.
const RECORDED: &str = include_str!("../../tests/recorded/topology.json");

fn recorded() -> Value {
    serde_json::from_str(RECORDED).unwrap()
}

#[test]
fn what_terraform_prints_is_read() {
    let topology = Topology::parse(RECORDED).unwrap();
    assert_eq!((topology.name.as_str(), topology.region.as_str()), ("spillway", "eu-central-1"));
    assert_eq!(topology.release, None);
    assert_eq!(topology.queues.dlq.max_receive_count, None);
    assert_eq!(topology.functions.ingest.batch_size, None);
    assert_eq!((topology.dead_letter_index.shards, topology.archive.prefix.as_str()), (8, "dead-letters/"));
    assert_eq!(topology.table.capacity, None);
    let alarms = topology.alarms.unwrap();
    assert_eq!(alarms.names["queue-age-low"], "spillway-queue-age-low");
    assert_eq!(alarms.limits["functions.consumer.timeout_ms"], 3_000.0);
    assert!(alarms.business_hours.is_some());
}

#[test]
fn the_document_among_all_outputs_is_read_too() {
    let all = json!({
        "other": {"sensitive": false, "type": "string", "value": "x"},
        "topology": {"sensitive": false, "type": ["object", {}], "value": recorded()},
    });
    assert_eq!(Topology::parse(&all.to_string()), Topology::parse(RECORDED));
}

#[test]
fn the_event_store_of_an_earlier_release_is_its_table() {
    let mut earlier = recorded();
    earlier.as_object_mut().unwrap().remove("event_store");
    assert_eq!(Topology::parse(&earlier.to_string()).unwrap().event_store_location(), "spillway-events");
    earlier["event_store"] = "elsewhere".into();
    assert_eq!(Topology::parse(&earlier.to_string()).unwrap().event_store_location(), "elsewhere");
}

#[test]
fn members_of_later_versions_are_ignored() {
    let mut later = recorded();
    later["cells"] = json!({"a": 1});
    later["queues"]["primary"]["colour"] = "blue".into();
    assert_eq!(Topology::parse(&later.to_string()), Topology::parse(RECORDED));
}

#[test]
fn a_deployment_without_alarms_is_read_too() {
    let mut without = recorded();
    without.as_object_mut().unwrap().remove("alarms");
    assert_eq!(Topology::parse(&without.to_string()).unwrap().alarms, None);
}

#[test]
fn names_and_rules_are_those_of_the_deployment() {
    let topology = Topology::parse(RECORDED).unwrap();
    let names = topology.names();
    assert_eq!((&*names.stage, &*names.dead_letter_queue), ("v1", "spillway-events-dlq"));
    let settings = topology.settings();
    assert_eq!((settings.function_timeout_s, settings.visibility_timeout_s), (3, 18));
    assert_eq!((settings.retry.base_s, settings.retry.cap_s), (1, 2));
    assert_eq!(settings.write_capacity_units, f64::INFINITY);
    assert_eq!(topology.resources()["queues.primary"], "spillway-events");

    let mut provisioned = recorded();
    provisioned["table"]["capacity"] = json!({"read_min": 5, "write_min": 25, "write_max": 400});
    let provisioned = Topology::parse(&provisioned.to_string()).unwrap();
    assert_eq!(provisioned.settings().write_capacity_units, 400.0);
}

#[track_caller]
fn check(text: &str, problem: &str) {
    assert_eq!(Topology::parse(text).unwrap_err(), problem);
}

#[test]
fn a_document_that_does_not_fit_is_refused_with_the_reason() {
    check(" \n", "it is empty");
    check("[]", "it is not a JSON object");
    check("{}", "it has no \"version\"");
    check(r#"{"topology": {"sensitive": true}}"#, "its output \"topology\" has no value");
    assert!(
        Topology::parse("Warning: no outputs").unwrap_err().starts_with("it is not JSON (expected value")
    );

    let mut without = recorded();
    without.as_object_mut().unwrap().remove("queues");
    check(&without.to_string(), "it has no \"queues\"");

    let mut halved = recorded();
    halved["queues"]["dlq"].as_object_mut().unwrap().remove("url");
    check(&halved.to_string(), "its \"queues\" does not fit (missing field `url`)");

    let mut newer = recorded();
    newer["version"] = 2.into();
    check(
        &newer.to_string(),
        "its form has version 2, and this program reads version 1 (use the release that the deployment has)",
    );
}

#[test]
fn a_file_that_does_not_fit_gets_one_sentence_that_says_how_to_make_it() {
    let error = Topology::load(Path::new("/nowhere/topology.json")).unwrap_err().to_string();
    assert!(error.starts_with("can't read /nowhere/topology.json: No such file"), "{error}");
    assert!(
        error.ends_with("\"terraform output -json topology > topology.json\" in the folder that was applied")
    );
    let unfit = TopologyError::Unfit { path: "t.json".into(), problem: "it is empty".into() }.to_string();
    assert!(
        unfit.starts_with("t.json is not the topology of a deployment: it is empty; make it with"),
        "{unfit}"
    );
}
