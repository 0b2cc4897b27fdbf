use super::fake::FakeCloudWatch;
use super::*;
use spillway_metrics::{MetricId, Statistic};

fn time(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn metric(number: usize) -> MetricId {
    MetricId::new("AWS/SQS", "NumberOfMessagesSent", &[("QueueName", &format!("q{number}"))])
}

fn query(number: usize) -> MetricQuery {
    MetricQuery::new(metric(number), Statistic::Sum)
}

/// Reads these metrics by the minute, over a range in seconds.
async fn read(
    fake: &FakeCloudWatch,
    numbers: &[usize],
    from: i64,
    to: i64,
) -> Result<Vec<Points>, ExplainedError> {
    let queries: Vec<_> = numbers.iter().copied().map(query).collect();
    super::read(&fake.client(), &queries, Period::MINUTE, (time(from), time(to))).await
}

#[tokio::test]
async fn each_query_gets_its_own_points_with_gaps_left_out() {
    let fake = FakeCloudWatch::new();
    for (at, value) in [(600, 1.0), (659, 2.0), (720, 4.0), (900, 8.0)] {
        fake.put(&metric(0), time(at), value);
    }
    fake.put(&metric(1), time(660), 5.0);
    let found = read(&fake, &[1, 0, 2], 600, 900).await.unwrap();
    assert_eq!(found, [[(660, 5.0)].into(), [(600, 3.0), (720, 4.0)].into(), Points::new()]);
    assert_eq!(fake.calls(), 1);
}

#[tokio::test]
async fn pages_are_joined() {
    let fake = FakeCloudWatch::new();
    for minute in 0..7 {
        fake.put(&metric(0), time(60 * minute), minute as f64);
    }
    fake.in_pages_of(3);
    let found = read(&fake, &[0], 0, 3_600).await.unwrap();
    assert_eq!(found[0].values().sum::<f64>(), 21.0);
    assert_eq!((found[0].len(), fake.calls()), (7, 3));
}

#[tokio::test]
async fn a_request_over_the_limit_is_split_into_several_calls() {
    let fake = FakeCloudWatch::new();
    for number in [0, 499, 500, 1_000] {
        fake.put(&metric(number), time(60), number as f64);
    }
    let numbers: Vec<_> = (0..1_001).collect();
    let found = read(&fake, &numbers, 0, 120).await.unwrap();
    assert_eq!(fake.calls(), 3);
    for number in [0, 499, 500, 1_000] {
        assert_eq!(found[number], [(60, number as f64)].into());
    }
}

#[test]
fn a_call_has_no_more_datapoints_than_cloudwatch_takes() {
    let fitting = |seconds| fitting(seconds, Period::MINUTE);
    assert_eq!(fitting(3_600), 500);
    // A week of minutes has 10,080 periods and one that was cut.
    assert_eq!(fitting(7 * 86_400), 9);
    assert_eq!(fitting(i64::MAX / 2), 1);
}

#[tokio::test]
async fn a_refusal_is_one_sentence_and_throttling_is_separate() {
    let fake = FakeCloudWatch::new();
    fake.failing(403, "AccessDenied");
    let error = read(&fake, &[0], 0, 60).await.unwrap_err();
    assert!(
        error.to_string().starts_with("these AWS credentials may not do cloudwatch:GetMetricData"),
        "{error}"
    );
    fake.failing(400, "Throttling");
    let error = read(&fake, &[0], 0, 60).await.unwrap_err();
    assert!(matches!(error, ExplainedError::Throttled { .. }), "{error}");
}
