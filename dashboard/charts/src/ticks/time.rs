//! The time axis: ticks at round times.

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp, ToSpan, Zoned};

const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// A safety limit: more ticks mean a defect in the computation.
const MAX_TICKS: usize = 64;

/// A labelled time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TimeTick {
    /// Unix seconds.
    pub at: i64,
    pub label: String,
}

/// The distance between ticks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Every {
    Seconds(i64),
    Days(i64),
    Months(i64),
    Years(i64),
}

impl Every {
    /// All steps, ascending.
    const ALL: [Self; 27] = [
        Self::Seconds(1),
        Self::Seconds(5),
        Self::Seconds(10),
        Self::Seconds(30),
        Self::Seconds(MINUTE),
        Self::Seconds(2 * MINUTE),
        Self::Seconds(5 * MINUTE),
        Self::Seconds(10 * MINUTE),
        Self::Seconds(15 * MINUTE),
        Self::Seconds(30 * MINUTE),
        Self::Seconds(HOUR),
        Self::Seconds(2 * HOUR),
        Self::Seconds(3 * HOUR),
        Self::Seconds(6 * HOUR),
        Self::Seconds(12 * HOUR),
        Self::Days(1),
        Self::Days(2),
        Self::Days(7),
        Self::Days(14),
        Self::Months(1),
        Self::Months(2),
        Self::Months(3),
        Self::Months(6),
        Self::Years(1),
        Self::Years(5),
        Self::Years(25),
        Self::Years(250),
    ];

    fn seconds(self) -> i64 {
        match self {
            Self::Seconds(n) => n,
            Self::Days(n) => n * DAY,
            Self::Months(n) => n * 30 * DAY,
            Self::Years(n) => n * 365 * DAY,
        }
    }
}

