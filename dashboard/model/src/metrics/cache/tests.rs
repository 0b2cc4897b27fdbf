use super::*;
use crate::Statistic;
use spillway_core::metric::MetricId;
use spillway_testkit::ManualClock;
use tokio::sync::Semaphore;

const KEEP: Duration = Duration::from_secs(10);

/// Answers with the number of the read, when the test allows it.
struct Source {
    clock: Arc<ManualClock>,
    reads: Mutex<Vec<usize>>,
    may_answer: Semaphore,
    broken: Mutex<Option<ReadError>>,
}

#[async_trait]
impl MetricReader for Source {
    async fn read(
        &self,
        queries: &[MetricQuery],
        range: TimeRange,
        period: Period,
    ) -> Result<Reading, ReadError> {
        let number = {
            let mut reads = self.reads.lock().unwrap();
            reads.push(queries.len());
            reads.len() as f64
        };
        self.may_answer.acquire().await.unwrap().forget();
        if let Some(error) = self.broken.lock().unwrap().clone() {
            return Err(error);
        }
        let series = queries.iter().map(|_| {
            let mut series = Series::empty(range, period);
            series.points.fill(Some(number));
            Arc::new(series)
        });
        let freshness = Freshness { read_at: self.clock.now(), error: None };
        Ok(Reading { series: series.collect(), freshness })
    }
}

fn setup(answers: usize) -> (Arc<Source>, Arc<Cached<Source>>) {
    let clock = Arc::new(ManualClock::at(Timestamp::from_second(1_767_225_605).unwrap()));
    let source = Arc::new(Source {
        clock: clock.clone(),
        reads: Mutex::default(),
        may_answer: Semaphore::new(answers),
        broken: Mutex::default(),
    });
    (source.clone(), Arc::new(Cached::new(source, clock, KEEP)))
}

impl Source {
    fn queries_read(&self) -> Vec<usize> {
        self.reads.lock().unwrap().clone()
    }
}

fn query(name: &'static str) -> MetricQuery {
    MetricQuery::new(MetricId::new("AWS/SQS", name, &[]), Statistic::Sum)
}

