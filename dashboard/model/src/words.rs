//! Numbers and times in sentences.

use jiff::Timestamp;
use spillway_dashboard_words::relative;

/// `4 min ago`.
pub(crate) fn ago(then: Timestamp, now: Timestamp) -> String {
    relative((now.as_second() - then.as_second()).max(0))
}

/// `in 38 min`.
pub(crate) fn until(then: Timestamp, now: Timestamp) -> String {
    relative((now.as_second() - then.as_second()).min(0))
}

/// `4.2 %`. Less than all is never `100 %`.
pub(crate) fn percent(share: f64) -> String {
    match share {
        99.0..100.0 => "99 %".to_owned(),
        9.95.. => format!("{share:.0} %"),
        _ => format!("{share:.1} %"),
    }
}

/// A text of another program without its last full stop, cut if it is too long for a sentence.
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
    fn numbers_and_times_are_formatted() {
        let time = |second| Timestamp::from_second(second).unwrap();
        assert_eq!(ago(time(0), time(240)), "4 min ago");
        assert_eq!([until(time(240), time(0)), until(time(0), time(1))], ["in 4 min", "now"]);
        assert_eq!(quoted("/a: too long."), "/a: too long");
        assert_eq!(quoted(&"ä".repeat(500)).chars().count(), 162);
        assert_eq!([0.26, 4.2, 50.4].map(percent), ["0.3 %", "4.2 %", "50 %"]);
        assert_eq!([99.4, 99.97, 100.0].map(percent), ["99 %", "99 %", "100 %"]);
    }
}
