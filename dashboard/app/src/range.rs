//! The time range of a page. It is in the URL, so a link shows a colleague the same data.
//!
//! `?range=24h` moves with the clock; `?from=…&to=…` is fixed. Both ends are RFC 3339 (`2026-03-01T12:00:00Z`) or, from
//! a browser's form, a date and time (`2026-03-01T12:00`) in the zone of `&zone=`. The form adds the zone, so that the
//! link means the same to every reader.

use jiff::{SignedDuration, Timestamp, civil::DateTime, tz::TimeZone};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use spillway_metrics::retention;
use thiserror::Error;

/// The longest range, as long as CloudWatch keeps hourly data.
const LONGEST: SignedDuration = SignedDuration::from_secs(retention::LONGEST);

/// A range that moves with the clock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Preset {
    /// The last hour.
    Hour,
    /// The last three hours.
    ThreeHours,
    /// The last 24 hours.
    #[default]
    Day,
    /// The last seven days.
    Week,
}

impl Preset {
    /// All of them, shortest first.
    pub const ALL: [Self; 4] = [Self::Hour, Self::ThreeHours, Self::Day, Self::Week];

    /// The value in the URL.
    pub fn name(self) -> &'static str {
        match self {
            Self::Hour => "1h",
            Self::ThreeHours => "3h",
            Self::Day => "24h",
            Self::Week => "7d",
        }
    }

    /// The text on the page.
    pub fn label(self) -> &'static str {
        match self {
            Self::Hour => "1 h",
            Self::ThreeHours => "3 h",
            Self::Day => "24 h",
            Self::Week => "7 d",
        }
    }

    /// How long it is.
    pub fn length(self) -> SignedDuration {
        SignedDuration::from_hours(match self {
            Self::Hour => 1,
            Self::ThreeHours => 3,
            Self::Day => 24,
            Self::Week => 7 * 24,
        })
    }

    fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|preset| preset.name() == name)
    }
}

/// From when to when. `from` is always before `to`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Range {
    /// Where it begins.
    pub from: Timestamp,
    /// Where it ends; not after now.
    pub to: Timestamp,
    /// The preset that it came from; `None` for a fixed range.
    pub preset: Option<Preset>,
}

/// Why a range in a URL is invalid.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum RangeError {
    /// No such preset.
    #[error("there is no range “{0}”; use 1h, 3h, 24h or 7d")]
    UnknownPreset(String),
    /// Not a time.
    #[error("“{0}” is not a time; write it like 2026-03-01T12:00:00Z")]
    NotATime(String),
    /// One end is missing.
    #[error("a range needs both a beginning and an end")]
    OneEnd,
    /// No such zone.
    #[error("there is no time zone “{0}”")]
    UnknownZone(String),
    /// It is empty.
    #[error("the range ends before it begins")]
    Backwards,
    /// It is all in the future.
    #[error("the range has not begun yet")]
    Future,
    /// Metrics are not kept that long.
    #[error("the range is longer than the {} days for which metrics are kept", retention::LONGEST_DAYS)]
    TooLong,
}

impl Range {
    /// The range that ends now.
    pub fn last(preset: Preset, now: Timestamp) -> Self {
        Self { from: now - preset.length(), to: now, preset: Some(preset) }
    }

    /// Reads a range from a URL's query. Without one, the range is the default.
    ///
    /// # Errors
    /// The query has an invalid range. The error says what to write instead.
    pub fn from_query<'a>(
        get: impl Fn(&str) -> Option<&'a str>,
        now: Timestamp,
        zone: &TimeZone,
    ) -> Result<Self, RangeError> {
        let given = |name| get(name).map(str::trim).filter(|value| !value.is_empty());
        let (from, to) = match (given("from"), given("to")) {
            (Some(from), Some(to)) => (from, to),
            (None, None) => {
                let preset = match given("range") {
                    Some(name) => {
                        Preset::parse(name).ok_or_else(|| RangeError::UnknownPreset(shortened(name)))?
                    }
                    None => Preset::default(),
                };
                return Ok(Self::last(preset, now));
            }
            _ => return Err(RangeError::OneEnd),
        };
        let named = given("zone")
            .map(|name| TimeZone::get(name).map_err(|_| RangeError::UnknownZone(shortened(name))));
        let zone = named.transpose()?.unwrap_or_else(|| zone.clone());
        let (from, to) = (moment(from, &zone)?, moment(to, &zone)?);
        if from >= to {
            return Err(RangeError::Backwards);
        }
        if from >= now {
            return Err(RangeError::Future);
        }
        if to.duration_since(from) > LONGEST {
            return Err(RangeError::TooLong);
        }
        Ok(Self { from, to: to.min(now), preset: None })
    }

    /// How long it is.
    pub fn length(&self) -> SignedDuration {
        self.to.duration_since(self.from)
    }

    /// The part of a URL's query for this range: `range=24h` or `from=…&to=…`.
    pub fn to_query(&self) -> String {
        match self.preset {
            Some(preset) => format!("range={}", preset.name()),
            None => {
                let encoded =
                    |at: Timestamp| utf8_percent_encode(&at.to_string(), NON_ALPHANUMERIC).to_string();
                format!("from={}&to={}", encoded(self.from), encoded(self.to))
            }
        }
    }

    /// The text on the page: `24 h`, or both ends in that zone, with the year if it is not that of now.
    pub fn label(&self, now: Timestamp, zone: &TimeZone) -> String {
        let Some(preset) = self.preset else {
            let [from, to, now] = [self.from, self.to, now].map(|at| at.to_zoned(zone.clone()));
            let is_this_year = from.year() == to.year() && to.year() == now.year();
            let (day, end) = match (is_this_year, from.date() == to.date()) {
                (true, true) => ("%-d %b %H:%M", "%H:%M"),
                (true, false) => ("%-d %b %H:%M", "%-d %b %H:%M"),
                (false, true) => ("%-d %b %Y %H:%M", "%H:%M"),
                (false, false) => ("%-d %b %Y %H:%M", "%-d %b %Y %H:%M"),
            };
            return format!("{} – {}", from.strftime(day), to.strftime(end));
        };
        preset.label().to_owned()
    }
}

