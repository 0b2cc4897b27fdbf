//! The shop on the real pipeline, in virtual time, with its alarms evaluated as they are live.

use async_trait::async_trait;
use jiff::SignedDuration;
use spillway_alerts::incidents::{Incident, News, Notice, NoticeOutcome};
use spillway_alerts::{AlarmPeriod, RuleName, Tier};
use spillway_core::Timestamp;
use spillway_core::ids::{EventId, EventKey, EventSource};
use spillway_core::ports::{EventStore, PutOutcome, StoreError, StoreItem, StoredEvent};
use spillway_core::schema::{FixedSchemas, SchemaSet};
use spillway_core::settings::PipelineSettings;
use spillway_embedded::VirtualClock;
use spillway_embedded::alarms::{ActiveRules, AlarmSettings, Watch, WatchOptions};
use spillway_embedded::faults::{Fault, FaultKind};
use spillway_embedded::simulate::{Simulation, SimulationOptions, in_virtual_time};
use spillway_traffic::rhythm::rate_at;
use spillway_traffic::{Deployment, Generator};
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

pub const HOUR: i64 = 60;
pub const DAY: i64 = 24 * HOUR;

/// Sunday, the first of a month, 00:00 UTC: the budget's month begins.
const START: &str = "2026-03-01T00:00:00Z";
/// Minutes between evaluations. Each covers all minutes that have passed, as if it had been done each minute.
const EVALUATE_EVERY_MIN: i64 = 6 * HOUR;

pub struct Scenario {
    /// How long it is observed, in minutes from a Sunday's midnight UTC.
    pub minutes: i64,
    /// Events a second at the minute, before the day's and the week's rhythm.
    pub rate: fn(i64) -> f64,
    /// Share of the events at the minute that break their schema.
    pub poison: fn(i64) -> f64,
    /// Minutes whose events the store refuses at every attempt, one in five of them.
    pub refused: Range<i64>,
    /// What fails, from which second to which.
    pub faults: Vec<(FaultKind, i64, i64)>,
    /// The pipeline's settings.
    pub settings: PipelineSettings,
    /// Requests in five minutes that are expected at any hour.
    pub expected: f64,
}

impl Scenario {
    /// The shop at one event a second, without any fault.
    pub fn without_faults(minutes: i64) -> Self {
        Self {
            minutes,
            rate: |_| 1.0,
            poison: |_| 0.0,
            refused: 0..0,
            faults: Vec::new(),
            settings: PipelineSettings::default(),
            expected: 10.0,
        }
    }

    /// Runs it.
    pub fn run(self) -> Observed {
        let folder = tempfile::tempdir().expect("a folder");
        let start: Timestamp = START.parse().expect("a time");
        let path = folder.path().to_owned();
        let (periods, incidents, in_force, ledger) =
            in_virtual_time(start, async |clock| self.observe(&path, clock, start).await)
                .expect("virtual time");
        assert_eq!(ledger.unaccounted(), 0, "{ledger:?}");
        Observed { folder, start, periods, incidents, in_force }
    }

    async fn observe(
        self,
        folder: &Path,
        clock: VirtualClock,
        start: Timestamp,
    ) -> (Vec<AlarmPeriod>, Vec<Incident>, ActiveRules, spillway_core::ledger::Ledger) {
        let schemas = SchemaSet::compile(&spillway_traffic::schemas()).expect("the shop's schemas");
        // Traces cost time and no alarm reads them.
        let settings =
            PipelineSettings { trace_reservoir_per_s: 0.0, trace_fixed_rate: 0.0, ..self.settings };
        let fault = |(kind, from, until)| {
            let at = |second| start + SignedDuration::from_secs(second);
            Fault { kind, from: at(from), until: Some(at(until)) }
        };
        let options = SimulationOptions {
            settings,
            schemas: Arc::new(FixedSchemas(Arc::new(schemas))),
            faults: self.faults.into_iter().map(fault).collect(),
            seed: 1,
        };
        let mut simulation = Simulation::open(folder, clock, options).await.expect("a fresh folder opens");
        let ports = &mut Arc::get_mut(&mut simulation.pipeline).expect("nothing runs yet").ports;
        let at = |minute| start + SignedDuration::from_mins(minute);
        let refused = at(self.refused.start)..at(self.refused.end);
        ports.store = Arc::new(Refusing { real: Arc::clone(&ports.store), refused });
        let pipeline = Arc::clone(&simulation.pipeline);
        let settings_of_alarms =
            AlarmSettings { expected_requests_per_5_minutes: self.expected, ..AlarmSettings::default() };
        let options = WatchOptions { settings: settings_of_alarms, ..WatchOptions::default() };
        let mut watch = Watch::open(&pipeline, options).await.expect("the built-in rules");
        let in_force = watch.in_force().clone();
        simulation.start();
        let mut generator = Generator::new(7);
        let mut evaluated = 0;
        let end = start + SignedDuration::from_mins(self.minutes);
        while simulation.now() < end {
            let now = simulation.now();
            let minute = (now.as_second() - start.as_second()) / 60;
            if minute >= evaluated + EVALUATE_EVERY_MIN {
                evaluated = minute;
                pipeline.recorder.finish(now);
                watch.evaluate(now).await.expect("evaluated");
            }
            let rate = rate_at(now, (self.rate)(minute));
            if rate < 1e-4 {
                simulation.sleep(Duration::from_secs(60)).await;
                continue;
            }
            simulation.send(event(&mut generator, now, (self.poison)(minute)));
            simulation.sleep(generator.gap(rate)).await;
        }
        simulation.answered().await;
        simulation.finish();
        watch.evaluate(end).await.expect("evaluated");
        let periods = pipeline.local.alarms.periods(None, Timestamp::MIN, Timestamp::MAX).await;
        let ledger = pipeline.ports.ledger.ledger().await.expect("the ledger is readable");
        let incidents = pipeline.local.alarms.incidents(10_000).await.expect("incidents are readable");
        (periods.expect("alarms are readable"), incidents, in_force, ledger)
    }
}

