//! A deployment in memory.

use async_trait::async_trait;
use jiff::Timestamp;
use serde_json::json;
use serde_json::value::RawValue;
use spillway_alerts::{AlarmState, Limits, RuleSet};
use spillway_alerts_reporter::ports::{
    AlarmStatus, Change, Claim, Mail, Pictures, PortError, SentLog, Spending, States, Waiting,
};
use spillway_alerts_reporter::{Answer, Function, Retention, RunError, Watch, run};
use spillway_core::metric::MetricId;
use spillway_core::retry::RetrySchedule;
use spillway_dashboard_aws::budgets::Budget;
use spillway_dashboard_model::{
    Freshness, MetricQuery, MetricReader, Period, ReadError, Reading, Series, TimeRange,
};
use spillway_lambda::{Common, Environment, Telemetry};
use spillway_testkit::ManualClock;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

pub fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// Everything that is requested or sent, and the scripted answers.
#[derive(Default)]
pub struct World {
    pub now: Vec<AlarmStatus>,
    pub changes: Vec<Change>,
    pub before: Vec<Change>,
    pub series: BTreeMap<String, BTreeMap<i64, f64>>,
    pub budget: Option<Budget>,
    pub dead_letters: u64,
    pub broken: BTreeSet<&'static str>,
    pub claims: BTreeMap<String, bool>,
    pub mails: Vec<(String, String)>,
    pub pictures: BTreeMap<String, Vec<u8>>,
    pub lines: Vec<String>,
}

#[derive(Clone, Default)]
pub struct Fake(pub Arc<Mutex<World>>);

impl Fake {
    pub fn with<T>(&self, look: impl FnOnce(&mut World) -> T) -> T {
        look(&mut self.0.lock().unwrap())
    }

    fn works(&self, what: &'static str) -> Result<(), PortError> {
        let broken = self.with(|world| world.broken.contains(what));
        if broken { Err(PortError(format!("{what} does not answer"))) } else { Ok(()) }
    }

    /// The function of a deployment `shop` with the project's own rules, in Berlin, at this moment.
    pub fn function(&self, now: &str, hours: bool) -> Function {
        let lines = self.clone();
        let environment = [
            ("AWS_LAMBDA_FUNCTION_NAME", "shop-reporter"),
            ("SPILLWAY_DEPLOYMENT", "shop"),
            ("SPILLWAY_LOG_LEVEL", "info"),
            ("SPILLWAY_TIMEOUT_S", "120"),
        ];
        let common = Common::read(&Environment::of(environment)).unwrap();
        let clock = Arc::new(ManualClock::at(at(now)));
        let keep = move |line: &str| lines.with(|world| world.lines.push(line.to_owned()));
        let telemetry = Telemetry::with_lines(&common, clock, keep);
        let ports = Arc::new(self.clone());
        Function {
            watch: watch(hours),
            states: ports.clone(),
            metrics: ports.clone(),
            sent_log: ports.clone(),
            pictures: ports.clone(),
            mail: ports.clone(),
            spending: ports.clone(),
            waiting: ports,
            retention: Retention {
                queue: "shop-events".into(),
                dlq: "shop-events-dlq".into(),
                archiver: "shop-archiver".into(),
                retention_s: 14 * 86_400,
                max_receive_count: 20,
                retry: RetrySchedule::default(),
                visibility_timeout_s: 180,
            },
            telemetry,
        }
    }
}

pub async fn ask(function: &Function, payload: &str) -> Result<Answer, RunError> {
    run(function, &RawValue::from_string(payload.to_owned()).unwrap()).await
}

/// What Terraform writes for the project's own rules.
fn watch(hours: bool) -> Watch {
    let rules = RuleSet::built_in(&Limits::built_in().unwrap()).unwrap();
    let alarms: BTreeMap<String, String> =
        rules.iter().map(|rule| (rule.name.to_string(), format!("shop-{}", rule.name))).collect();
    let calendar = json!({
        "zone": "Europe/Berlin",
        "days": ["monday", "tuesday", "wednesday", "thursday", "friday"],
        "open": "09:00",
        "close": "17:00",
        "holidays": ["2026-04-03"],
    });
    let document = json!({
        "deployment": "shop",
        "rules": include_str!("../../../rules.json"),
        "limits": Limits::built_in().unwrap(),
        "resources": { "queues.primary": "shop-events", "queues.dlq": "shop-events-dlq", "functions.ingest": "shop-ingest" },
        "alarms": alarms,
        "business_hours": hours.then_some(calendar),
        "dashboard_url": "https://spillway.example.com",
    });
    Watch::parse(document.to_string().as_bytes()).unwrap()
}

