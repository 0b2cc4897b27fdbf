//! Numbers and times as sentences say them.

use jiff::Timestamp;

/// `172,431`.
pub(crate) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `1 event`, `2 events`.
pub(crate) fn counted(number: u64, one: &str, many: &str) -> String {
    format!("{} {}", count(number), if number == 1 { one } else { many })
}

/// `14 s`, `38 min`, `2 h 58 min`, `14 h`, `5 d`: rounded down, in the unit that people would use.
pub(crate) fn duration(seconds: i64) -> String {
    match seconds.max(0) {
        seconds @ ..90 => format!("{seconds} s"),
        seconds @ ..7_200 => format!("{} min", seconds / 60),
        seconds @ ..36_000 if seconds % 3_600 >= 60 => {
            format!("{} h {} min", seconds / 3_600, seconds % 3_600 / 60)
        }
        seconds @ ..172_800 => format!("{} h", seconds / 3_600),
        seconds => format!("{} d", seconds / 86_400),
    }
}

/// `4 min ago`.
pub(crate) fn ago(then: Timestamp, now: Timestamp) -> String {
    match now.as_second() - then.as_second() {
        ..=0 => "just now".to_owned(),
        seconds => format!("{} ago", duration(seconds)),
    }
}

/// `in 38 min`.
pub(crate) fn until(then: Timestamp, now: Timestamp) -> String {
    match then.as_second() - now.as_second() {
        ..=0 => "now".to_owned(),
        seconds => format!("in {}", duration(seconds)),
    }
}

/// `4.2 %`.
pub(crate) fn percent(share: f64) -> String {
    if share >= 9.95 { format!("{share:.0} %") } else { format!("{share:.1} %") }
}

/// What somebody else wrote, without its last full stop, and cut where it gets too long for a sentence.
pub(crate) fn quoted(text: &str) -> String {
    const LONGEST: usize = 160;
    let text = text.trim().trim_end_matches('.');
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{} …", text[..end].trim_end()),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_times_read_well() {
        assert_eq!([0, 999, 1_000, 172_431].map(count), ["0", "999", "1,000", "172,431"]);
        assert_eq!(counted(1, "event", "events"), "1 event");
        let seconds = [-5, 0, 89, 90, 2_280, 7_199, 7_200, 10_680, 172_799, 172_800];
        let words = ["0 s", "0 s", "89 s", "1 min", "38 min", "119 min", "2 h", "2 h 58 min", "47 h", "2 d"];
        assert_eq!(seconds.map(duration), words);
        let time = |second| Timestamp::from_second(second).unwrap();
        assert_eq!(ago(time(0), time(240)), "4 min ago");
        assert_eq!([until(time(240), time(0)), until(time(0), time(1))], ["in 4 min", "now"]);
        assert_eq!(quoted("/a: too long."), "/a: too long");
        assert_eq!(quoted(&"ä".repeat(500)).chars().count(), 162);
        assert_eq!([0.26, 4.2, 50.4].map(percent), ["0.3 %", "4.2 %", "50 %"]);
    }
}
