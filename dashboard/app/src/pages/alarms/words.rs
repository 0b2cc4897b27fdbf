//! Sentences about alarms.

use crate::charts::threshold;
use crate::components::Tone;
use crate::context::Page;
use jiff::{Timestamp, tz::TimeZone};
use spillway_dashboard_charts::Unit;
use spillway_dashboard_model::alarms::{
    AlarmState, AlarmStatus, AlarmsNow, MetricCondition, NotNotified, Notified, Rule, Suppressed, Suppressor,
    Tier, unit,
};
use spillway_dashboard_model::flow::VerdictState;
use spillway_dashboard_words::{counted, duration, relative};

/// Seconds without an evaluation after which the states are stale. Rules are evaluated every minute.
const STALE_S: i64 = 180;

/// The state of all alarms.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Overall {
    pub tone: Tone,
    pub text: String,
    /// Details, if any.
    pub more: Option<String>,
    /// Whether the states are stale, because nothing evaluates the rules.
    pub is_stale: bool,
}

/// The state of all alarms at a time. Beside a verdict that something fails, low alarms don't wait for business hours.
pub fn overall(now: &AlarmsNow, at: Timestamp, verdict: Option<VerdictState>) -> Overall {
    let overall = |tone, text, more| Overall { tone, text, more, is_stale: false };
    let rules = counted(now.rules.len() as u64, "rule", "rules");
    let Some(evaluated_at) = now.evaluated_at else {
        let text = "The alarm rules have not been evaluated yet.".to_owned();
        let more = format!("{rules} wait. The running pipeline evaluates them every minute.");
        return overall(Tone::Unknown, text, Some(more));
    };
    let age = at.as_second() - evaluated_at.as_second();
    if age > STALE_S {
        let text = format!("The alarm rules have not been evaluated for {}.", duration(age as f64));
        let more = "The states below are from then. Is the pipeline running?".to_owned();
        return Overall { is_stale: true, ..overall(Tone::Warning, text, Some(more)) };
    }
    let checked = format!("{rules}, evaluated {}.", relative(age));
    let active = now.active();
    let high = active.iter().filter(|(rule, _)| rule.tier == Tier::High).count() as u64;
    let low = active.len() as u64 - high;
    let tone = if high > 0 { Tone::Bad } else { Tone::Warning };
    let text = match (high, low) {
        (0, 0) => {
            let text = "No alarm is active.".to_owned();
            return overall(Tone::Good, text, Some(quiet(now, at, &checked)));
        }
        (0, low) => {
            format!(
                "{} active{}",
                counted(low, "low alarm is", "low alarms are"),
                when(now, at, verdict, low)
            )
        }
        (high, 0) => format!("{} action now.", counted(high, "high alarm needs", "high alarms need")),
        (high, low) => {
            format!("{} action now. {low} low.", counted(high, "high alarm needs", "high alarms need"))
        }
    };
    overall(tone, text, None)
}

/// When to look at low alarms: by the verdict, then by what they warn of, then by the calendar.
fn when(now: &AlarmsNow, at: Timestamp, verdict: Option<VerdictState>, low: u64) -> String {
    match verdict {
        Some(VerdictState::Failing) => {
            return ", and no high one yet. The pipeline fails: act now.".to_owned();
        }
        Some(VerdictState::Degrading) => {
            return ", and no high one yet. The pipeline degrades: see what to do above.".to_owned();
        }
        Some(VerdictState::Recovering) => {
            return ". The pipeline recovers: they clear by themselves.".to_owned();
        }
        Some(VerdictState::Healthy) | None => {}
    }
    let warns = |(rule, _): &(&Rule, &AlarmStatus)| now.twin(rule.name.as_str()).is_some();
    let early = now.active().iter().filter(|alarm| warns(alarm)).count() as u64;
    let them = if low == 1 { "it" } else { "them" };
    match &now.hours {
        _ if early > 0 => {
            let turn = if early == 1 { "turns" } else { "turn" };
            format!(". {early} of {them} {turn} high if it gets worse.").replace("1 of it", "It")
        }
        Some(hours) if !hours.is_open(at) => format!(": look at {them} in business hours."),
        _ => format!(": look at {them} today."),
    }
}

