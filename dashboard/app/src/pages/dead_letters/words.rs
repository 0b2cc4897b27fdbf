//! Dead letters in words: the verdicts of pages, and short names for failures.

use super::data::Shown;
use jiff::{Timestamp, tz::TimeZone};
use spillway_core::{
    dead_letter::{DeadLetter, DeadLetterGroup, DeadLetterState},
    failure::FailureClass,
};
use spillway_dashboard_words::counted;

/// What dead letters of a class have in common, as the end of a sentence: plural, then singular.
fn common_failure(class: FailureClass, message: &str) -> (String, String) {
    let same = |text: String| (text.clone(), text);
    let words = |many: &str, one: &str| (many.to_owned(), one.to_owned());
    match class {
        FailureClass::Schema | FailureClass::Malformed if pointer(message).is_some() => {
            let place = pointer(message).unwrap_or_default();
            (format!("fail at {place}"), format!("fails at {place}"))
        }
        FailureClass::Schema => words("break their schema", "breaks its schema"),
        FailureClass::Malformed => words("are not CloudEvents", "is not a CloudEvent"),
        FailureClass::TooLarge => words("are too large for the store", "is too large for the store"),
        FailureClass::StoreThrottled => same("failed on a throttled store".to_owned()),
        FailureClass::StoreUnavailable => same("failed on an unavailable store".to_owned()),
        FailureClass::StoreTimeout => same("failed on a store timeout".to_owned()),
        FailureClass::ConsumerCrash => same("failed on a crash of the consumer".to_owned()),
        FailureClass::Unprocessed => {
            words("were put into the DLQ by somebody else", "was put into the DLQ by somebody else")
        }
    }
}

/// The JSON Pointer at the start of a failure's message.
fn pointer(message: &str) -> Option<&str> {
    let (place, _) = message.split_once(": ")?;
    (place.starts_with('/') && place.len() <= 60 && !place.contains(char::is_whitespace)).then_some(place)
}

/// A start time in short form.
pub fn since(at: Timestamp, now: Timestamp, zone: &TimeZone) -> String {
    let [at, now] = [at, now].map(|moment| moment.to_zoned(zone.clone()));
    at.strftime(if at.date() == now.date() { "%H:%M" } else { "%-d %b %H:%M" }).to_string()
}

/// The verdict of the list: how many there are, and what most of them have in common.
pub fn list_sentence(
    shown: Shown,
    total: u64,
    groups: u64,
    largest: Option<&DeadLetterGroup>,
    now: Timestamp,
    zone: &TimeZone,
) -> String {
    let messages = counted(total, "message", "messages");
    if total == 0 {
        let none = match shown {
            Shown::Waiting | Shown::All => "No dead letters.",
            Shown::Replaying => "No message is being replayed.",
            Shown::Stored => "No dead letter has been replayed and stored.",
            Shown::Discarded => "No message is discarded.",
        };
        return none.to_owned();
    }
    match shown {
        Shown::Waiting => {}
        Shown::Replaying => {
            let are = if total == 1 { "is" } else { "are" };
            return format!("{messages} {are} being replayed.");
        }
        Shown::Stored => {
            let were = if total == 1 { "was replayed and is" } else { "were replayed and are" };
            return format!("{messages} {were} stored.");
        }
        Shown::Discarded => {
            let are = if total == 1 { "is discarded. It" } else { "are discarded. They" };
            return format!("{messages} {are} can be restored.");
        }
        Shown::All => return format!("{messages} in all states."),
    }
    let head = match groups {
        0 | 1 => format!("{messages}."),
        count => format!("{}, {messages}.", counted(count, "group", "groups")),
    };
    let Some(largest) = largest else { return head };
    let (many, one) = common_failure(largest.class, &largest.message);
    let since = since(largest.first_at, now, zone);
    if total == 1 {
        return format!("1 message, since {since}. It {one}.");
    }
    // The largest group is worth a mention only if it has half of the messages or more.
    if largest.count * 2 < total {
        return head;
    }
    let who = match largest.count {
        count if count == total => "All".to_owned(),
        1 => return head,
        count => spillway_dashboard_words::grouped(count),
    };
    format!("{head} {who} {many} since {since}.")
}

