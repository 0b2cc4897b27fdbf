//! What explains a dead letter: where its group comes from, what a list shows of its body, and a good event.

use super::EmptyPipeline;
use crate::letters::{at, letter, put, store_item};
use serde_json::json;
use spillway_core::dead_letter::{DeadLetter, DeadLetterFilter};
use spillway_core::failure::FailureClass::Schema;
use spillway_core::ids::EventKey;

suite! { $ explain:
    a_group_is_counted_by_source_version_and_hour,
    only_the_newest_are_counted,
    a_list_shows_the_failing_value_and_the_subject_of_each_letter,
    a_good_event_of_a_type_is_found_and_none_of_another,
    a_schema_has_a_version_and_a_time,
}

/// A letter from a source in that second, with a subject and an amount that is a text.
fn from(source: &str, second: i64) -> DeadLetter {
    let body = json!({"specversion": "1.0", "id": format!("event-{second}"), "source": source, "type": "order.placed",
        "subject": format!("order {second}"), "dataschema": "https://shop.example/order/3",
        "data": {"amount": format!("{second}.00")}});
    DeadLetter {
        key: Some(EventKey::new(source, format!("event-{second}"))),
        body: body.to_string(),
        ..letter(second, "order.placed", Schema, "/amount: value is not of type \"number\"")
    }
}

fn of_group(letter: &DeadLetter) -> DeadLetterFilter {
    DeadLetterFilter { fingerprint: Some(letter.fingerprint.clone()), ..DeadLetterFilter::default() }
}

async fn a_group_is_counted_by_source_version_and_hour(pipeline: &EmptyPipeline) {
    let mut letters: Vec<_> =
        (0..6).map(|n| from(if n < 5 { "/checkout" } else { "/app" }, n * 1_800)).collect();
    letters.push(letter(9, "another", Schema, "/other: why"));
    put(&*pipeline.workers.sink, &letters).await;
    let spread = pipeline.archive.spread(&of_group(&letters[0]), 100).await.unwrap();
    assert_eq!((spread.total, spread.counted), (6, 6));
    let sources: Vec<_> =
        spread.sources.top.iter().map(|share| (share.value.as_str(), share.count)).collect();
    assert_eq!(sources, [("/checkout", 5), ("/app", 1)]);
    assert_eq!(spread.only(&spread.data_schemas).as_deref(), Some("https://shop.example/order/3"));
    assert_eq!(spread.only(&spread.versions).as_deref(), Some("v1"));
    let hours: Vec<_> = spread.hours.iter().map(|hour| (hour.at, hour.count)).collect();
    let begin = |hour: i64| at(0).as_second().div_euclid(3_600) * 3_600 + hour * 3_600;
    let expected: Vec<_> =
        (0..3).map(|hour| (spillway_core::Timestamp::from_second(begin(hour)).unwrap(), 2)).collect();
    assert_eq!(hours, expected, "at(0) is the beginning of an hour");
}

async fn only_the_newest_are_counted(pipeline: &EmptyPipeline) {
    let letters: Vec<_> = (0..9).map(|n| from(if n < 6 { "/old" } else { "/new" }, n)).collect();
    put(&*pipeline.workers.sink, &letters).await;
    let spread = pipeline.archive.spread(&of_group(&letters[0]), 3).await.unwrap();
    assert_eq!((spread.total, spread.counted), (9, 3));
    assert_eq!(spread.only(&spread.sources).as_deref(), Some("/new"));
    let none = pipeline.archive.spread(&of_group(&letter(1, "x", Schema, "y")), 3).await.unwrap();
    assert_eq!((none.total, none.counted, none.hours.len()), (0, 0, 0));
}

async fn a_list_shows_the_failing_value_and_the_subject_of_each_letter(pipeline: &EmptyPipeline) {
    put(&*pipeline.workers.sink, &[from("/checkout", 1), from("/checkout", 2)]).await;
    let page = pipeline.archive.list_brief(&DeadLetterFilter::default(), None, 10).await.unwrap();
    let shown: Vec<_> = page.items.iter().map(DeadLetter::glance).collect();
    for (glance, second) in shown.iter().zip([2, 1]) {
        assert_eq!(glance.subject, Some(format!("order {second}")));
        assert_eq!(glance.place.as_deref(), Some("/data/amount"));
        assert_eq!(glance.value, Some(format!("\"{second}.00\"")));
    }
}

async fn a_good_event_of_a_type_is_found_and_none_of_another(pipeline: &EmptyPipeline) {
    let items = [store_item("good", "m", r#"{"data":{"amount":1}}"#)];
    assert!(pipeline.store.put_if_absent(&items).await[0].is_ok());
    let found = pipeline.stored.example(&"order.placed".into()).await.unwrap().unwrap();
    assert_eq!((found.key.id.as_str(), found.body.as_str()), ("good", r#"{"data":{"amount":1}}"#));
    assert_eq!(pipeline.stored.example(&"another".into()).await.unwrap(), None);
}

async fn a_schema_has_a_version_and_a_time(pipeline: &EmptyPipeline) {
    let schemas =
        (pipeline.schemas_of)([("order.placed".to_owned(), json!({"type": "object"}))].into()).await;
    let set = schemas.current().await;
    // The memory adapter keeps no texts.
    if let Some(source) = set.sources().get("order.placed") {
        assert_eq!((source.file.as_str(), source.version.as_str()), ("order.placed.json", "a2c799262a3c"));
        assert!(source.changed_at.is_some() && !source.is_shared);
    }
}