fn quiet(now: &AlarmsNow, at: Timestamp, checked: &str) -> String {
    let last = now.statuses.iter().filter_map(|status| status.last_alarm.as_ref());
    let last = last.filter_map(|period| Some((period.until?, &period.rule))).max();
    match last {
        Some((until, rule)) => {
            let ago = relative(at.as_second() - until.as_second());
            format!("{checked} The last to clear was {rule}, {ago}.")
        }
        None => checked.to_owned(),
    }
}

/// A state in a word or two.
pub fn state(state: AlarmState) -> &'static str {
    match state {
        AlarmState::Ok => "OK",
        AlarmState::Alarm => "in alarm",
        AlarmState::InsufficientData => "no data",
    }
}

/// A change of state in a word or two.
pub fn change(from: AlarmState, to: AlarmState) -> &'static str {
    match (from, to) {
        (_, AlarmState::Alarm) => "fired",
        (AlarmState::Alarm, AlarmState::Ok) => "cleared",
        (_, AlarmState::Ok) => "has data again",
        (_, AlarmState::InsufficientData) => "no data",
    }
}

/// What a state means for the reader.
pub fn tone(state: AlarmState, tier: Tier) -> Tone {
    match (state, tier) {
        (AlarmState::Ok, _) => Tone::Good,
        (AlarmState::Alarm, Tier::High) => Tone::Bad,
        (AlarmState::Alarm, Tier::Low) => Tone::Warning,
        (AlarmState::InsufficientData, _) => Tone::Unknown,
    }
}

/// The text with a capital first letter.
pub fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// The heading of a subsystem.
pub fn subsystem(name: &str) -> String {
    match name {
        "api" => "API".to_owned(),
        "flow" => "Flow and objectives".to_owned(),
        other => capitalised(&other.replace('_', " ")),
    }
}

/// A time on another day: `Mon 09:00`, or with the date beyond a week.
pub fn moment(at: Timestamp, now: Timestamp, zone: &TimeZone) -> String {
    let [at, now] = [at, now].map(|moment| moment.to_zoned(zone.clone()));
    let days = (at.timestamp().as_second() - now.timestamp().as_second()).abs() / 86_400;
    let format = match () {
        () if at.date() == now.date() => "%H:%M",
        () if days < 6 => "%a %H:%M",
        () => "%a %-d %b %H:%M",
    };
    at.strftime(format).to_string()
}

/// Whether and when people were notified of a change or a state.
pub fn notified(notified: &Notified, page: &Page) -> String {
    let when = |at: &Timestamp| moment(*at, page.now, &page.zone);
    match notified {
        Notified::At(at) => format!("notified {}", when(at)),
        Notified::Sending(since) => format!("sending to the webhook since {}", when(since)),
        Notified::Held(Some(until)) => format!("held back until {}", when(until)),
        Notified::Held(None) => "held back until business hours".to_owned(),
        Notified::InDigest(at) => format!("notified in the digest of {}", when(at)),
        Notified::BySubsystem => "notified in business hours, by its subsystem's alarm".to_owned(),
        Notified::Failed { at, reason } => format!("notifying failed {}: {reason}", when(at)),
        Notified::Never(NotNotified::Part) => "not notified: part of a composite alarm".to_owned(),
        Notified::Never(NotNotified::NoNews) => "not notified".to_owned(),
        Notified::Never(NotNotified::Simulated) => "not notified: simulated".to_owned(),
    }
}

/// Until when notifications are held back.
pub fn held(suppressed: &Suppressed, page: &Page) -> String {
    match suppressed.until {
        Some(until) => format!("held back until {}", moment(until, page.now, &page.zone)),
        None => "held back".to_owned(),
    }
}

/// Until when notifications are held back, and the reason.
pub fn suppressed(suppressed: &Suppressed, page: &Page) -> String {
    let held = held(suppressed, page);
    match &suppressed.by {
        Suppressor::BusinessHours => format!("{held}: outside business hours"),
        Suppressor::Alarm(rule) => format!("{held} by {rule}"),
    }
}

