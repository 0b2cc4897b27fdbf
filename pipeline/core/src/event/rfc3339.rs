//! Whether a text is a date and time of RFC 3339, section 5.6.
//!
//! This is own code, because CloudEvents asks for exactly the RFC. Some libraries accept more: a space for the `T`,
//! offsets without a colon, zone names. Others accept less: fractions of at most nine digits, no time after
//! 9999-12-30T22:00Z.

use jiff::civil::Date;

/// Whether `text` is a `date-time`: a date of the years 0000 to 9999, `T`, a time with seconds, and `Z` or an offset.
/// Letters may be in lower case, and a minute may have a leap second.
pub fn is_date_time(text: &str) -> bool {
    let Some((date, rest)) = text.split_at_checked(10) else { return false };
    let Some(rest) = rest.strip_prefix(['T', 't']) else { return false };
    let Some((time, rest)) = rest.split_at_checked(8) else { return false };
    is_date(date) && is_time(time) && is_offset(after_fraction(rest))
}

fn is_date(text: &str) -> bool {
    let Some([year, month, day]) = numbers(text, "dddd-dd-dd") else { return false };
    let part = |number: u32| i8::try_from(number).unwrap_or(-1);
    i16::try_from(year).is_ok_and(|year| Date::new(year, part(month), part(day)).is_ok())
}

fn is_time(text: &str) -> bool {
    numbers(text, "dd:dd:dd").is_some_and(|[hour, minute, second]| hour < 24 && minute < 60 && second <= 60)
}

/// The text after the fraction of a second. A point without a digit is no fraction and stays.
fn after_fraction(text: &str) -> &str {
    match text.strip_prefix('.') {
        Some(fraction) if fraction.starts_with(|c: char| c.is_ascii_digit()) => {
            fraction.trim_start_matches(|c: char| c.is_ascii_digit())
        }
        _ => text,
    }
}

fn is_offset(text: &str) -> bool {
    let Some(offset) = text.strip_prefix(['+', '-']) else { return matches!(text, "Z" | "z") };
    numbers(offset, "dd:dd").is_some_and(|[hour, minute]| hour < 24 && minute < 60)
}

/// The numbers of a text that has exactly this form: `d` is a digit, anything else is itself.
fn numbers<const N: usize>(text: &str, form: &str) -> Option<[u32; N]> {
    let fits = |(byte, form): (u8, u8)| if form == b'd' { byte.is_ascii_digit() } else { byte == form };
    if text.len() != form.len() || !text.bytes().zip(form.bytes()).all(fits) {
        return None;
    }
    let mut numbers = text.split(['-', ':']).filter_map(|part| part.parse().ok());
    let found = [(); N].map(|()| numbers.next().unwrap_or(u32::MAX));
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_times_of_the_rfc_are_accepted() {
        for valid in [
            "2018-04-05T17:31:00Z",
            "2018-04-05t17:31:00z",
            "2018-04-05T17:31:00.1234567890Z",
            "2018-04-05T17:31:00.5+05:00",
            "2018-04-05T17:31:00-00:00",
            "9999-12-31T23:59:59Z",
            "0000-01-01T00:00:00Z",
            "2016-12-31T23:59:60Z",
            "2020-02-29T00:00:00+23:59",
        ] {
            assert!(is_date_time(valid), "{valid}");
        }
        for invalid in [
            "",
            "yesterday",
            "2018-04-05",
            "2018-04-05T17:31Z",
            "20180405T173100Z",
            "2018-04-05T17:31:00",
            "2018-04-05T17:31:00+25:59",
            "2018-04-05T17:31:00+05:60",
            "2018-04-05T17:31:00+0500",
            "2018-04-05T17:31:00+05",
            "2018-04-05T17:31:00Z[Europe/Berlin]",
            "-000001-04-05T17:31:00Z",
            "+02018-04-05T17:31:00Z",
            "2018-04-05T17:31:00,5Z",
            "2018-04-05T17:31:00.Z",
            "2018-04-05 17:31:00Z",
            "2018-02-30T17:31:00Z",
            "2019-02-29T17:31:00Z",
            "2018-13-05T17:31:00Z",
            "2018-04-05T24:00:00Z",
            "2018-04-05T17:60:00Z",
            "2018-04-05T17:31:61Z",
            "2018-04-05T17:31:00Zx",
            "2018-04-05T17:31:00é",
            "２018-04-05T17:31:00Z",
        ] {
            assert!(!is_date_time(invalid), "{invalid}");
        }
    }
}
