//! Evaluates the rules, keeps the results, and returns the notifications to send.

use super::history::TelemetryHistory;
use super::log::AlarmLog;
use super::message::{Words, log};
use super::settings::{AlarmSettings, AlarmSettingsError, RuleFiles};
use super::write::{Entry, NewMessage, NotificationOutcome};
use crate::alarms::LINK_BASE;
use crate::db::DbError;
use crate::pipeline::Local;
use crate::telemetry::TelemetryReader;
use jiff::SignedDuration;
use spillway_alerts::evaluate::{Status, Tick};
use spillway_alerts::hours::{BusinessHours, Message, Notifier};
use spillway_alerts::incidents::{IncidentId, Response};
use spillway_alerts::rules::{LimitsError, LoadError};
use spillway_alerts::{AlarmState, AlarmStatus, Engine, Resources, RuleName, RuleSet, StateChange, Tier};
use spillway_core::ports::{Clock, OpsLog};
use spillway_core::{Pipeline, Timestamp, one_line};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

/// Minutes that were not evaluated are caught up with, as far back as minutes are kept.
const FURTHEST_BACK: SignedDuration = SignedDuration::from_hours(15 * 24);

/// The pace of evaluation.
const MINUTE: SignedDuration = SignedDuration::from_mins(1);

/// Fact: the active rules.
const RULES: &str = "alarms_rules";
/// Fact: the active settings.
const SETTINGS: &str = "alarms_settings";