/// How long it is in alarm, or when it cleared: `for 38 min`, `cleared 3 h ago, after 12 min`.
pub fn since(status: &AlarmStatus, now: Timestamp) -> Option<String> {
    let seconds = |from: Timestamp, to: Timestamp| to.as_second() - from.as_second();
    match (status.state, &status.last_alarm) {
        (AlarmState::Alarm, _) => {
            status.since.map(|since| format!("for {}", duration(seconds(since, now).max(0) as f64)))
        }
        (_, Some(last)) => last.until.map(|until| {
            let lasted = duration(seconds(last.from, until) as f64);
            format!("cleared {}, after {lasted}", relative(seconds(until, now)))
        }),
        _ => None,
    }
}

/// When a rule is in alarm: `3 of the last 5 datapoints, of 1 min each, are over 30 min`.
pub fn condition(condition: &MetricCondition) -> String {
    let (needed, of) = (condition.datapoints_to_alarm, condition.evaluation_periods);
    let datapoints = match (needed, of) {
        (1, 1) => format!("a datapoint of {} is", period(condition)),
        (all, of) if all == of => format!("{of} datapoints in a row, of {} each, are", period(condition)),
        (1, of) => format!("one of the last {of} datapoints, of {} each, is", period(condition)),
        (needed, of) => format!("{needed} of the last {of} datapoints, of {} each, are", period(condition)),
    };
    format!("{datapoints} {}", beyond(condition))
}

/// The newest datapoints in words: `Over 30 min in 4 of the last 5 minutes (now 38 min); fires at 3.`
/// `values` are the newest, oldest first; missing ones are `None`.
pub fn reason(condition: &MetricCondition, values: &[Option<f64>]) -> String {
    let known: Vec<f64> = values.iter().flatten().copied().collect();
    let looked_at = condition.evaluation_periods;
    let span = duration(f64::from(condition.period) * looked_at as f64);
    let Some(newest) = known.last() else {
        return format!("No data in the last {span}.");
    };
    let breaching = known.iter().filter(|value| breaches(condition, **value)).count();
    let newest = value(condition, *newest);
    let side = capitalised(&beyond(condition));
    if looked_at == 1 {
        let not = if breaching == 0 { "Not " } else { "" };
        let side = if breaching == 0 { beyond(condition) } else { side };
        return format!("{not}{side} in the last {span} (now {newest}).");
    }
    // Periods of a minute are minutes for people.
    let periods = match condition.period {
        60 => format!("the last {looked_at} minutes"),
        _ => format!("the last {looked_at} periods of {}", period(condition)),
    };
    let missing = match looked_at.saturating_sub(known.len()) {
        0 => String::new(),
        some => format!(", {some} without data"),
    };
    let needed = condition.datapoints_to_alarm;
    format!("{side} in {breaching} of {periods}{missing} (now {newest}); fires at {needed}.")
}

/// Whether a value breaches the threshold.
pub fn breaches(condition: &MetricCondition, value: f64) -> bool {
    condition.comparison.breaches(value, condition.threshold)
}

/// `over 30 min`.
fn beyond(condition: &MetricCondition) -> String {
    format!("{} {}", condition.comparison.side(), threshold(chart_unit(condition), condition.threshold))
}

/// A value in the rule's unit, in short form.
pub fn value(condition: &MetricCondition, value: f64) -> String {
    chart_unit(condition).format(value)
}

/// The unit of a rule's chart.
pub fn chart_unit(condition: &MetricCondition) -> Unit {
    unit(condition).into()
}

/// The length of a rule's datapoints.
pub fn period(condition: &MetricCondition) -> String {
    duration(f64::from(condition.period))
}

/// The id and the description of each metric of a rule: `Maximum of AWS/SQS ApproximateAgeOfOldestMessage`.
pub fn metrics(condition: &MetricCondition) -> Vec<(String, String)> {
    let one = |query: &spillway_dashboard_model::alarms::Query| {
        let stat = &query.stat;
        (query.id.clone(), format!("{} of {} {}", stat.statistic, stat.metric.namespace, stat.metric.name))
    };
    condition.queries.iter().map(one).collect()
}

/// The tier in words: when it notifies.
pub fn tier(rule: &Rule) -> &'static str {
    match (rule.notify, rule.tier) {
        (false, _) => "part of a composite alarm; does not notify on its own",
        (true, Tier::High) => "high: notifies at once, at any hour",
        (true, Tier::Low) => "low: notifies in business hours",
    }
}

#[cfg(test)]
mod tests;
