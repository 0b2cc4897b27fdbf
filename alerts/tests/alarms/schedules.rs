//! Terraform's schedules and this crate's business hours are the same hours. `terraform/tests/calendars` has
//! calendars with the expressions that Terraform makes of them, as its own test checks. This test follows them
//! through two years.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use jiff::civil::Date;
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{SignedDuration, Timestamp, ToSpan};
use serde::Deserialize;
use spillway_alerts::hours::{BusinessHours, HoursConfig};
use std::collections::{BTreeMap, BTreeSet};

#[derive(Deserialize)]
struct Calendar {
    hours: HoursConfig,
    openings: BTreeMap<String, String>,
    closings: BTreeMap<String, String>,
}

/// An expression as EventBridge Scheduler takes it: `cron(minute hour day-of-month month day-of-week year)`.
struct Cron {
    minute: i8,
    hour: i8,
    days: Option<BTreeSet<i16>>,
    months: Option<BTreeSet<i16>>,
    weekdays: Option<BTreeSet<String>>,
    years: Option<BTreeSet<i16>>,
}

impl Cron {
    fn parse(text: &str) -> Self {
        let fields = text.strip_prefix("cron(").and_then(|rest| rest.strip_suffix(')')).unwrap();
        let fields: Vec<&str> = fields.split(' ').collect();
        let [minute, hour, days, months, weekdays, years] = fields[..] else { panic!("{text}") };
        assert_ne!(days == "?", weekdays == "?", "one of the two is left open: {text}");
        let weekdays =
            (weekdays != "?").then(|| weekdays.split(',').map(str::to_owned).collect::<BTreeSet<_>>());
        Self {
            minute: minute.parse().unwrap(),
            hour: hour.parse().unwrap(),
            days: numbers(days),
            months: numbers(months),
            weekdays,
            years: numbers(years),
        }
    }

    /// When it is due on `date`. Scheduler leaves out a time that daylight saving skips, and takes one that it repeats once.
    fn on(&self, date: Date, zone: &TimeZone) -> Option<Timestamp> {
        let has =
            |set: &Option<BTreeSet<i16>>, value: i16| set.as_ref().is_none_or(|set| set.contains(&value));
        let weekday = date.strftime("%a").to_string().to_uppercase();
        let due = has(&self.years, date.year())
            && has(&self.months, date.month().into())
            && has(&self.days, date.day().into())
            && self.weekdays.as_ref().is_none_or(|set| set.contains(&weekday));
        let local = zone.to_ambiguous_timestamp(date.at(self.hour, self.minute, 0, 0));
        let skipped = matches!(local.offset(), AmbiguousOffset::Gap { .. });
        (due && !skipped).then(|| local.compatible().unwrap())
    }
}

/// `1,2,5-9`; nothing for a field that any value fits.
fn numbers(field: &str) -> Option<BTreeSet<i16>> {
    let range = |part: &str| {
        let (from, to) = part.split_once('-').unwrap_or((part, part));
        from.parse::<i16>().unwrap()..=to.parse::<i16>().unwrap()
    };
    (!matches!(field, "?" | "*")).then(|| field.split(',').flat_map(range).collect())
}

/// Every moment of these years at which one of the expressions is due.
fn due(expressions: &BTreeMap<String, String>, zone: &TimeZone, from: Date, to: Date) -> BTreeSet<Timestamp> {
    let crons: Vec<Cron> = expressions.values().map(|text| Cron::parse(text)).collect();
    let mut due = BTreeSet::new();
    for date in from.series(1.day()).take_while(|date| *date < to) {
        let moments: Vec<_> = crons.iter().filter_map(|cron| cron.on(date, zone)).collect();
        assert!(moments.len() <= 1, "{date}: two schedules at once");
        due.extend(moments);
    }
    due
}

#[test]
fn schedules_and_business_hours_are_the_same_hours() {
    let calendars = include_str!("../../../terraform/tests/calendars/calendars.json");
    let calendars: Vec<Calendar> = serde_json::from_str(calendars).unwrap();
    assert_eq!(calendars.len(), 3);
    for Calendar { hours: config, openings, closings } in calendars {
        let hours = BusinessHours::new(&config).unwrap();
        let (zone, name) = (hours.zone().clone(), &config.zone);
        let (from, to) = (jiff::civil::date(2026, 1, 1), jiff::civil::date(2028, 2, 1));
        let openings = due(&openings, &zone, from, to);
        let closings = due(&closings, &zone, from, to);

        let mut expected = BTreeSet::new();
        let mut at = from.to_zoned(zone.clone()).unwrap().timestamp() - SignedDuration::from_secs(1);
        let end = to.to_zoned(zone.clone()).unwrap().timestamp();
        while let Some(opening) = hours.next_opening(at).filter(|opening| *opening < end) {
            expected.insert(opening);
            at = opening;
        }
        assert!(expected.len() > 490, "{name}: {} openings", expected.len());
        assert_eq!(openings, expected, "{name}");

        // The suppressor's last change decides its state: it is OK exactly while business hours are open.
        let mut moment = *openings.first().unwrap();
        while moment < end {
            let opened = openings.range(..=moment).next_back();
            let closed = closings.range(..=moment).next_back();
            assert_eq!(opened > closed, hours.is_open(moment), "{name} at {moment}");
            moment += SignedDuration::from_mins(7);
        }
    }
}