pub fn change(rule: &str, when: &str, from: AlarmState, to: AlarmState) -> Change {
    Change { alarm: format!("shop-{rule}"), at: at(when), from, to, reason: format!("{rule}\nbecause") }
}

pub fn status(rule: &str, since: &str, state: AlarmState) -> AlarmStatus {
    AlarmStatus { alarm: format!("shop-{rule}"), state, since: at(since), reason: format!("{rule} because") }
}

#[async_trait]
impl States for Fake {
    async fn now(&self, alarms: &[String]) -> Result<Vec<AlarmStatus>, PortError> {
        self.works("cloudwatch")?;
        Ok(self.with(|world| world.now.iter().filter(|one| alarms.contains(&one.alarm)).cloned().collect()))
    }

    async fn changes(&self, from: Timestamp, to: Timestamp) -> Result<Vec<Change>, PortError> {
        self.works("cloudwatch")?;
        let within = |change: &&Change| change.at >= from && change.at < to;
        Ok(self.with(|world| world.changes.iter().filter(within).cloned().collect()))
    }

    async fn last_into_alarm(&self, alarm: &str, before: Timestamp) -> Result<Option<Change>, PortError> {
        let is = |change: &&Change| change.alarm == alarm && change.at < before;
        Ok(self.with(|world| world.before.iter().rfind(is).cloned()))
    }
}

#[async_trait]
impl SentLog for Fake {
    async fn claim(&self, what: &str) -> Result<Claim, PortError> {
        self.works("table")?;
        let taken = self.with(|world| world.claims.insert(what.to_owned(), false).is_some());
        Ok(if taken { Claim::Taken } else { Claim::Yours })
    }

    async fn sent(&self, what: &str) -> Result<(), PortError> {
        self.with(|world| world.claims.insert(what.to_owned(), true));
        Ok(())
    }

    async fn release(&self, what: &str) -> Result<(), PortError> {
        self.with(|world| world.claims.remove(what));
        Ok(())
    }
}

#[async_trait]
impl Pictures for Fake {
    async fn keep(&self, name: &str, png: Vec<u8>) -> Result<String, PortError> {
        self.works("bucket")?;
        self.with(|world| world.pictures.insert(name.to_owned(), png));
        Ok(format!("https://pictures.example.com/{name}"))
    }
}

#[async_trait]
impl Mail for Fake {
    async fn send(&self, subject: &str, text: &str) -> Result<(), PortError> {
        self.works("topic")?;
        self.with(|world| world.mails.push((subject.to_owned(), text.to_owned())));
        Ok(())
    }
}

#[async_trait]
impl Spending for Fake {
    async fn read(&self) -> Result<(String, Budget), ReadError> {
        let budget = self.with(|world| world.budget.clone());
        budget.map(|budget| ("shop".to_owned(), budget)).ok_or(ReadError::Throttled)
    }
}

#[async_trait]
impl Waiting for Fake {
    async fn dead_letters(&self) -> Result<u64, PortError> {
        self.works("queue")?;
        Ok(self.with(|world| world.dead_letters))
    }
}

#[async_trait]
impl MetricReader for Fake {
    async fn read(
        &self,
        queries: &[MetricQuery],
        range: TimeRange,
        period: Period,
    ) -> Result<Reading, ReadError> {
        if self.works("metrics").is_err() {
            return Err(ReadError::Throttled);
        }
        let series = queries.iter().map(|query| {
            let mut series = Series::empty(range, period);
            let (start, step) = (series.start.as_second(), i64::from(period.seconds()));
            let values =
                self.with(|world| world.series.get(&named(&query.metric)).cloned()).unwrap_or_default();
            for (at, value) in values {
                let slot = usize::try_from((at - start).div_euclid(step)).ok();
                if let Some(point) = slot.and_then(|slot| series.points.get_mut(slot)) {
                    *point = Some(value);
                }
            }
            Arc::new(series)
        });
        Ok(Reading { series: series.collect(), freshness: Freshness { read_at: range.to(), error: None } })
    }
}

/// `ApproximateAgeOfOldestMessage shop-events`
fn named(metric: &MetricId) -> String {
    let values: Vec<&str> = metric.dimensions.iter().map(|(_, value)| value.as_ref()).collect();
    format!("{} {}", metric.name, values.join(" "))
}