async fn ask(cache: &Cached<Source>, names: &[&'static str]) -> Result<Reading, ReadError> {
    let queries: Vec<_> = names.iter().map(|name| query(name)).collect();
    let range = TimeRange::last(SignedDuration::from_mins(3), cache.clock.now());
    cache.read(&queries, range, Period::MINUTE).await
}

fn numbers(reading: &Reading) -> Vec<Option<f64>> {
    reading.series.iter().map(|series| series.points[0]).collect()
}

#[tokio::test]
async fn the_same_query_within_a_while_is_read_once() {
    let (source, cache) = setup(9);
    for _ in 0..5 {
        assert_eq!(numbers(&ask(&cache, &["a", "b", "a"]).await.unwrap()), vec![Some(1.0); 3]);
        source.clock.advance(Duration::from_secs(1));
    }
    assert_eq!(source.queries_read(), [2], "one read, each query once");
    source.clock.advance(KEEP);
    assert_eq!(numbers(&ask(&cache, &["a"]).await.unwrap()), [Some(2.0)]);
}

#[tokio::test]
async fn only_what_is_missing_is_read() {
    let (source, cache) = setup(9);
    ask(&cache, &["a", "b"]).await.unwrap();
    assert_eq!(numbers(&ask(&cache, &["b", "c"]).await.unwrap()), [Some(1.0), Some(2.0)]);
    assert_eq!(source.queries_read(), [2, 1]);
}

#[tokio::test]
async fn a_hundred_viewers_at_once_cost_one_read() {
    let (source, cache) = setup(0);
    let viewers: Vec<_> = (0..100)
        .map(|_| {
            let cache = cache.clone();
            tokio::spawn(async move { numbers(&ask(&cache, &["a", "b"]).await.unwrap()) })
        })
        .collect();
    tokio::task::yield_now().await;
    source.may_answer.add_permits(1);
    for viewer in viewers {
        assert_eq!(viewer.await.unwrap(), [Some(1.0), Some(1.0)]);
    }
    assert_eq!(source.queries_read(), [2]);
}

#[tokio::test]
async fn a_viewer_who_leaves_cancels_no_other_viewer_s_answer() {
    let (source, cache) = setup(0);
    let mut first = Box::pin(ask(&cache, &["a"]));
    assert!(futures::poll!(&mut first).is_pending());
    let mut second = Box::pin(ask(&cache, &["a"]));
    assert!(futures::poll!(&mut second).is_pending());
    drop(first);
    source.may_answer.add_permits(1);
    assert_eq!(numbers(&second.await.unwrap()), [Some(1.0)]);
    assert_eq!(source.queries_read(), [1]);
}

#[tokio::test]
async fn old_numbers_are_served_with_their_age_when_the_source_fails() {
    let (source, cache) = setup(9);
    let read_at = ask(&cache, &["a"]).await.unwrap().freshness.read_at;
    *source.broken.lock().unwrap() = Some(ReadError::Throttled);
    source.clock.advance(Duration::from_secs(60));
    let stale = ask(&cache, &["a"]).await.unwrap();
    assert_eq!(stale.freshness, Freshness { read_at, error: Some(ReadError::Throttled) });
    assert_eq!(
        stale.series[0].points,
        [Some(1.0), Some(1.0), Some(1.0), None],
        "the range has moved on by a minute, and its newest minute is not known"
    );
    assert_eq!(ask(&cache, &["never read"]).await.unwrap_err(), ReadError::Throttled);

    let reads = source.queries_read().len();
    ask(&cache, &["a"]).await.unwrap();
    assert_eq!(source.queries_read().len(), reads, "a failing source is not read again at once");
    *source.broken.lock().unwrap() = None;
    source.clock.advance(KEEP);
    assert_eq!(ask(&cache, &["a"]).await.unwrap().freshness.error, None);
}

#[tokio::test]
async fn very_old_numbers_are_dropped() {
    let (source, cache) = setup(9);
    ask(&cache, &["a"]).await.unwrap();
    *source.broken.lock().unwrap() = Some(ReadError::Throttled);
    source.clock.advance(Duration::from_secs(3_600));
    assert!(ask(&cache, &["a"]).await.is_err());
}

#[tokio::test]
async fn a_comparison_does_not_replace_the_numbers_of_today() {
    let (source, cache) = setup(9);
    let queries = [query("a")];
    let read = async |now: Timestamp, hours_ago: i64| {
        let range = TimeRange::last(SignedDuration::from_mins(3), now);
        let range = range.earlier(SignedDuration::from_hours(hours_ago));
        numbers(&cache.read(&queries, range, Period::MINUTE).await.unwrap())
    };
    let now = source.clock.now();
    assert_eq!((read(now, 0).await, read(now, 24).await), (vec![Some(1.0)], vec![Some(2.0)]));
    *source.broken.lock().unwrap() = Some(ReadError::Throttled);
    source.clock.advance(Duration::from_secs(60));
    let later = source.clock.now();
    assert_eq!((read(later, 0).await, read(later, 24).await), (vec![Some(1.0)], vec![Some(2.0)]));
}

#[tokio::test]
async fn reads_whose_viewers_left_are_dropped() {
    let (source, cache) = setup(0);
    for _ in 0..50 {
        let mut left = Box::pin(ask(&cache, &["a", "b"]));
        assert!(futures::poll!(&mut left).is_pending());
        drop(left);
        source.clock.advance(Duration::from_secs(60));
    }
    let mut waiting = Box::pin(ask(&cache, &["a", "b"]));
    assert!(futures::poll!(&mut waiting).is_pending());
    source.clock.advance(Duration::from_secs(60));
    let mut other = Box::pin(ask(&cache, &["c"]));
    assert!(futures::poll!(&mut other).is_pending());
    assert_eq!(cache.state.lock().unwrap().asked.len(), 3, "only those that a viewer waits for");
    source.may_answer.add_permits(1);
    assert_eq!(numbers(&waiting.await.unwrap()).len(), 2);
}