/// An event of the mix, or an order that breaks its schema: in the given share, evenly spread.
fn event(generator: &mut Generator, now: Timestamp, poison: f64) -> String {
    let turn = (now.as_millisecond() / 100) % 100;
    if (turn as f64) < poison * 100.0 {
        generator.deploy(Deployment::AmountAsText);
        let sample = generator.event_of("order.placed", now);
        generator.deploy(Deployment::Good);
        if let Some(sample) = sample {
            return sample.body;
        }
    }
    generator.event(now).body
}

/// The store, which refuses one in five of the events that were accepted in a period.
struct Refusing {
    real: Arc<dyn EventStore>,
    refused: Range<Timestamp>,
}

impl Refusing {
    fn refuses(&self, item: &StoreItem) -> bool {
        let digest: u32 = item.key.id.as_str().bytes().map(u32::from).sum();
        self.refused.contains(&item.accepted_at) && digest.is_multiple_of(5)
    }
}

#[async_trait]
impl EventStore for Refusing {
    async fn put_if_absent(&self, items: &[StoreItem]) -> Vec<Result<PutOutcome, StoreError>> {
        let good: Vec<_> = items.iter().filter(|item| !self.refuses(item)).cloned().collect();
        let mut stored = self.real.put_if_absent(&good).await.into_iter();
        let refusal = || Err(StoreError::Unavailable { reason: "refused".to_owned() });
        let answer = |item| if self.refuses(item) { refusal() } else { stored.next().expect("an outcome") };
        items.iter().map(answer).collect()
    }

    async fn get(&self, key: &EventKey) -> Result<Option<StoredEvent>, StoreError> {
        self.real.get(key).await
    }

    async fn sources(&self, id: &EventId) -> Result<Vec<EventSource>, StoreError> {
        self.real.sources(id).await
    }
}

/// The outcome of a scenario.
pub struct Observed {
    /// The data folder.
    pub folder: tempfile::TempDir,
    /// When it began.
    pub start: Timestamp,
    /// Every period in alarm, the oldest first.
    pub periods: Vec<AlarmPeriod>,
    /// Every incident.
    pub incidents: Vec<Incident>,
    /// The rules that were evaluated.
    pub in_force: ActiveRules,
}

impl Observed {
    /// Firings of a tier that send a notification: minute and rule, the earliest first.
    pub fn firings(&self, tier: Tier) -> Vec<(i64, &RuleName)> {
        let messages = self.periods.iter().filter(|period| {
            let rule = self.in_force.rules.get(period.rule.as_str());
            rule.is_some_and(|rule| rule.notify && rule.tier == tier)
        });
        messages.map(|period| (self.minute(period.from), &period.rule)).collect()
    }

    fn minute(&self, at: Timestamp) -> i64 {
        (at.as_second() - self.start.as_second()) / 60
    }

    /// High notifications that something is wrong: minute, news and rule, the earliest first.
    pub fn high_alerts(&self) -> Vec<(i64, News, RuleName)> {
        let notices = self.incidents.iter().flat_map(|incident| &incident.notices).filter(|notice| {
            notice.tier == Tier::High && notice.news.is_alert() && notice.outcome == NoticeOutcome::Sent
        });
        let alert = |notice: &Notice| (self.minute(notice.at), notice.news, notice.rule.clone());
        let mut alerts: Vec<_> = notices.map(alert).collect();
        alerts.sort_by_key(|(minute, ..)| *minute);
        alerts
    }

    /// High firings whose low twin was not in alarm before, within the hour.
    pub fn without_warning(&self) -> Vec<String> {
        let mut without_warning = Vec::new();
        for (at, name) in self.firings(Tier::High) {
            let twin = self.in_force.rules.get(name.as_str()).and_then(|rule| rule.low_twin.as_ref());
            let warned = self.periods.iter().any(|low| {
                Some(&low.rule) == twin
                    && self.minute(low.from) < at
                    && low.until.is_none_or(|until| self.minute(until) >= at - HOUR)
            });
            if !warned {
                without_warning.push(format!("{name} at minute {at}"));
            }
        }
        without_warning
    }

    /// All periods in alarm, for messages of tests.
    pub fn periods_in_words(&self) -> String {
        let line = |period: &AlarmPeriod| {
            let until = period.until.map_or("".to_owned(), |until| self.minute(until).to_string());
            format!("{} from minute {} until {until}", period.rule, self.minute(period.from))
        };
        self.periods.iter().map(line).collect::<Vec<_>>().join("\n")
    }
}
