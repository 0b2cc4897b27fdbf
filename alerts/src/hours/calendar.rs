//! The calendar: days, hours and holidays in one time zone.

use jiff::civil::{Date, Time, Weekday};
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Longer than any run of holidays; a calendar without an open day within it is refused.
const LOOK_AHEAD_DAYS: i64 = 370;

/// Business hours as they are written down.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HoursConfig {
    /// IANA name, such as `Europe/Berlin`.
    pub zone: String,
    /// Working days: `monday` to `sunday`.
    pub days: Vec<String>,
    /// Local time at which they begin, such as `09:00`.
    pub open: Time,
    /// Local time at which they end, later on the same day.
    pub close: Time,
    /// Days on which no engineer works.
    #[serde(default)]
    pub holidays: Vec<Date>,
}

/// Business hours cannot be used as they are written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HoursError {
    /// The zone is not in the time zone database.
    #[error("`{0}` is not a time zone; expected an IANA name such as Europe/Berlin")]
    Zone(String),
    /// A day has no such name.
    #[error("`{0}` is not a day; expected monday, tuesday, wednesday, thursday, friday, saturday or sunday")]
    Day(String),
    /// No day is a working day.
    #[error("no day is a working day; expected at least one in `days`")]
    NoDays,
    /// The end is not after the beginning.
    #[error("business hours end at {close}, which is not after {open}")]
    Order {
        /// Beginning.
        open: Time,
        /// End.
        close: Time,
    },
}

/// The hours in which low alarms notify.
#[derive(Clone, Debug, PartialEq)]
pub struct BusinessHours {
    zone: TimeZone,
    days: Vec<Weekday>,
    open: Time,
    close: Time,
    holidays: BTreeSet<Date>,
}

impl BusinessHours {
    /// Checks a configuration and takes it over.
    pub fn new(config: &HoursConfig) -> Result<Self, HoursError> {
        let zone = TimeZone::get(&config.zone).map_err(|_| HoursError::Zone(config.zone.clone()))?;
        let days = config.days.iter().map(|day| weekday(day)).collect::<Result<Vec<_>, _>>()?;
        if days.is_empty() {
            return Err(HoursError::NoDays);
        }
        if config.close <= config.open {
            return Err(HoursError::Order { open: config.open, close: config.close });
        }
        let holidays = config.holidays.iter().copied().collect();
        Ok(Self { zone, days, open: config.open, close: config.close, holidays })
    }

    /// The time zone they are in.
    pub fn zone(&self) -> &TimeZone {
        &self.zone
    }

    /// Whether business hours are open at `at`.
    pub fn is_open(&self, at: Timestamp) -> bool {
        let date = at.to_zoned(self.zone.clone()).date();
        self.hours_of(date).is_some_and(|(open, close)| open <= at && at < close)
    }

    /// The next time that business hours begin after `at`. `None` if holidays leave no day for a year.
    pub fn next_opening(&self, at: Timestamp) -> Option<Timestamp> {
        self.days_from(at, 1)
            .filter_map(|date| self.hours_of(date))
            .map(|(open, _)| open)
            .find(|open| *open > at)
    }

    /// The last time that they began, at or before `at`.
    pub fn last_opening(&self, at: Timestamp) -> Option<Timestamp> {
        self.days_from(at, -1)
            .filter_map(|date| self.hours_of(date))
            .map(|(open, _)| open)
            .find(|open| *open <= at)
    }

    /// The last time that they ended, at or before `at`.
    pub fn last_closing(&self, at: Timestamp) -> Option<Timestamp> {
        self.days_from(at, -1)
            .filter_map(|date| self.hours_of(date))
            .map(|(_, close)| close)
            .find(|close| *close <= at)
    }

    /// Dates from the local one of `at` on, forwards or backwards.
    fn days_from(&self, at: Timestamp, direction: i64) -> impl Iterator<Item = Date> {
        let today = at.to_zoned(self.zone.clone()).date();
        (0..LOOK_AHEAD_DAYS)
            .filter_map(move |days| today.checked_add(Span::new().days(days * direction)).ok())
    }

    /// Beginning and end on `date`, if it is a working day. A local time that daylight saving skips counts an
    /// hour later. One that it repeats counts the first time.
    fn hours_of(&self, date: Date) -> Option<(Timestamp, Timestamp)> {
        if !self.days.contains(&date.weekday()) || self.holidays.contains(&date) {
            return None;
        }
        let moment = |time: Time| self.zone.to_ambiguous_timestamp(date.to_datetime(time)).compatible().ok();
        Some((moment(self.open)?, moment(self.close)?))
    }
}

fn weekday(name: &str) -> Result<Weekday, HoursError> {
    Ok(match name {
        "monday" => Weekday::Monday,
        "tuesday" => Weekday::Tuesday,
        "wednesday" => Weekday::Wednesday,
        "thursday" => Weekday::Thursday,
        "friday" => Weekday::Friday,
        "saturday" => Weekday::Saturday,
        "sunday" => Weekday::Sunday,
        _ => return Err(HoursError::Day(name.to_owned())),
    })
}
