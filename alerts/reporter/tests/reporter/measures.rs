//! The budget and the time to loss, which no service measures.

use crate::support::{Fake, ask, at};
use serde_json::{Value, json};
use spillway_alerts_reporter::{Answer, RunError};
use spillway_dashboard_aws::budgets::Budget;

const NOW: &str = "2026-03-03T08:00:00Z";
const DAY: i64 = 86_400;

fn lines(fake: &Fake) -> Vec<Value> {
    fake.with(|world| world.lines.iter().map(|line| serde_json::from_str(line).unwrap()).collect())
}

#[tokio::test]
async fn the_budget_becomes_a_metric_and_what_is_unknown_is_left_out() {
    let fake = Fake::default();
    fake.with(|world| world.budget = Some(Budget { limit_usd: 50.0, actual_usd: 20.0, forecast_usd: None }));
    let answer = ask(&fake.function(NOW, true), r#"{"task":"budget"}"#).await.unwrap();
    assert_eq!(answer, Answer::Budget { actual: Some(40.0), forecast: None });
    let lines = lines(&fake);
    assert_eq!((&lines[0]["BudgetActualPercent"], &lines[0]["BudgetName"]), (&json!(40), &json!("shop")));
    assert_eq!(lines[0]["_aws"]["CloudWatchMetrics"][0]["Namespace"], "Spillway");
    assert_eq!(lines[0].get("BudgetForecastPercent"), None);
}

#[tokio::test]
async fn a_budget_that_does_not_answer_is_an_error() {
    let fake = Fake::default();
    let error = ask(&fake.function(NOW, true), r#"{"task":"budget"}"#).await.unwrap_err();
    assert!(matches!(error, RunError::Budget(_)), "{error:?}");
    assert!(lines(&fake).is_empty());
}

/// Seconds that are left while dead letters wait.
async fn left(fill: impl FnOnce(&mut dyn FnMut(&str, i64, f64))) -> Option<i64> {
    let fake = Fake::default();
    let now = at(NOW).as_second();
    fake.with(|world| {
        world.dead_letters = 3;
        fill(&mut |metric, ago, value| {
            world.series.entry(metric.to_owned()).or_default().insert(now - ago, value);
        });
    });
    let answer = ask(&fake.function(NOW, true), r#"{"task":"time-to-loss"}"#).await.unwrap();
    let Answer::TimeToLoss { seconds } = answer else { panic!("{answer:?}") };
    let lines = lines(&fake);
    assert_eq!(
        (lines[0]["TimeToLoss"].as_i64(), &lines[0]["FunctionName"]),
        (seconds, &json!("shop-archiver"))
    );
    seconds
}

/// Twenty receives, each hidden for 180 s, or for the wait where that is longer: 320 and 640 s, and 900 s from the ninth on.
const RETRIES_S: i64 = 6 * 180 + 320 + 640 + 12 * 900;

const VISIBLE: &str = "ApproximateNumberOfMessagesVisible shop-events-dlq";
const IN_FLIGHT: &str = "ApproximateNumberOfMessagesNotVisible shop-events-dlq";
const AGE: &str = "ApproximateAgeOfOldestMessage shop-events";

#[tokio::test]
async fn the_time_counts_from_when_the_queue_was_last_empty_and_includes_the_retries() {
    let seconds = left(|put| {
        put(VISIBLE, 3 * DAY, 0.0);
        put(IN_FLIGHT, 3 * DAY, 0.0);
        // The number of messages in flight is unknown.
        put(VISIBLE, 2 * DAY + 3_600, 0.0);
        put(VISIBLE, 2 * DAY, 5.0);
        // Nothing is visible, but something is in flight: not empty.
        put(VISIBLE, DAY, 0.0);
        put(IN_FLIGHT, DAY, 4.0);
        put(AGE, 10 * DAY, 7_200.0);
    });
    assert_eq!(seconds.await, Some(14 * DAY - 3 * DAY - 7_200 - RETRIES_S));
}

#[tokio::test]
async fn a_letter_that_the_archiver_fails_on_is_never_an_empty_queue() {
    let seconds = left(|put| {
        for minute in 0..3 * 1_440 {
            // Visible in one minute, in flight for the next three.
            let (visible, in_flight) = if minute % 4 == 0 { (1.0, 0.0) } else { (0.0, 1.0) };
            put(VISIBLE, 60 * (minute + 1), visible);
            put(IN_FLIGHT, 60 * (minute + 1), in_flight);
        }
        put(VISIBLE, 3 * DAY + 60, 0.0);
        put(IN_FLIGHT, 3 * DAY + 60, 0.0);
    });
    assert_eq!(seconds.await, Some(14 * DAY - (3 * DAY + 60) - RETRIES_S));
}

#[tokio::test]
async fn a_queue_that_was_never_seen_empty_has_waited_since_its_first_datapoint() {
    let seconds = left(|put| put(VISIBLE, 5 * DAY, 1.0)).await;
    assert_eq!(seconds, Some(14 * DAY - 5 * DAY - RETRIES_S));
}

#[tokio::test]
async fn the_time_to_loss_is_never_negative() {
    let seconds = left(|put| {
        put(VISIBLE, 13 * DAY, 1.0);
        put(AGE, 13 * DAY, 1_000_000.0);
    });
    assert_eq!(seconds.await, Some(0));
}

#[tokio::test]
async fn without_dead_letters_nothing_is_measured_and_no_metric_is_read() {
    let fake = Fake::default();
    fake.with(|world| world.broken.insert("metrics"));
    let answer = ask(&fake.function(NOW, true), r#"{"task":"time-to-loss"}"#).await.unwrap();
    assert_eq!(answer, Answer::TimeToLoss { seconds: None });
    assert!(lines(&fake).is_empty());
}

#[tokio::test]
async fn an_unreadable_queue_or_history_is_an_error() {
    for broken in ["metrics", "queue"] {
        let fake = Fake::default();
        fake.with(|world| {
            world.dead_letters = 1;
            world.broken.insert(broken);
        });
        let error = ask(&fake.function(NOW, true), r#"{"task":"time-to-loss"}"#).await.unwrap_err();
        assert!(matches!(error, RunError::Loss(_)), "{error:?}");
    }
}
