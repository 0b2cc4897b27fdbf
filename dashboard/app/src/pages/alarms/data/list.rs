//! The alarms of the list, in order.

use super::most_changes;
use crate::{context::Page, pages::alarms::words, ports::Ports};
use jiff::Timestamp;
use spillway_dashboard_model::ReadError;
use spillway_dashboard_model::alarms::{
    AlarmChanges, AlarmState, AlarmStatus, AlarmsNow, Digest, Outlook, Rule, RuleName, Tier, outlooks,
};

/// The data of the list's page. If a part cannot be read, only that part is missing.
pub struct List {
    pub now: AlarmsNow,
    /// The changes in the page's range.
    pub changes: Result<AlarmChanges, ReadError>,
    /// The last opening digest.
    pub digest: Option<Digest>,
    /// When early warnings turn high.
    pub outlooks: Vec<(RuleName, Outlook)>,
}

impl List {
    /// Reads it.
    ///
    /// # Errors
    /// The alarms cannot be read.
    pub async fn read(page: &Page, ports: &Ports) -> Result<Self, ReadError> {
        let alarms = &ports.alarms;
        let changes = alarms.changes(None, page.time_range(), most_changes(page));
        let (now, changes, digest) = futures::join!(alarms.now(), changes, alarms.digest());
        let now = now?;
        let outlooks = outlooks(&*ports.metrics, &now, page.now).await;
        Ok(Self { now, changes, digest: digest.ok().flatten(), outlooks })
    }
}

pub type Listed<'a> = (&'a Rule, AlarmStatus);

/// The filters of the list, from the URL.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filters {
    /// Only this tier.
    pub tier: Option<Tier>,
    /// Only in this state.
    pub state: Option<AlarmState>,
    /// Only of this subsystem.
    pub subsystem: Option<String>,
}

/// States as the URL has them.
pub const STATES: [(&str, AlarmState); 3] =
    [("alarm", AlarmState::Alarm), ("ok", AlarmState::Ok), ("no-data", AlarmState::InsufficientData)];

impl Filters {
    /// Reads `?tier=…&state=…&subsystem=…`. Unknown values do not filter.
    pub fn of(page: &Page) -> Self {
        let state = page.parameter("state");
        Self {
            tier: match page.parameter("tier") {
                Some("high") => Some(Tier::High),
                Some("low") => Some(Tier::Low),
                _ => None,
            },
            state: STATES.iter().find(|(name, _)| Some(*name) == state).map(|(_, state)| *state),
            subsystem: page.parameter("subsystem").map(str::to_owned),
        }
    }

    /// Whether any filter is set.
    pub fn is_narrow(&self) -> bool {
        *self != Self::default()
    }

    fn lets(&self, (rule, status): &Listed<'_>) -> bool {
        self.lets_rule(rule) && self.state.is_none_or(|state| status.state == state)
    }

    /// Whether a rule passes the filters for tier and subsystem.
    pub fn lets_rule(&self, rule: &Rule) -> bool {
        self.tier.is_none_or(|tier| rule.tier == tier)
            && self.subsystem.as_ref().is_none_or(|name| rule.subsystem == *name)
    }
}

/// The alarms that match, the most urgent first.
#[derive(Debug, Default)]
pub struct Sections<'a> {
    /// In alarm: high ones first, then the newest first.
    pub active: Vec<Listed<'a>>,
    /// Cleared since `since`, the newest first.
    pub cleared: Vec<Listed<'a>>,
    /// The others by subsystem, in the order of the rules. The parts of composites are here in any state.
    pub quiet: Vec<(&'a str, Vec<Listed<'a>>)>,
}

impl<'a> Sections<'a> {
    /// Filters and sorts the alarms.
    pub fn of(now: &'a AlarmsNow, filters: &Filters, since: Timestamp) -> Self {
        let mut sections = Self::default();
        for listed in now.all().into_iter().filter(|listed| filters.lets(listed)) {
            let (rule, status) = &listed;
            let cleared = status.last_alarm.as_ref().and_then(|period| period.until);
            if rule.notify && status.state == AlarmState::Alarm {
                sections.active.push(listed);
            } else if rule.notify && cleared.is_some_and(|until| until >= since) {
                sections.cleared.push(listed);
            } else {
                let name = rule.subsystem.as_str();
                match sections.quiet.iter_mut().find(|(known, _)| *known == name) {
                    Some((_, of)) => of.push(listed),
                    None => sections.quiet.push((name, vec![listed])),
                }
            }
        }
        sections
            .active
            .sort_by_key(|(rule, status)| (rule.tier != Tier::High, std::cmp::Reverse(status.since)));
        let cleared = |status: &AlarmStatus| status.last_alarm.as_ref().and_then(|period| period.until);
        sections.cleared.sort_by_key(|(_, status)| std::cmp::Reverse(cleared(status)));
        sections
    }

    pub fn is_empty(&self) -> bool {
        self.active.is_empty() && self.cleared.is_empty() && self.quiet.is_empty()
    }
}

