//! Numbers and durations in words: `172,431`, `3 messages`, `38 min`, `4 min ago`.
//!
//! The server uses it for pages and the browser for updates, so both write the same text. It has no dependencies, so
//! the command line and generated documents use it as well.

/// Digits with thousands separators: `172431` becomes `172,431`.
pub fn set_apart(digits: &str) -> String {
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// An integer with thousands separators: `172,431`.
pub fn grouped(value: u64) -> String {
    set_apart(&value.to_string())
}

/// `1 message`, `3 messages`: the count, grouped, and the word that agrees with it.
pub fn counted(count: u64, one: &str, many: &str) -> String {
    format!("{} {}", grouped(count), if count == 1 { one } else { many })
}

/// A duration, from seconds: `0.4 ms`, `340 ms`, `14 s`, `38 min`, `3 h 12 min`, `3 days`.
pub fn duration(seconds: f64) -> String {
    let milliseconds = seconds * 1000.0;
    let minutes = (seconds / 60.0).round() as u64;
    let hours = (seconds / 3600.0).round() as u64;
    if milliseconds == 0.0 {
        "0 s".to_owned()
    } else if milliseconds < 0.1 {
        "< 0.1 ms".to_owned()
    } else if milliseconds < 999.5 {
        format!("{} ms", digits(milliseconds))
    } else if seconds < 59.5 {
        format!("{} s", if seconds < 9.95 { digits(seconds) } else { format!("{seconds:.0}") })
    } else if minutes < 60 {
        format!("{minutes} min")
    } else if minutes < 600 && !minutes.is_multiple_of(60) {
        format!("{} h {} min", minutes / 60, minutes % 60)
    } else if hours < 48 {
        format!("{hours} h")
    } else {
        format!("{} days", (seconds / 86_400.0).round() as u64)
    }
}

/// A time relative to now: `4 min ago`, `now`, `in 38 min`. `seconds` is positive for the past.
pub fn relative(seconds: i64) -> String {
    match seconds {
        -1..=1 => "now".to_owned(),
        2.. => format!("{} ago", duration(seconds as f64)),
        _ => format!("in {}", duration(seconds.unsigned_abs() as f64)),
    }
}

/// One decimal below a hundred, none above, and no `.0`.
fn digits(value: f64) -> String {
    let text = if value < 99.95 { format!("{value:.1}") } else { format!("{value:.0}") };
    text.strip_suffix(".0").map_or(text.clone(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_use_the_usual_unit() {
        let cases: &[(f64, &str)] = &[
            (0.0, "0 s"),
            (0.000_4, "0.4 ms"),
            (0.34, "340 ms"),
            (0.999_9, "1 s"),
            (14.0, "14 s"),
            (59.6, "1 min"),
            (2280.0, "38 min"),
            (3600.0, "1 h"),
            (11_520.0, "3 h 12 min"),
            (86_400.0, "24 h"),
            (259_200.0, "3 days"),
        ];
        for (seconds, expected) in cases {
            assert_eq!(duration(*seconds), *expected, "{seconds}");
        }
    }

    #[test]
    fn times_are_relative_to_now() {
        assert_eq!(relative(0), "now");
        assert_eq!(relative(240), "4 min ago");
        assert_eq!(relative(-2280), "in 38 min");
    }

    #[test]
    fn words_agree_with_their_number() {
        assert_eq!(counted(1, "message", "messages"), "1 message");
        assert_eq!(counted(1_200, "message", "messages"), "1,200 messages");
        assert_eq!([0, 999, 1_000, 172_431].map(grouped), ["0", "999", "1,000", "172,431"]);
        assert_eq!(grouped(u64::MAX), "18,446,744,073,709,551,615");
    }
}
