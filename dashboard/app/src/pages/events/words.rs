//! The place of an event in words.

use crate::components::Tone;
use jiff::Timestamp;
use spillway_core::{ledger::Place, ports::Location};
use spillway_dashboard_words::duration;

/// The current place of an event, in a sentence. `most` is the maximum receive count.
pub fn sentence(location: &Location, most: u32, now: Timestamp) -> String {
    let attempt = match location.receive_count {
        None | Some(0) => "not received yet".to_owned(),
        Some(count) => format!("received {count} of {most} times"),
    };
    match location.place {
        Place::Stored => match location.stored_at {
            Some(at) => {
                let took = (at.as_millisecond() - location.accepted_at.as_millisecond()).max(0);
                format!("Stored, {} after it was accepted.", duration(took as f64 / 1e3))
            }
            None => "Stored.".to_owned(),
        },
        Place::Queued => format!("Waits in the queue, {attempt}."),
        Place::InFlight => match location.visible_at.map(|at| at.as_second() - now.as_second()) {
            Some(seconds) if seconds > 0 => {
                format!("In the queue, {attempt}; visible again in {}.", duration(seconds as f64))
            }
            _ => format!("In the queue, {attempt}."),
        },
        Place::InDlq => "In the dead letter queue, about to be archived.".to_owned(),
        Place::Archived => "Dead-lettered: it waits in the archive for a decision.".to_owned(),
        Place::Replaying => "Dead-lettered, and being replayed now.".to_owned(),
        Place::Discarded => "Dead-lettered, and discarded.".to_owned(),
    }
}

pub fn tone(place: Place) -> Tone {
    match place {
        Place::Stored => Tone::Good,
        Place::Queued | Place::InFlight | Place::Replaying => Tone::Busy,
        Place::InDlq | Place::Archived => Tone::Warning,
        Place::Discarded => Tone::Neutral,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use spillway_core::ids::EventKey;

    fn location(place: Place) -> Location {
        Location {
            key: EventKey::new("/s", "1"),
            event_type: "t".into(),
            place,
            message_id: "m".into(),
            accepted_at: Timestamp::UNIX_EPOCH,
            stored_at: None,
            receive_count: Some(3),
            visible_at: Timestamp::from_second(2_380).ok(),
            failure: None,
            body: String::new(),
        }
    }

    #[test]
    fn each_place_has_its_own_details() {
        let say = |location: &Location| sentence(location, 20, Timestamp::from_second(100).unwrap());
        assert_eq!(
            say(&location(Place::InFlight)),
            "In the queue, received 3 of 20 times; visible again in 38 min."
        );
        assert_eq!(say(&location(Place::Queued)), "Waits in the queue, received 3 of 20 times.");
        let mut stored = location(Place::Stored);
        stored.stored_at = Timestamp::from_millisecond(340).ok();
        assert_eq!(say(&stored), "Stored, 340 ms after it was accepted.");
        assert_eq!(tone(Place::Archived), Tone::Warning);
    }
}
