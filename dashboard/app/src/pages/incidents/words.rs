//! Sentences about incidents.

use super::actions::Done;
use crate::components::Tone;
use crate::context::Page;
use crate::pages::alarms::words::moment;
use jiff::Timestamp;
use spillway_dashboard_model::alarms::{RuleSet, Tier};
use spillway_dashboard_model::incidents::{Incident, MuteKind, NoticeOutcome, Pending, Response};
use spillway_dashboard_words::{counted, duration, relative};

/// What is wrong, in the words of the rule that stands for the incident.
pub(super) fn title(incident: &Incident, rules: &RuleSet) -> String {
    let rule = incident.lead().and_then(|lead| rules.get(lead.rule.as_str()));
    rule.map_or_else(
        || format!("Alarms of {}", incident.cause),
        |rule| rule.summary.trim_end_matches('.').to_owned(),
    )
}

/// Its colour.
pub(super) fn tone(incident: &Incident) -> Tone {
    match (incident.is_active(), incident.tier()) {
        (false, _) => Tone::Neutral,
        (true, Tier::High) => Tone::Bad,
        (true, Tier::Low) => Tone::Warning,
    }
}

/// `for 38 min` or `over 3 h ago, after 12 min`.
pub(super) fn since(incident: &Incident, now: Timestamp) -> String {
    let seconds = |from: Timestamp, to: Timestamp| (to.as_second() - from.as_second()).max(0);
    match incident.ended {
        None => format!("for {}", duration(seconds(incident.active_since, now) as f64)),
        Some(ended) => format!(
            "over {}, after {}",
            relative(seconds(ended, now)),
            duration(seconds(incident.began, ended) as f64)
        ),
    }
}

/// `6 alarms`, or `6 alarms, 2 still active`.
pub(super) fn alarms(incident: &Incident) -> String {
    let all = counted(incident.members.len() as u64, "alarm", "alarms");
    let active = incident.members.iter().filter(|member| member.until.is_none()).count();
    if active == 0 || active == incident.members.len() { all } else { format!("{all}, {active} active") }
}

/// Who has it, and whether it is muted; `None` if that can't be read.
pub(super) fn handled(incident: &Incident, response: Option<&Response>, page: &Page) -> Vec<String> {
    let Some(response) = response else { return vec![UNREAD.to_owned()] };
    let mut parts = Vec::new();
    match response.holder(incident) {
        Some(ack) => parts.push(format!("taken by {}", ack.by)),
        None if incident.is_active() => parts.push("not taken yet".to_owned()),
        None => {}
    }
    if let Some(mute) = response.mute_at(incident, page.now).filter(|_| incident.is_active()) {
        let until = moment(mute.until, page.now, &page.zone);
        parts.push(match mute.kind {
            MuteKind::UntilItClears => format!("muted until it clears, at most until {until}"),
            MuteKind::ForATime => format!("muted until {until}"),
            MuteKind::PlannedWork => format!("muted until {until}: planned work"),
        });
    }
    if !response.notes.is_empty() {
        parts.push(counted(response.notes.len() as u64, "note", "notes"));
    }
    parts
}

/// What a page says that can't know who has an incident.
const UNREAD: &str = "who has it can't be read now";

/// `5 of the 10 datapoints it needs`.
pub(super) fn pending(pending: &Pending) -> String {
    format!("{} of the {} datapoints it needs", pending.breaching, pending.needed)
}

/// Whether people were notified.
pub(super) fn outcome(outcome: NoticeOutcome) -> &'static str {
    match outcome {
        NoticeOutcome::Sent => "notified",
        NoticeOutcome::Held => "not notified out of hours; the digest reports it",
        NoticeOutcome::Muted => "not notified: muted; the digest reports it",
        NoticeOutcome::Simulated => "none sent (demo data)",
    }
}

/// What was done a moment ago.
pub(super) fn done(done: Done) -> &'static str {
    match done {
        Done::Taken => "You have it, until it clears.",
        Done::Released => "It is free to be taken again.",
        Done::Noted => "The note was added.",
        Done::NoteRemoved => "The note was removed. The audit log keeps it.",
        Done::Muted => "It is muted. The next digest says so.",
        Done::Unmuted => "It notifies again.",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use spillway_dashboard_model::alarms::Limits;

    fn incident(document: &str) -> Incident {
        serde_json::from_str(document).unwrap()
    }

    const ACTIVE: &str = r#"{"id":"20260302-0903","began":"2026-03-02T09:03:00Z","active_since":"2026-03-02T09:03:00Z",
        "ended":null,"cause":"queue-age","notices":[],"members":[
        {"rule":"queue-age-low","family":"queue-age","tier":"low","from":"2026-03-02T09:03:00Z","until":null,"firings":1,"reason":""},
        {"rule":"queue-depth-low","family":"queue-depth","tier":"low","from":"2026-03-02T09:04:00Z","until":"2026-03-02T09:05:00Z","firings":1,"reason":""}]}"#;

    #[test]
    fn an_incident_says_what_is_wrong_since_when_and_who_has_it() {
        let rules = RuleSet::built_in(&Limits::built_in().unwrap()).unwrap();
        let page = Page::of("/incidents", "", "", "2026-03-02T09:13:00Z".parse().unwrap());
        let active = incident(ACTIVE);
        assert_eq!(title(&active, &rules), "The oldest message has waited for more than five minutes");
        assert_eq!(
            (since(&active, page.now), alarms(&active)),
            ("for 10 min".to_owned(), "2 alarms, 1 active".to_owned())
        );
        assert_eq!(handled(&active, Some(&Response::default()), &page), ["not taken yet"]);
        let over = incident(&ACTIVE.replace("\"ended\":null", "\"ended\":\"2026-03-02T09:08:00Z\""));
        assert_eq!(since(&over, page.now), "over 5 min ago, after 5 min");
        assert_eq!(handled(&over, Some(&Response::default()), &page), [""; 0], "what is over needs no one");
        assert_eq!(handled(&active, None, &page), [UNREAD], "not the same as not taken");
        assert_eq!(tone(&over), Tone::Neutral);
    }
}
