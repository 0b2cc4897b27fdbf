//! Values on the command line: durations, times, shares.

use jiff::SignedDuration;
use jiff::fmt::temporal::Pieces;
use spillway_core::Timestamp;
use std::ops::RangeInclusive;
use std::time::Duration;

/// The longest duration: ten years. Times that far away can still be computed with.
const LONGEST_S: u64 = 10 * 365 * 86_400;

/// A duration such as `90s`, `10m`, `2h`, `3d` or `1h30m`.
pub fn span(text: &str) -> Result<Duration, String> {
    let span = any_span(text)?;
    if span.as_secs() > LONGEST_S {
        return Err(format!("\"{text}\" is longer than ten years; write a shorter duration"));
    }
    Ok(span)
}

fn any_span(text: &str) -> Result<Duration, String> {
    let wrong = || format!("\"{text}\" is not a duration; write it like 90s, 10m, 2h or 1h30m");
    let mut seconds = 0_u64;
    let mut digits = String::new();
    for c in text.chars() {
        if c.is_ascii_digit() {
            digits.push(c);
            continue;
        }
        let factor = match c {
            's' => 1,
            'm' => 60,
            'h' => 3600,
            'd' => 86_400,
            _ => return Err(wrong()),
        };
        let value: u64 = digits.parse().map_err(|_| wrong())?;
        digits.clear();
        seconds = value.checked_mul(factor).and_then(|value| seconds.checked_add(value)).ok_or_else(wrong)?;
    }
    if !digits.is_empty() || seconds == 0 {
        return Err(wrong());
    }
    Ok(Duration::from_secs(seconds))
}

/// A time: absolute, or a duration before now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// RFC 3339.
    At(Timestamp),
    /// A duration before now.
    Ago(Duration),
}

impl When {
    /// Parses `2026-01-31T08:00:00Z` or `2h`.
    pub fn parse(text: &str) -> Result<Self, String> {
        if let Ok(at) = text.parse() {
            return Ok(Self::At(at));
        }
        if is_in_the_last_year(text) {
            return Ok(Self::At(Timestamp::MAX));
        }
        any_span(text).map(Self::Ago).map_err(|_| {
            format!("\"{text}\" is not a time; write 2h for two hours ago, or 2026-01-31T08:00:00Z")
        })
    }

    /// The absolute time.
    pub fn resolve(self, now: Timestamp) -> Timestamp {
        match self {
            Self::At(at) => at,
            Self::Ago(span) => SignedDuration::try_from(span)
                .ok()
                .and_then(|span| now.checked_sub(span).ok())
                .unwrap_or(Timestamp::MIN),
        }
    }
}

/// Whether it is a time of the year 9999: an event may have one after the last time that can be computed with.
fn is_in_the_last_year(text: &str) -> bool {
    Pieces::parse(text)
        .is_ok_and(|time| time.date().year() == 9999 && time.time().is_some() && time.offset().is_some())
}

/// A whole number within bounds.
pub fn within<T: TryFrom<u64> + 'static>(
    range: RangeInclusive<u64>,
) -> impl Fn(&str) -> Result<T, String> + Clone + Send + Sync + 'static {
    move |text| {
        let number = text.parse::<u64>().ok().filter(|number| range.contains(number));
        let (from, to) = (range.start(), range.end());
        let wrong = || format!("\"{text}\" is not a number from {from} to {to}");
        number.and_then(|number| T::try_from(number).ok()).ok_or_else(wrong)
    }
}

/// The items that one list may have.
pub const LIMIT: RangeInclusive<u64> = 1..=10_000;

/// A text with something in it. An empty filter would match everything, and an empty name would name nobody.
pub fn some_text(text: &str) -> Result<String, String> {
    match text.trim() {
        "" => Err("it is empty: write something, or leave it out".to_owned()),
        _ => Ok(text.to_owned()),
    }
}

/// A share between 0 and 1.
pub fn share(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(share) if (0.0..=1.0).contains(&share) => Ok(share),
        _ => Err(format!("\"{text}\" is not a share; write a number between 0 and 1, such as 0.3")),
    }
}

/// A rate above zero.
pub fn rate(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(rate) if rate > 0.0 && rate <= 1_000_000.0 => Ok(rate),
        _ => Err(format!("\"{text}\" is not a rate; write events per second, such as 50 or 0.5")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_read() {
        assert_eq!(span("90s"), Ok(Duration::from_secs(90)));
        assert_eq!(span("1h30m"), Ok(Duration::from_secs(5400)));
        for wrong in ["", "10", "m", "0s", "-5m", "5 m", "1w", "99999999999999999999d"] {
            assert!(span(wrong).is_err(), "{wrong}");
        }
        // `fault start --for` and `load --grace` add these to the current time.
        for long in ["99999999h", "9999999999999999999s", "3651d"] {
            assert!(span(long).unwrap_err().contains("ten years"), "{long}");
        }
    }

    #[test]
    fn times_are_absolute_or_ago() {
        let now: Timestamp = "2026-03-02T14:00:00Z".parse().unwrap();
        let read = |text| When::parse(text).map(|when| when.resolve(now).to_string());
        assert_eq!(read("2h"), Ok("2026-03-02T12:00:00Z".to_owned()));
        assert_eq!(read("2026-01-31T08:00:00Z"), Ok("2026-01-31T08:00:00Z".to_owned()));
        assert!(read("200000000d").is_ok());
        for wrong in ["yesterday", "9999-12-31", "9999-13-31T00:00:00Z", "9999-12-31T23:59:59"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
        // The API accepts it as the time of an event.
        assert_eq!(When::parse("9999-12-31T23:59:59Z"), Ok(When::At(Timestamp::MAX)));
    }

    #[test]
    fn a_number_out_of_bounds_is_told_the_bounds() {
        let limit = within::<u32>(LIMIT);
        assert_eq!((limit("1"), limit("10000")), (Ok(1), Ok(10_000)));
        for wrong in ["0", "10001", "99999999999999999999", "-1", "ten", ""] {
            let error = limit(wrong).unwrap_err();
            assert!(error.ends_with("is not a number from 1 to 10000"), "{error}");
        }
    }

    #[test]
    fn shares_and_rates_have_bounds() {
        assert_eq!(share("0.3"), Ok(0.3));
        assert!(share("1.1").is_err() && share("NaN").is_err());
        assert!(rate("0").is_err() && rate("inf").is_err() && rate("0.5").is_ok());
    }
}
