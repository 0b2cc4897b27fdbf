//! What the generator promises about its events.

use spillway_core::Timestamp;
use spillway_core::event::Event;
use spillway_core::schema::SchemaSet;
use spillway_traffic::{Deployment, EVENT_TYPES, Generator, Sample, schema_files, schemas};
use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

fn start() -> Timestamp {
    "2026-03-02T08:00:00Z".parse().expect("a time")
}

fn samples(generator: &mut Generator, count: u64) -> Vec<Sample> {
    (0..count).map(|i| generator.event(start() + Duration::from_millis(i * 250))).collect()
}

fn read(sample: &Sample) -> Event {
    Event::from_structured(sample.body.as_bytes()).expect("a CloudEvent")
}

#[test]
fn every_good_event_conforms_to_its_schema() {
    let set = SchemaSet::compile(&schemas()).unwrap();
    for sample in samples(&mut Generator::new(7), 5_000) {
        let event = read(&sample);
        assert_eq!((&event.key.id, &event.key.source), (&sample.id, &sample.source));
        assert_eq!(event.event_type, sample.event_type);
        assert_eq!(set.check(&event), Ok(()), "{}", sample.body);
    }
}

#[test]
fn a_bad_deployment_breaks_each_order_at_its_amount_and_nothing_else() {
    let set = SchemaSet::compile(&schemas()).unwrap();
    let mut generator = Generator::new(7);
    generator.deploy(Deployment::AmountAsText);
    let mut orders = 0;
    for sample in samples(&mut generator, 2_000) {
        let verdict = set.check(&read(&sample));
        if sample.event_type.as_str() == "order.placed" {
            orders += 1;
            assert!(verdict.unwrap_err().message.starts_with("/amount: "));
            assert_eq!(read(&sample).data().unwrap()["schema_version"], 3);
        } else {
            assert_eq!(verdict, Ok(()));
        }
    }
    assert!(orders > 50);
    generator.deploy(Deployment::Good);
    let fixed = generator.event_of("order.placed", start()).unwrap();
    assert_eq!(set.check(&read(&fixed)), Ok(()));
}

#[test]
fn every_type_has_a_schema_and_every_file_is_one() {
    let schemas = schemas();
    assert!(EVENT_TYPES.iter().all(|(name, _)| schemas.contains_key(*name)));
    assert_eq!(schema_files().len(), schemas.len());
    let drafts: HashSet<_> = schemas.values().map(|schema| schema["$schema"].as_str().unwrap()).collect();
    assert_eq!(drafts.len(), 2, "draft 7 and 2020-12 are both in use");
    let set = SchemaSet::compile(&schemas).unwrap();
    let broken = r#"{"specversion":"1.0","id":"1","source":"/s","type":"user.signed_up",
        "data":{"customer_id":"C0000001","email":"nobody","locale":"de-DE"}}"#;
    let verdict = set.check(&Event::from_structured(broken.as_bytes()).unwrap());
    assert!(verdict.unwrap_err().message.starts_with("/email: "));
}

#[test]
fn the_same_seed_gives_the_same_events() {
    let first = samples(&mut Generator::new(42), 300);
    assert_eq!(first, samples(&mut Generator::new(42), 300));
    assert_ne!(first, samples(&mut Generator::new(43), 300));
}

#[test]
fn ids_are_distinct_and_sort_by_time() {
    let samples = samples(&mut Generator::new(1), 2_000);
    let ids: Vec<_> = samples.iter().map(|sample| sample.id.as_str()).collect();
    assert!(ids.is_sorted());
    assert_eq!(ids.iter().collect::<HashSet<_>>().len(), ids.len());
}

#[test]
fn sizes_and_the_mix_are_as_described() {
    let mut counts = BTreeMap::new();
    let mut sizes: Vec<usize> = samples(&mut Generator::new(3), 20_000)
        .iter()
        .inspect(|sample| *counts.entry(sample.event_type.as_str().to_owned()).or_insert(0_u32) += 1)
        .map(|sample| sample.body.len())
        .collect();
    for (name, weight) in EVENT_TYPES {
        let expected = f64::from(weight) * 200.0;
        assert!(
            (f64::from(counts[name]) - expected).abs() < 6.0 * expected.sqrt(),
            "{name}: {}",
            counts[name]
        );
    }
    sizes.sort_unstable();
    assert!(sizes[0] >= 200, "smallest {}", sizes[0]);
    assert!(sizes[sizes.len() * 99 / 100] <= 8 * 1024, "p99 {}", sizes[sizes.len() * 99 / 100]);
    let largest = sizes[sizes.len() - 1];
    assert!((30_000..200_000).contains(&largest), "largest {largest}");
}

#[test]
fn arrivals_and_gaps_have_the_requested_mean() {
    let mut generator = Generator::new(5);
    for mean in [0.3, 4.0, 900.0] {
        let sum: f64 = (0..4_000).map(|_| f64::from(generator.arrivals(mean))).sum();
        assert!(
            (sum / 4_000.0 - mean).abs() < 5.0 * (mean / 4_000.0_f64).sqrt(),
            "{mean}: {}",
            sum / 4_000.0
        );
    }
    assert_eq!(generator.arrivals(0.0), 0);
    let sum: f64 = (0..4_000).map(|_| generator.gap(20.0).as_secs_f64()).sum();
    assert!((sum / 4_000.0 - 0.05).abs() < 0.005);
    assert!(generator.gap(0.0) <= Duration::from_secs(3600));
}