/// The verdict of one dead letter: its state and failure.
pub fn one_sentence(letter: &DeadLetter) -> String {
    match &letter.state {
        DeadLetterState::Archived => match letter.last_failure() {
            Some(failure) => {
                let (_, one) = common_failure(failure.class, &failure.message);
                let again = match letter.replays.len() {
                    0 => String::new(),
                    1 => " It was replayed once and came back.".to_owned(),
                    times => format!(" It was replayed {times} times and came back."),
                };
                format!("Waits in the archive: it {one}.{again}")
            }
            None => "Waits in the archive. The failure is unknown.".to_owned(),
        },
        DeadLetterState::Replaying { .. } => "Being replayed.".to_owned(),
        DeadLetterState::Stored { .. } => "Replayed, and stored.".to_owned(),
        DeadLetterState::Discarded { by, .. } => format!("Discarded by {by}. It can be restored."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group(class: FailureClass, message: &str, count: u64, first_at: &str) -> DeadLetterGroup {
        DeadLetterGroup {
            fingerprint: "f".into(),
            class,
            message: message.into(),
            event_type: None,
            count,
            first_at: first_at.parse().unwrap(),
            last_at: first_at.parse().unwrap(),
            example: "m".into(),
        }
    }

    fn waiting(groups: &[DeadLetterGroup]) -> String {
        say(Shown::Waiting, groups)
    }

    fn say(shown: Shown, groups: &[DeadLetterGroup]) -> String {
        let total = groups.iter().map(|group| group.count).sum();
        let now = "2026-03-10T14:05:00Z".parse().unwrap();
        list_sentence(shown, total, groups.len() as u64, groups.first(), now, &TimeZone::UTC)
    }

    #[test]
    fn a_later_page_of_groups_has_no_leader() {
        let say = list_sentence(Shown::Waiting, 70, 30, None, Timestamp::UNIX_EPOCH, &TimeZone::UTC);
        assert_eq!(say, "30 groups, 70 messages.");
    }

    #[test]
    fn the_verdict_has_what_most_have_in_common() {
        let schema = group(FailureClass::Schema, "/amount: expected number", 200, "2026-03-10T13:40:00Z");
        let store = group(FailureClass::StoreThrottled, "over capacity", 2, "2026-03-10T13:00:00Z");
        let large = group(FailureClass::TooLarge, "an item", 1, "2026-03-10T13:00:00Z");
        assert_eq!(
            waiting(&[schema.clone(), store, large]),
            "3 groups, 203 messages. 200 fail at /amount since 13:40."
        );
        assert_eq!(waiting(&[schema]), "200 messages. All fail at /amount since 13:40.");
    }

    #[test]
    fn one_message_is_not_called_a_group() {
        let large = group(FailureClass::TooLarge, "an item", 1, "2026-03-09T13:00:00Z");
        assert_eq!(waiting(&[large]), "1 message, since 9 Mar 13:00. It is too large for the store.");
        assert_eq!(waiting(&[]), "No dead letters.");
    }

    #[test]
    fn groups_of_similar_size_have_no_leader() {
        let some = |count| group(FailureClass::StoreTimeout, "x", count, "2026-03-10T13:00:00Z");
        assert_eq!(waiting(&[some(3), some(3), some(3)]), "3 groups, 9 messages.");
        assert_eq!(waiting(&[some(1), some(1)]), "2 groups, 2 messages.");
    }

    #[test]
    fn only_a_json_pointer_counts_as_a_place() {
        assert_eq!(pointer("/data/amount: expected number"), Some("/data/amount"));
        assert_eq!(pointer("the data: is not an object"), None);
        assert_eq!(pointer("/a b: no pointer"), None);
        assert_eq!(pointer("no colon"), None);
    }

    #[test]
    fn other_states_have_their_own_sentences() {
        let stored = [group(FailureClass::Schema, "x", 1, "2026-03-10T13:00:00Z")];
        assert_eq!(say(Shown::Stored, &stored), "1 message was replayed and is stored.");
        assert_eq!(say(Shown::Discarded, &stored), "1 message is discarded. It can be restored.");
        assert_eq!(say(Shown::Discarded, &[]), "No message is discarded.");
    }
}