/// Alarms can't be evaluated.
#[derive(Debug, thiserror::Error)]
pub enum WatchError {
    /// A rule is malformed: every problem with file, line and what was expected.
    #[error(transparent)]
    Rules(#[from] LoadError),
    /// The limits that are built in can't be read.
    #[error(transparent)]
    Limits(#[from] LimitsError),
    /// A setting is invalid.
    #[error(transparent)]
    Settings(#[from] AlarmSettingsError),
    /// The data folder can't be used.
    #[error(transparent)]
    Data(#[from] DbError),
}

/// The rules and settings of a pipeline's alarms. The dashboard and a backtest use them too.
#[derive(Clone, Debug)]
pub struct ActiveRules {
    /// The rules, with their thresholds for this pipeline.
    pub rules: Arc<RuleSet>,
    /// The names of their topology keys here.
    pub resources: Arc<Resources>,
    /// When low alarms notify.
    pub hours: BusinessHours,
    /// The settings.
    pub settings: AlarmSettings,
    files: RuleFiles,
}

impl ActiveRules {
    fn new(pipeline: &Pipeline, files: &RuleFiles, settings: AlarmSettings) -> Result<Self, WatchError> {
        let hours = settings.check()?;
        let rules = Arc::new(files.rules(&settings.limits(&pipeline.settings)?)?);
        let resources = Arc::new(pipeline.names.by_topology_key());
        Ok(Self { rules, resources, hours, settings, files: files.clone() })
    }

    /// The rules and settings that the pipeline was last started with. If its alarms were never started, the
    /// built-in ones and the defaults.
    ///
    /// # Errors
    /// [`WatchError`]: the data folder can't be read, or another version of the program wrote the rules.
    pub async fn of(pipeline: &Pipeline, log: &AlarmLog) -> Result<Self, WatchError> {
        let files: RuleFiles = log.fact(RULES).await?.unwrap_or_default();
        let settings = log.fact(SETTINGS).await?.unwrap_or_default();
        Self::new(pipeline, &files, settings)
    }

    /// The same as [`Self::of`], but the rules are not read again if they have not changed.
    pub async fn renewed(self, pipeline: &Pipeline, log: &AlarmLog) -> Result<Self, WatchError> {
        let files: RuleFiles = log.fact(RULES).await?.unwrap_or_default();
        let settings: AlarmSettings = log.fact(SETTINGS).await?.unwrap_or_default();
        if files == self.files && settings == self.settings {
            return Ok(self);
        }
        Self::new(pipeline, &files, settings)
    }
}

/// Evaluates a pipeline's alarms.
pub struct Watch {
    /// `None` while an evaluation is under way elsewhere.
    engine: Option<Engine>,
    in_force: ActiveRules,
    notifier: Notifier,
    log: Arc<AlarmLog>,
    /// What people did about incidents.
    ops: Arc<dyn OpsLog>,
    reader: Arc<TelemetryReader>,
    local: Local,
    evaluated_until: Timestamp,
    clock: Arc<dyn Clock>,
    /// What the clock showed at the last evaluation: the time, and the time that had passed.
    seen: (Timestamp, Duration),
    /// The statuses in the database, each with why it could not be evaluated the last time.
    stored: HashMap<RuleName, (Status, Option<String>)>,
    outcome: Option<NotificationOutcome>,
    virtual_time: bool,
    has_webhook: bool,
}

/// How to watch.
#[derive(Clone, Debug, Default)]
pub struct WatchOptions {
    /// The rules.
    pub rules: RuleFiles,
    /// The settings.
    pub settings: AlarmSettings,
    /// Whether notifications wait for a webhook.
    pub has_webhook: bool,
    /// Sends no notifications: for generated history.
    pub silent: bool,
}

impl Watch {
    /// Continues where the last one on this data folder stopped, or begins now.
    pub async fn open(pipeline: &crate::Pipeline, options: WatchOptions) -> Result<Self, WatchError> {
        let ports = &pipeline.ports;
        let in_force = ActiveRules::new(ports, &options.rules, options.settings)?;
        let log = Arc::clone(&pipeline.local.alarms);
        log.note(RULES, &options.rules).await?;
        log.note(SETTINGS, &in_force.settings).await?;
        let now = minute(ports.clock.now());
        let evaluated_until = log.evaluated_until().await?;
        if evaluated_until.is_some_and(|until| until > now) {
            // The clock was set back while no pipeline ran.
            log.clock_was_set(SignedDuration::ZERO, now).await?;
        }
        let is_known = |status: &AlarmStatus| in_force.rules.get(status.rule.as_str()).is_some();
        let (known, gone): (Vec<_>, Vec<_>) = log.statuses().await?.into_iter().partition(is_known);
        log.forget(gone.into_iter().map(|status| status.rule).collect(), now).await?;
        let stored: Vec<_> = known.into_iter().map(stored).collect();
        let statuses: Vec<Status> = stored.iter().map(|(status, _)| status.clone()).collect();
        let rules = RuleSet::clone(&in_force.rules);
        let evaluated_until = evaluated_until.filter(|until| *until <= now).unwrap_or(now);
        let notifier = Notifier::new(&rules, in_force.hours.clone(), log.notifier().await);
        Ok(Self {
            seen: (ports.clock.now(), ports.clock.elapsed()),
            clock: Arc::clone(&ports.clock),
            notifier: if options.silent { notifier.simulated() } else { notifier },
            ops: Arc::clone(&ports.ops),
            engine: Some(Engine::restored(rules, &statuses)),
            in_force,
            log,
            reader: Arc::clone(&pipeline.telemetry),
            local: pipeline.local.clone(),
            evaluated_until: evaluated_until.max(now - FURTHEST_BACK),
            stored: stored.into_iter().map(|one| (one.0.rule.clone(), one)).collect(),
            outcome: options.silent.then_some(NotificationOutcome::Simulated),
            virtual_time: pipeline.virtual_time,
            has_webhook: options.has_webhook,
        })
    }

    /// The rules and settings that are evaluated.
    pub fn in_force(&self) -> &ActiveRules {
        &self.in_force
    }

    /// Evaluates every minute that has ended since the last time, up to and including `until`. Keeps the
    /// results and returns the notifications to send.
    ///
    /// # Errors
    /// There is no memory for the results.
    pub async fn evaluate(&mut self, until: Timestamp) -> Result<Vec<Message>, DbError> {
        let until = minute(until);
        self.notice_jump(until);
        if until <= self.evaluated_until {
            return Ok(Vec::new());
        }
        let Some((engine, tick)) = self.run(until).await else { return Ok(Vec::new()) };
        let errors: HashMap<RuleName, String> =
            tick.failures.into_iter().map(|(rule, error)| (rule, one_line(&error))).collect();
        if let Some((rule, reason)) = errors.iter().next() {
            tracing::warn!(rules = errors.len(), %rule, %reason, "alarms could not be evaluated; their states are unchanged");
        }
        let statuses = self.changed(engine.statuses(), &errors);
        self.engine = Some(engine);
        let responses = self.responses().await;
        self.notifier.respond(responses);
        let (messages, openings) = self.notify(until, &tick.changes);
        self.evaluated_until = until;
        let entry = self.entry(tick.changes, statuses, &messages, openings).await;
        self.log.append(entry).await?;
        Ok(messages)
    }

    /// After a jump of the clock, evaluation continues with this minute. Minutes that were skipped never were, and those
    /// that come again are new.
    fn notice_jump(&mut self, until: Timestamp) {
        let now = (self.clock.now(), self.clock.elapsed());
        let passed =
            SignedDuration::try_from(now.1.saturating_sub(self.seen.1)).unwrap_or(SignedDuration::MAX);
        let jump = now.0.duration_since(self.seen.0).saturating_sub(passed);
        self.seen = now;
        if jump.abs() < MINUTE {
            return;
        }
        self.evaluated_until = until - MINUTE;
        self.notifier.tracker_mut().clock_was_set(until);
        if let Some(engine) = &self.engine {
            let mut statuses = engine.statuses().to_vec();
            for status in &mut statuses {
                status.since = status.since.map(|since| since.min(until));
            }
            self.engine = Some(Engine::restored(RuleSet::clone(&self.in_force.rules), &statuses));
        }
    }

    async fn run(&mut self, until: Timestamp) -> Option<(Engine, Tick)> {
        let mut engine = self.engine.take()?;
        let from = self.evaluated_until;
        let (reader, resources) = (Arc::clone(&self.reader), Arc::clone(&self.in_force.resources));
        let work = move || {
            let history = TelemetryHistory::new(&reader, &resources, until);
            let tick = if until.duration_since(from) <= MINUTE {
                engine.tick(until, &history)
            } else {
                engine.catch_up(from, until, &history)
            };
            (engine, tick)
        };
        if self.virtual_time {
            // Virtual time must not jump while this work runs on another thread.
            return Some(work());
        }
        match tokio::task::spawn_blocking(work).await {
            Ok(done) => Some(done),
            Err(error) => {
                tracing::error!(%error, "evaluating alarms failed unexpectedly; the evaluator starts again");
                let known: Vec<Status> = self.stored.values().map(|(status, _)| status.clone()).collect();
                self.engine = Some(Engine::restored(RuleSet::clone(&self.in_force.rules), &known));
                None
            }
        }
    }

    /// Statuses that differ from the stored ones.
    fn changed(
        &mut self,
        statuses: &[Status],
        errors: &HashMap<RuleName, String>,
    ) -> Vec<(Status, Option<String>)> {
        let mut changed = Vec::new();
        for status in statuses {
            let now = (status.clone(), errors.get(&status.rule).cloned());
            if self.stored.get(&status.rule) != Some(&now) {
                self.stored.insert(status.rule.clone(), now.clone());
                changed.push(now);
            }
        }
        changed
    }

    /// What people did about the incidents that the notifier knows. If it can't be read, nothing is muted: what reports trouble
    /// must not depend on what is in trouble.
    async fn responses(&self) -> BTreeMap<IncidentId, Response> {
        let incidents = self.notifier.tracker().incidents().iter();
        let names: Vec<String> = incidents.map(|incident| incident.id.document()).collect();
        if names.is_empty() {
            return BTreeMap::new();
        }
        match self.ops.documents(&names).await {
            Ok(documents) => Response::by_incident(&documents),
            Err(error) => {
                tracing::warn!(%error, "which incidents are muted can't be read, so all of them notify");
                BTreeMap::new()
            }
        }
    }

    /// Asks the notifier, opening by opening, so that after a long time each has its own digest.
    fn notify(&mut self, until: Timestamp, changes: &[StateChange]) -> (Vec<Message>, Vec<Timestamp>) {
        let relevant: Vec<StateChange> =
            changes.iter().filter(|change| fires_or_clears(change)).cloned().collect();
        // A new notifier does not know which opening is new to it.
        let mut messages = self.notifier.notify(self.evaluated_until, &[]);
        let mut openings = Vec::new();
        let mut handled = 0;
        let mut from = self.evaluated_until;
        while let Some(opening) = self.in_force.hours.next_opening(from).filter(|opening| *opening <= until) {
            let here = relevant.partition_point(|change| change.at < opening);
            messages.extend(self.notifier.notify(opening, &relevant[handled..here]));
            openings.push(opening);
            (handled, from) = (here, opening);
        }
        messages.extend(self.notifier.notify(until, &relevant[handled..]));
        (messages, openings)
    }

    async fn entry(
        &mut self,
        changes: Vec<StateChange>,
        statuses: Vec<(Status, Option<String>)>,
        notified: &[Message],
        openings: Vec<Timestamp>,
    ) -> Entry {
        let dashboard = match notified.is_empty() {
            true => None,
            false => self.local.fact(LINK_BASE).await.ok().flatten(),
        };
        let words = Words {
            rules: &self.in_force.rules,
            dashboard: dashboard.as_deref(),
            zone: self.in_force.hours.zone(),
        };
        let mut messages = Vec::new();
        let mut by_change = HashMap::new();
        for message in notified {
            let (kind, document) = words.document(message);
            let at = match message {
                Message::Change { change, .. } => change.at,
                Message::Digest { digest } => digest.opened_at,
            };
            if self.outcome.is_none() {
                log(message, &document);
            } else if kind == "alarm" {
                continue;
            }
            if let Message::Change { change, .. } = message {
                by_change.insert((change.rule.clone(), change.at), messages.len());
            }
            let waits = self.has_webhook && self.outcome.is_none();
            messages.push(NewMessage { at, kind, document: document.to_string(), waits });
        }
        let outcome = |change: &StateChange| match by_change.get(&(change.rule.clone(), change.at)) {
            Some(message) => NotificationOutcome::By(*message),
            None => self.not_notified(change),
        };
        let changes = changes.iter().map(|change| (change.clone(), outcome(change))).collect();
        let incidents = self.notifier.tracker_mut().take_changed();
        self.notifier.tracker_mut().forget(self.evaluated_until);
        let (evaluated_until, notifier) = (self.evaluated_until, self.notifier.state());
        Entry { evaluated_until, statuses, changes, openings, messages, notifier, incidents }
    }

    /// Whether a change of a low alarm without a message is of business hours, so that no digest reports it.
    fn was_in_hours(&self, change: &StateChange) -> bool {
        let hours = &self.in_force.hours;
        hours.is_open(change.at) && (self.outcome.is_some() || hours.is_open(self.evaluated_until))
    }

    /// The recorded outcome of a change without a message.
    fn not_notified(&self, change: &StateChange) -> NotificationOutcome {
        let rule = self.in_force.rules.get(change.rule.as_str());
        match rule {
            _ if !fires_or_clears(change) => NotificationOutcome::NoNews,
            Some(rule) if !rule.notify => NotificationOutcome::Part,
            // The notifier holds back what it finds out of hours, also if it happened in hours. In generated history, which
            // notifies nobody, only the time of the change counts.
            Some(rule) if rule.tier == Tier::Low && !self.was_in_hours(change) => NotificationOutcome::Held,
            _ => self.outcome.unwrap_or_else(|| match self.notifier.tracker().was_muted(change) {
                true => NotificationOutcome::Muted,
                false => NotificationOutcome::Known,
            }),
        }
    }
}

/// The state that an evaluation continues from.
fn stored(status: AlarmStatus) -> (Status, Option<String>) {
    let AlarmStatus { rule, state, since, reason, evaluation_error, .. } = status;
    (Status { rule, state, since, reason }, evaluation_error)
}

/// Whether an alarm fires or clears. Other changes are not notified.
fn fires_or_clears(change: &StateChange) -> bool {
    change.to == AlarmState::Alarm || change.from == AlarmState::Alarm
}

/// The end of the last whole minute.
pub fn minute(at: Timestamp) -> Timestamp {
    let seconds = at.as_second();
    Timestamp::from_second(seconds - seconds.rem_euclid(60)).unwrap_or(at)
}
