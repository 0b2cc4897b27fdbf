//! What a notification says: the JSON that goes to a webhook, and the line in the log.

use serde_json::{Value, json};
use spillway_alerts::hours::{Digest, Message};
use spillway_alerts::incidents::{IncidentId, News};
use spillway_alerts::{Rule, RuleSet, StateChange, Tier};
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
            Message::Change { tier, change, incident, news } => {
                ("alarm", self.change(*tier, change, incident, *news))
            }
            Message::Digest { digest } => ("digest", self.digest(digest)),
        }
    }

    fn change(&self, tier: Tier, change: &StateChange, incident: &IncidentId, news: News) -> Value {
        let rule = self.rules.get(change.rule.as_str());
        let link = self.dashboard.map(|base| format!("{base}{}", page(change.rule.as_str(), change.at)));
        let incident_link = self.dashboard.map(|base| format!("{base}/incidents/{incident}"));
        let id = match news {
            News::MuteOver => format!("{}/{}/mute-over", change.rule, change.at),
            _ => format!("{}/{}/{}", change.rule, change.at, change.to),
        };
        json!({
            "version": 1,
            "kind": "alarm",
            "id": id,
            "at": change.at,
            "text": text(rule, tier, change, news, incident_link.as_deref()),
            "incident": incident,
            "news": news,
            "incident_link": incident_link,
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

fn text(rule: Option<&Rule>, tier: Tier, change: &StateChange, news: News, link: Option<&str>) -> String {
    let (summary, impact) = rule.map_or(("", ""), |rule| (&*rule.summary, &*rule.impact));
    let (name, reason) = (&change.rule, &change.reason);
    let mut text = match news {
        News::Opened | News::Escalated => format!("{tier} alarm {name}: {summary} {impact} ({reason})"),
        News::NewCause => {
            format!("{tier} alarm {name}, the root cause of an incident: {summary} {impact} ({reason})")
        }
        News::Again => format!("{tier} alarm {name} again: {summary} {impact} ({reason})"),
        News::MuteOver => {
            format!("{tier} alarm {name}: the mute is over, and it is still active. {summary} ({reason})")
        }
        News::Over => format!("{tier} alarm {name} is over, and so is the incident ({reason})"),
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
        Message::Change { change, news, .. } if news.is_alert() => {
            tracing::warn!(target: "spillway::alarms", rule = %change.rule, "{text}");
        }
        Message::Change { change, .. } => {
            tracing::info!(target: "spillway::alarms", rule = %change.rule, "{text}");
        }
        Message::Digest { .. } => tracing::info!(target: "spillway::alarms", "{text}"),
    }
}