/// The width of a label of this step in pixels, with space around it.
fn room(every: Every, style: Style) -> f64 {
    match (style, every) {
        (Style::Seconds, _) => 76.0,
        (Style::WeekdayClock, _) => 86.0,
        (_, Every::Years(_)) => 52.0,
        _ => 62.0,
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Style {
    /// 14:00:30
    Seconds,
    /// 14:00, and the date at midnight
    Clock,
    /// Mon 14:00
    WeekdayClock,
    /// 12 Nov
    Date,
    /// Nov, and the year in January
    Month,
    /// 2026
    Year,
}

impl Style {
    fn of(every: Every, span: i64) -> Self {
        match every {
            Every::Seconds(n) if n < MINUTE => Self::Seconds,
            // A time of day is unambiguous if it occurs once (or twice, at both edges).
            Every::Seconds(_) if span <= 26 * HOUR => Self::Clock,
            Every::Seconds(_) => Self::WeekdayClock,
            Every::Days(_) => Self::Date,
            Every::Months(_) => Self::Month,
            Every::Years(_) => Self::Year,
        }
    }

    fn write(self, time: &Zoned) -> String {
        let pattern = match self {
            Self::Seconds => "%H:%M:%S",
            Self::Clock if time.hour() == 0 && time.minute() == 0 => "%-d %b",
            Self::Clock => "%H:%M",
            Self::WeekdayClock => "%a %H:%M",
            Self::Date => "%-d %b",
            Self::Month if time.month() == 1 => "%Y",
            Self::Month => "%b",
            Self::Year => "%Y",
        };
        time.strftime(pattern).to_string()
    }
}

/// A time within the calendar's limits.
pub(crate) fn timestamp(unix_seconds: i64) -> Timestamp {
    Timestamp::from_second(unix_seconds).unwrap_or(if unix_seconds < 0 {
        Timestamp::MIN
    } else {
        Timestamp::MAX
    })
}

/// The ticks of `from..=to` on round local times: as many as fit into `width` pixels.
pub(crate) fn time_ticks(from: i64, to: i64, zone: &TimeZone, width: f64) -> Vec<TimeTick> {
    let span = to.saturating_sub(from).max(1);
    let fits = |every: &Every| {
        let labels = span as f64 / every.seconds() as f64;
        labels * room(*every, Style::of(*every, span)) <= width
    };
    let Some(every) = Every::ALL.into_iter().find(fits) else { return Vec::new() };
    let style = Style::of(every, span);
    let first = timestamp(from).to_zoned(zone.clone());
    let mut ticks = Vec::new();
    let mut push = |time: &Zoned| {
        let at = time.timestamp().as_second();
        if at > to {
            return false;
        }
        if at >= from {
            ticks.push(TimeTick { at, label: style.write(time) });
        }
        ticks.len() < MAX_TICKS
    };
    match every {
        Every::Seconds(step) if step <= HOUR => walk_clock(&first, step, &mut push),
        Every::Seconds(step) => walk_civil(&first, (step / HOUR).hours(), &mut push),
        Every::Days(n) => walk_civil(&first, n.days(), &mut push),
        Every::Months(n) => walk_civil(&first, n.months(), &mut push),
        Every::Years(n) => walk_civil(&first, n.years(), &mut push),
    };
    ticks
}

/// Steps of an hour or less follow elapsed time, so that the repeated hour in autumn is drawn twice.
fn walk_clock(first: &Zoned, step: i64, push: &mut impl FnMut(&Zoned) -> bool) -> Option<()> {
    let mut at = first.timestamp().as_second();
    loop {
        let local = timestamp(at).to_zoned(first.time_zone().clone());
        let past = (at + i64::from(local.offset().seconds())).rem_euclid(step);
        let floor = Timestamp::from_second(at - past).ok()?.to_zoned(first.time_zone().clone());
        if !push(&floor) {
            return Some(());
        }
        at = at - past + step;
    }
}

/// Longer steps follow the calendar and local time, across changes of daylight saving time.
fn walk_civil(first: &Zoned, step: Span, push: &mut impl FnMut(&Zoned) -> bool) -> Option<()> {
    let mut wall = floor_civil(first.datetime(), step)?;
    loop {
        if !push(&first.time_zone().to_zoned(wall).ok()?) {
            return Some(());
        }
        wall = wall.checked_add(step).ok()?;
    }
}

fn floor_civil(time: DateTime, step: Span) -> Option<DateTime> {
    let date = time.date();
    let floored = if step.get_years() > 0 {
        Date::new(time.year() - time.year().rem_euclid(step.get_years()), 1, 1).ok()?
    } else if step.get_months() > 0 {
        let months = i8::try_from(step.get_months()).ok()?;
        Date::new(time.year(), time.month() - (time.month() - 1) % months, 1).ok()?
    } else if step.get_days() >= 7 {
        date.checked_sub(i32::from(date.weekday().to_monday_zero_offset()).days()).ok()?
    } else if step.get_days() > 1 {
        date.checked_sub((i32::from(date.day() - 1) % step.get_days()).days()).ok()?
    } else if step.get_hours() > 0 {
        let hour = i32::from(time.hour());
        return Some(date.to_datetime(Time::new((hour - hour % step.get_hours()) as i8, 0, 0, 0).ok()?));
    } else {
        date
    };
    Some(floored.to_datetime(Time::midnight()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> i64 {
        text.parse::<Timestamp>().expect("a timestamp").as_second()
    }

    #[track_caller]
    fn check(from: &str, to: &str, zone: &str, width: f64, expected: &str) {
        let zone = TimeZone::get(zone).expect("a zone");
        let ticks = time_ticks(at(from), at(to), &zone, width);
        let labels: Vec<_> = ticks.into_iter().map(|t| t.label).collect();
        assert_eq!(labels.join(" | "), expected);
    }

    #[test]
    fn an_hour_has_round_minutes() {
        check("2026-11-12T13:07:00Z", "2026-11-12T14:07:00Z", "UTC", 340.0, "13:15 | 13:30 | 13:45 | 14:00");
    }

    #[test]
    fn three_hours() {
        check("2026-11-12T11:00:00Z", "2026-11-12T14:00:00Z", "UTC", 340.0, "11:00 | 12:00 | 13:00 | 14:00");
    }

    #[test]
    fn a_day_names_the_date_at_midnight() {
        check("2026-11-11T14:10:00Z", "2026-11-12T14:10:00Z", "UTC", 340.0, "18:00 | 12 Nov | 06:00 | 12:00");
    }

    #[test]
    fn longer_ranges_name_the_day() {
        check(
            "2026-11-09T09:00:00Z",
            "2026-11-11T09:00:00Z",
            "UTC",
            360.0,
            "Mon 12:00 | Tue 00:00 | Tue 12:00 | Wed 00:00",
        );
        check("2026-11-05T09:00:00Z", "2026-11-12T09:00:00Z", "UTC", 340.0, "7 Nov | 9 Nov | 11 Nov");
        check("2026-06-15T00:00:00Z", "2027-02-15T00:00:00Z", "UTC", 360.0, "Jul | Sep | Nov | 2027");
        check("2019-06-15T00:00:00Z", "2023-02-15T00:00:00Z", "UTC", 340.0, "2020 | 2021 | 2022 | 2023");
    }

    #[test]
    fn ticks_are_round_in_the_given_zone() {
        // India is five and a half hours ahead.
        check(
            "2026-11-12T00:00:00Z",
            "2026-11-12T12:00:00Z",
            "Asia/Kolkata",
            340.0,
            "06:00 | 09:00 | 12:00 | 15:00",
        );
    }

    #[test]
    fn the_repeated_hour_is_drawn_twice() {
        // Clocks in Berlin went back from 03:00 to 02:00 on 25 October 2026.
        check(
            "2026-10-24T23:30:00Z",
            "2026-10-25T03:30:00Z",
            "Europe/Berlin",
            340.0,
            "02:00 | 02:00 | 03:00 | 04:00",
        );
        // And went forward from 02:00 to 03:00 on 29 March 2026.
        check(
            "2026-03-28T12:00:00Z",
            "2026-03-29T12:00:00Z",
            "Europe/Berlin",
            340.0,
            "18:00 | 29 Mar | 06:00 | 12:00",
        );
    }

    #[test]
    fn labels_have_seconds_if_minutes_are_not_enough() {
        check("2026-11-12T13:07:05Z", "2026-11-12T13:08:05Z", "UTC", 340.0, "13:07:30 | 13:08:00");
    }

    #[test]
    fn any_range_has_few_ticks_and_all_are_within_it() {
        let ends = [i64::MIN, -1, 0, 1_700_000_123, 253_402_207_200, i64::MAX];
        for from in ends {
            for length in [0, 1, 59, 3600, 86_400, 40 * DAY, 900 * DAY, i64::MAX] {
                let to = from.saturating_add(length);
                let ticks = time_ticks(from, to, &TimeZone::UTC, 340.0);
                assert!(ticks.len() <= 8, "{from}..{to}: {ticks:?}");
                assert!(ticks.iter().all(|t| t.at >= from && t.at <= to));
            }
        }
    }
}
