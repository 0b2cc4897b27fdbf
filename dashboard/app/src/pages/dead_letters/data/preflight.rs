//! The expected result of a replay that starts now.

use crate::components::Tone;
use spillway_core::{dead_letter::DeadLetter, failure::FailureClass, usecases::replay::Forecast};
use spillway_dashboard_words::{counted, grouped};

/// The results of the consumer's own checks on dead letters.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Preflight {
    /// Messages that the replay would put back.
    pub total: u64,
    /// How many of them were checked: the newest.
    pub checked: u64,
    /// The reasons why messages would fail again, with counts; the most frequent first.
    pub reasons: Vec<(String, u64)>,
}

impl Preflight {
    /// Sums up forecasts. The replay would put back `total` messages, of which these were checked.
    pub fn of(total: u64, forecasts: &[Forecast]) -> Self {
        let reasons = Forecast::reasons(forecasts);
        let reasons = reasons.into_iter().map(|(reason, count)| (reason.to_owned(), count)).collect();
        Self { total, checked: forecasts.len() as u64, reasons }
    }

    /// Messages that would certainly fail again.
    pub fn failing(&self) -> u64 {
        self.reasons.iter().map(|(_, count)| count).sum()
    }

    /// Messages that pass the checks.
    pub fn passing(&self) -> u64 {
        self.checked.saturating_sub(self.failing())
    }

    pub fn tone(&self) -> Tone {
        match (self.failing(), self.passing()) {
            (0, 0) => Tone::Unknown,
            (0, _) => Tone::Good,
            (_, 0) => Tone::Bad,
            _ => Tone::Warning,
        }
    }

    /// The result in a sentence.
    pub fn sentence(&self) -> String {
        let (failing, part) = (self.failing(), self.checked < self.total);
        let among = if part { format!("Of the newest {}, ", grouped(self.checked)) } else { String::new() };
        match (failing, self.checked) {
            (_, 0) => "None of these messages is in the archive now.".to_owned(),
            (0, 1) if !part => "The message passes the consumer's checks now.".to_owned(),
            (0, _) if part => format!("{among}all pass the consumer's checks now."),
            (0, checked) => {
                format!("All {} pass the consumer's checks now.", counted(checked, "message", "messages"))
            }
            (1, 1) if !part => "The message would fail again now.".to_owned(),
            (failing, checked) if failing == checked && part => format!("{among}all would fail again now."),
            (failing, checked) if failing == checked => {
                format!("All {} would fail again now.", counted(checked, "message", "messages"))
            }
            (failing, _) if part => format!("{among}{} would fail again now.", grouped(failing)),
            (failing, checked) => {
                format!(
                    "{} of {} would fail again now.",
                    grouped(failing),
                    counted(checked, "message", "messages")
                )
            }
        }
    }
}

/// Failures of these messages that the consumer's checks cannot predict, because they happened after the checks.
pub fn caveats(letters: &[DeadLetter]) -> Vec<String> {
    let classes = letters.iter().filter_map(|letter| letter.last_failure()).map(|failure| failure.class);
    let (mut store, mut large) = (0, 0);
    for class in classes {
        match class {
            FailureClass::StoreThrottled | FailureClass::StoreUnavailable | FailureClass::StoreTimeout => {
                store += 1
            }
            FailureClass::TooLarge => large += 1,
            FailureClass::Malformed
            | FailureClass::Schema
            | FailureClass::ConsumerCrash
            | FailureClass::Unprocessed => {}
        }
    }
    let mut caveats = Vec::new();
    if store > 0 {
        let failed = counted(store, "message failed", "messages failed");
        caveats.push(format!(
            "{failed} because of the store. The checks do not include the store: see on the overview whether it works again."
        ));
    }
    if large > 0 {
        let are = counted(large, "message is", "messages are");
        caveats
            .push(format!("{are} too large for the store, and will fail again unless its limit was raised."));
    }
    caveats
}

#[cfg(test)]
mod tests {
    use super::*;
    use spillway_testkit::letters::{dead_letter, failure};

    fn letter(class: FailureClass) -> DeadLetter {
        dead_letter("m", "e", failure(class, "why", jiff::Timestamp::UNIX_EPOCH))
    }

    #[test]
    fn failures_outside_the_checks_are_mentioned() {
        assert_eq!(caveats(&[letter(FailureClass::Schema)]), [""; 0]);
        let found = caveats(&[
            letter(FailureClass::StoreTimeout),
            letter(FailureClass::StoreThrottled),
            letter(FailureClass::TooLarge),
        ]);
        assert!(found[0].starts_with("2 messages failed because of the store"), "{found:?}");
        assert!(found[1].starts_with("1 message is too large for the store"), "{found:?}");
    }

    fn forecasts(reasons: &[Option<&str>]) -> Vec<Forecast> {
        let forecast =
            |reason: &Option<&str>| Forecast { id: "m".into(), would_fail: reason.map(Into::into) };
        reasons.iter().map(forecast).collect()
    }

    #[test]
    fn a_preflight_is_described_with_its_numbers() {
        let say = |total, reasons: &[Option<&str>]| Preflight::of(total, &forecasts(reasons)).sentence();
        assert_eq!(say(1, &[None]), "The message passes the consumer's checks now.");
        assert_eq!(say(1, &[Some("x")]), "The message would fail again now.");
        assert_eq!(say(2, &[None, None]), "All 2 messages pass the consumer's checks now.");
        assert_eq!(say(3, &[None, Some("x"), Some("y")]), "2 of 3 messages would fail again now.");
        assert_eq!(say(2, &[Some("x"), Some("x")]), "All 2 messages would fail again now.");
        assert_eq!(say(9, &[None, Some("x")]), "Of the newest 2, 1 would fail again now.");
        assert_eq!(say(9, &[None, None]), "Of the newest 2, all pass the consumer's checks now.");
        assert_eq!(say(0, &[]), "None of these messages is in the archive now.");
    }

    #[test]
    fn reasons_are_counted_and_the_most_frequent_is_first() {
        let preflight = Preflight::of(4, &forecasts(&[Some("a"), Some("b"), None, Some("b")]));
        assert_eq!(preflight.reasons, [("b".to_owned(), 2), ("a".to_owned(), 1)]);
        assert_eq!((preflight.failing(), preflight.passing()), (3, 1));
        assert_eq!(preflight.tone(), Tone::Warning);
        assert_eq!(Preflight::of(1, &forecasts(&[Some("a")])).tone(), Tone::Bad);
        assert_eq!(Preflight::of(1, &forecasts(&[None])).tone(), Tone::Good);
    }
}
