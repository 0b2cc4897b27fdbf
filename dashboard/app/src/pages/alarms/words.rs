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

/// The state of all alarms at a time.
pub fn overall(now: &AlarmsNow, at: Timestamp) -> Overall {
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
        (0, 1) => "1 low alarm is active: look at it in business hours.".to_owned(),
        (0, low) => format!(
            "{} active: look at them in business hours.",
            counted(low, "low alarm is", "low alarms are")
        ),
        (high, 0) => format!(
            "{} active and {} attention now.",
            counted(high, "high alarm is", "high alarms are"),
            needs(high)
        ),
        (high, low) => format!(
            "{} active and {} attention now; {} besides.",
            counted(high, "high alarm is", "high alarms are"),
            needs(high),
            counted(low, "low one", "low ones"),
        ),
    };
    overall(tone, text, None)
}

fn needs(count: u64) -> &'static str {
    if count == 1 { "needs" } else { "need" }
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
        Notified::Never(NotNotified::KnownIncident) => "not notified: its incident was known".to_owned(),
        Notified::Never(NotNotified::Muted) => "not notified: its incident was muted".to_owned(),
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

/// The newest datapoints in words: `4 of the last 5 datapoints are over 30 min; the newest is 38 min; 3 are needed.`
/// `values` are the newest, oldest first; missing ones are `None`.
pub fn reason(condition: &MetricCondition, values: &[Option<f64>]) -> String {
    let known: Vec<f64> = values.iter().flatten().copied().collect();
    let looked_at = condition.evaluation_periods;
    let Some(newest) = known.last() else {
        return format!("All of the last {looked_at} datapoints are missing.");
    };
    let breaching = known.iter().filter(|value| breaches(condition, **value)).count();
    let newest = value(condition, *newest);
    if looked_at == 1 {
        let not = if breaching == 0 { " not" } else { "" };
        return format!("The newest datapoint is {newest}: that is{not} {}.", beyond(condition));
    }
    let count = if breaching == 0 { "None".to_owned() } else { breaching.to_string() };
    let (verb, needed) = (if breaching < 2 { "is" } else { "are" }, condition.datapoints_to_alarm);
    let missing = match values.len() - known.len() {
        0 => String::new(),
        some => format!(", {some} missing"),
    };
    let needed = if needed == 1 { "1 is needed".to_owned() } else { format!("{needed} are needed") };
    format!(
        "{count} of the last {looked_at} datapoints {verb} {}{missing}; the newest is {newest}; {needed}.",
        beyond(condition)
    )
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