/// The beginning of the minute. A range that follows the clock then asks the same for a minute, and viewers share the
/// answer.
pub fn aligned(at: Timestamp) -> Timestamp {
    Timestamp::from_second(at.as_second().div_euclid(60) * 60).unwrap_or(at)
}

fn moment(text: &str, zone: &TimeZone) -> Result<Timestamp, RangeError> {
    if let Ok(moment) = text.parse::<Timestamp>() {
        return Ok(moment);
    }
    let not_a_time = || RangeError::NotATime(shortened(text));
    let civil: DateTime = text.parse().map_err(|_| not_a_time())?;
    civil.to_zoned(zone.clone()).map(|zoned| zoned.timestamp()).map_err(|_| not_a_time())
}

/// Cuts a value from the URL that is too long to show.
fn shortened(text: &str) -> String {
    text.chars().take(40).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(query: &[(&str, &'static str)], zone: &str) -> Result<Range, RangeError> {
        let now: Timestamp = "2026-03-10T12:00:00Z".parse().unwrap();
        let find = |name: &str| query.iter().find(|(key, _)| *key == name).map(|(_, value)| *value);
        Range::from_query(find, now, &TimeZone::get(zone).unwrap())
    }

    #[test]
    fn a_preset_ends_now() {
        let range = read(&[("range", "3h")], "UTC").unwrap();
        assert_eq!(range.from.to_string(), "2026-03-10T09:00:00Z");
        assert_eq!(range.to_query(), "range=3h");
        assert_eq!(read(&[], "UTC").unwrap().preset, Some(Preset::Day), "no range is the last day");
        assert_eq!(read(&[("range", "")], "UTC").unwrap().preset, Some(Preset::Day));
    }

    #[test]
    fn local_times_of_a_form_are_read_in_its_zone() {
        let query = [("from", "2026-03-01T12:00"), ("to", "2026-03-01T13:30"), ("zone", "America/New_York")];
        let range = read(&query, "UTC").unwrap();
        assert_eq!(range.to_query(), "from=2026%2D03%2D01T17%3A00%3A00Z&to=2026%2D03%2D01T18%3A30%3A00Z");
        let reader = read(&query[..2], "Europe/Berlin").unwrap();
        assert_eq!(
            reader.from.to_string(),
            "2026-03-01T11:00:00Z",
            "without a zone, the reader's zone applies"
        );
        let now = |text: &str| text.parse::<Timestamp>().unwrap();
        assert_eq!(reader.label(now("2026-03-10T12:00:00Z"), &TimeZone::UTC), "1 Mar 11:00 – 12:30");
        assert_eq!(
            reader.label(now("2027-01-10T12:00:00Z"), &TimeZone::UTC),
            "1 Mar 2026 11:00 – 12:30",
            "another year is named"
        );
        let turn = Range { to: now("2027-01-01T01:00:00Z"), ..reader };
        assert_eq!(
            turn.label(now("2027-01-10T12:00:00Z"), &TimeZone::UTC),
            "1 Mar 2026 11:00 – 1 Jan 2027 01:00"
        );
    }

    #[test]
    fn a_range_that_reaches_into_the_future_ends_now() {
        let range = read(&[("from", "2026-03-10T11:00:00Z"), ("to", "2026-03-11T00:00:00Z")], "UTC").unwrap();
        assert_eq!(range.length(), SignedDuration::from_hours(1));
    }

    #[test]
    fn an_invalid_range_is_an_error_with_the_reason() {
        let custom = |from, to| read(&[("from", from), ("to", to)], "UTC").unwrap_err();
        assert_eq!(read(&[("range", "2h")], "UTC").unwrap_err(), RangeError::UnknownPreset("2h".into()));
        assert_eq!(read(&[("from", "2026-03-01T00:00Z")], "UTC").unwrap_err(), RangeError::OneEnd);
        assert_eq!(custom("noon", "2026-03-01T00:00:00Z"), RangeError::NotATime("noon".into()));
        assert_eq!(custom("2026-03-02T00:00:00Z", "2026-03-01T00:00:00Z"), RangeError::Backwards);
        assert_eq!(custom("2026-03-12T00:00:00Z", "2026-03-13T00:00:00Z"), RangeError::Future);
        assert_eq!(custom("2020-03-12T00:00:00Z", "2026-03-01T00:00:00Z"), RangeError::TooLong);
        let zone =
            read(&[("from", "2026-03-01T00:00"), ("to", "2026-03-01T01:00"), ("zone", "Mars/Base")], "UTC");
        assert_eq!(zone.unwrap_err(), RangeError::UnknownZone("Mars/Base".into()));
    }
}