/// The states of a group of inactive alarms: `12 OK, 3 without data`.
pub fn tally(group: &[Listed<'_>]) -> String {
    let count = |wanted: AlarmState| group.iter().filter(|(_, status)| status.state == wanted).count();
    let parts = [
        (count(AlarmState::Alarm), words::state(AlarmState::Alarm)),
        (count(AlarmState::Ok), words::state(AlarmState::Ok)),
        (count(AlarmState::InsufficientData), "without data"),
    ];
    let parts = parts.iter().filter(|(count, _)| *count > 0).map(|(count, word)| format!("{count} {word}"));
    parts.collect::<Vec<_>>().join(", ")
}

/// All subsystems, in the order of the rules.
pub fn subsystems(now: &AlarmsNow) -> Vec<&str> {
    let mut all: Vec<&str> = Vec::new();
    for rule in now.rules.iter() {
        if !all.contains(&rule.subsystem.as_str()) {
            all.push(&rule.subsystem);
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::FutureExt;
    use spillway_core::names::Names;
    use spillway_dashboard_model::alarms::{AlarmSource as _, Limits, Notified, RuleSet};
    use spillway_testkit::ScriptedAlarms;

    fn at(minute: i64) -> Timestamp {
        Timestamp::from_second(1_773_000_000 + 60 * minute).unwrap()
    }

    fn now() -> AlarmsNow {
        let rules = RuleSet::built_in(&Limits::built_in().unwrap()).unwrap();
        let fires = |alarms: ScriptedAlarms, rule: &str, minute| {
            alarms.changed(rule, at(minute), AlarmState::Alarm, "", Notified::At(at(minute)))
        };
        let clears = |alarms: ScriptedAlarms, rule: &str, minute| {
            alarms.changed(rule, at(minute), AlarmState::Ok, "", Notified::At(at(minute)))
        };
        let mut alarms = ScriptedAlarms::new(rules, &Names::default()).evaluated(at(100));
        for (rule, minute) in [
            ("queue-age-low", 50),
            ("table-throttles-low", 90),
            ("queue-age-high", 75),
            ("api-5xx-low", 10),
            ("api-4xx-low", 20),
            ("api-latency-low", 1),
            ("availability-burn-14x-long", 80),
        ] {
            alarms = fires(alarms, rule, minute);
        }
        for (rule, minute) in [("api-5xx-low", 60), ("api-4xx-low", 70), ("api-latency-low", 2)] {
            alarms = clears(alarms, rule, minute);
        }
        alarms.now().now_or_never().unwrap().unwrap()
    }

    fn names(listed: &[Listed<'_>]) -> Vec<String> {
        listed.iter().map(|(rule, _)| rule.name.to_string()).collect()
    }

    #[test]
    fn alarms_that_need_attention_come_first() {
        let now = now();
        let sections = Sections::of(&now, &Filters::default(), at(5));
        assert_eq!(names(&sections.active), ["queue-age-high", "table-throttles-low", "queue-age-low"]);
        assert_eq!(
            names(&sections.cleared),
            ["api-4xx-low", "api-5xx-low"],
            "the newest first, within the range"
        );
        let quiet: usize = sections.quiet.iter().map(|(_, group)| group.len()).sum();
        assert_eq!(quiet + 5, now.rules.len(), "no alarm is missing, and none appears twice");
        let flow = &sections.quiet.iter().find(|(name, _)| *name == "flow").unwrap().1;
        assert!(
            names(flow).contains(&"availability-burn-14x-long".to_owned()),
            "its composite notifies for a part"
        );
        assert!(tally(flow).starts_with("1 in alarm, "), "{}", tally(flow));
    }

    #[test]
    fn filters_are_read_from_the_url_and_apply_to_all_sections() {
        let now = now();
        let of = |query: &str| Filters::of(&Page::of("/alarms", query, "", at(100)));
        let high = Sections::of(&now, &of("tier=high"), at(5));
        assert_eq!(names(&high.active), ["queue-age-high"]);
        assert!(high.quiet.iter().flat_map(|(_, group)| group).all(|(rule, _)| rule.tier == Tier::High));
        let quiet = Sections::of(&now, &of("state=ok&subsystem=api"), at(5));
        assert!(quiet.active.is_empty() && quiet.quiet.iter().all(|(name, _)| *name == "api"));
        assert_eq!(of("tier=urgent&state="), Filters::default(), "unknown values do not filter");
        assert!(Sections::of(&now, &of("subsystem=moon"), at(5)).is_empty());
    }

    #[test]
    fn rules_that_are_not_evaluated_are_listed_without_data() {
        let rules = RuleSet::built_in(&Limits::built_in().unwrap()).unwrap();
        let now = ScriptedAlarms::new(rules, &Names::default()).now().now_or_never().unwrap().unwrap();
        let sections = Sections::of(&now, &Filters::default(), at(0));
        assert!(sections.active.is_empty() && sections.cleared.is_empty());
        assert!(tally(&sections.quiet[0].1).ends_with(" without data"));
        assert_eq!(sections.quiet.len(), subsystems(&now).len());
    }
}
