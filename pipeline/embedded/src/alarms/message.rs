//! What a notification says: the JSON that goes to a webhook, and the line in the log.

use serde_json::{Value, json};
use spillway_alerts::hours::{Digest, Message};
use spillway_alerts::{AlarmState, Rule, RuleSet, StateChange, Tier};
use spillway_core::Timestamp;

/// A deep link shows this much before a change …
const BEFORE_S: i64 = 3_600;
/// … and this much after it. What lies in the future is left out when the link is followed.
const AFTER_S: i64 = 1_800;

/// The data that all messages of an evaluation are built from.
pub(super) struct Words<'a> {
    pub(super) rules: &'a RuleSet,
    /// Where the dashboard is, such as `http://127.0.0.1:3000`, if there is one.
    pub(super) dashboard: Option<&'a str>,
    /// For times of day in a digest's text.
    pub(super) zone: &'a jiff::tz::TimeZone,
}

impl Words<'_> {
    /// The kind of the message, `alarm` or `digest`, and the document.
    pub(super) fn document(&self, message: &Message) -> (&'static str, Value) {
        match message {
            Message::Change { tier, change } => ("alarm", self.change(*tier, change)),
            Message::Digest { digest } => ("digest", self.digest(digest)),
        }
    }

    fn change(&self, tier: Tier, change: &StateChange) -> Value {
        let rule = self.rules.get(change.rule.as_str());
        let link = self.dashboard.map(|base| format!("{base}{}", page(change.rule.as_str(), change.at)));
        json!({
            "version": 1,
            "kind": "alarm",
            "id": format!("{}/{}/{}", change.rule, change.at, change.to),
            "at": change.at,
            "text": text(rule, tier, change, link.as_deref()),
            "tier": tier,
            "rule": change.rule,
            "state": change.to,
            "previous_state": change.from,
            "reason": change.reason,
            "summary": rule.map(|rule| &rule.summary),
            "impact": rule.map(|rule| &rule.impact),
            "runbook": rule.map(|rule| &rule.runbook),
            "link": link,
        })
    }

    fn digest(&self, digest: &Digest) -> Value {
        json!({
            "version": 1,
            "kind": "digest",
            "id": format!("digest/{}", digest.opened_at),
            "at": digest.opened_at,
            "text": digest.text(self.zone).trim_end(),
            "digest": digest,
            "link": self.dashboard.map(|base| format!("{base}/alarms")),
        })
    }
}

/// The dashboard's page about a rule around a time.
fn page(rule: &str, at: Timestamp) -> String {
    let moment = |seconds: i64| Timestamp::from_second(at.as_second() + seconds).unwrap_or(at);
    format!("/alarms/{rule}?from={}&to={}", moment(-BEFORE_S), moment(AFTER_S))
}

fn text(rule: Option<&Rule>, tier: Tier, change: &StateChange, link: Option<&str>) -> String {
    let (summary, impact) = rule.map_or(("", ""), |rule| (&*rule.summary, &*rule.impact));
    let mut text = match change.to {
        AlarmState::Alarm => format!("{tier} alarm {}: {summary} {impact} ({})", change.rule, change.reason),
        _ => format!("{tier} alarm {} is over ({})", change.rule, change.reason),
    };
    if let Some(link) = link {
        text.push('\n');
        text.push_str(link);
    }
    text
}

/// Writes a message into the log.
pub(super) fn log(message: &Message, document: &Value) {
    let text = document["text"].as_str().unwrap_or_default();
    match message {
        Message::Change { change, .. } if change.to == AlarmState::Alarm => {
            tracing::warn!(target: "spillway::alarms", rule = %change.rule, "{text}");
        }
        Message::Change { change, .. } => {
            tracing::info!(target: "spillway::alarms", rule = %change.rule, "{text}");
        }
        Message::Digest { .. } => tracing::info!(target: "spillway::alarms", "{text}"),
    }
}
