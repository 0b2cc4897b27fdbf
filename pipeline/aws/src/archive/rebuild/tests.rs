use super::*;
use crate::testing::letter;
use spillway_testkit::letters::{at, audit_entry};

fn act(action: &str, minute: i64) -> AuditEntry {
    AuditEntry { action: action.to_owned(), ..audit_entry(12 * 3600 + minute * 60, "m", "why") }
}

fn part(id: &str, state: ReplayItemState, minute: i64) -> Part {
    let at = at(12 * 3600 + minute * 60);
    Part { replay: ReplayId::new(id), state, at, generation: None, stored_late: None }
}

fn history(parts: &[Part], acts: &[AuditEntry]) -> History {
    History { acts: acts.to_vec(), parts: parts.to_vec() }
}

fn state(parts: &[(&str, ReplayItemState, i64)], acts: &[AuditEntry]) -> &'static str {
    let parts: Vec<_> = parts.iter().map(|(id, state, minute)| part(id, *state, *minute)).collect();
    implied(&letter("m", "e"), &history(&parts, acts), &HashMap::new(), None).entry.state.name()
}

#[test]
fn the_last_change_decides() {
    use ReplayItemState::{Returned, Sent, Stored};
    assert_eq!(state(&[], &[]), "archived");
    assert_eq!(state(&[], &[act("discard", 1)]), "discarded");
    assert_eq!(state(&[], &[act("discard", 1), act("restore", 2)]), "archived");
    assert_eq!(state(&[("r1", Sent, 1)], &[]), "replaying");
    assert_eq!(state(&[("r1", Returned, 1), ("r2", Stored, 2)], &[]), "stored");
    assert_eq!(state(&[("r1", Returned, 2)], &[act("discard", 1)]), "archived");
    assert_eq!(state(&[("r1", Returned, 2)], &[act("discard", 3)]), "discarded");
    assert_eq!(state(&[("r1", Stored, 2)], &[act("reopen", 3)]), "archived");
    assert_eq!(state(&[("r1", Stored, 2), ("r2", Sent, 4)], &[act("reopen", 3)]), "replaying");
}

#[test]
fn a_letter_that_is_back_in_the_bucket_has_left_the_replay_that_the_log_has_as_under_way() {
    let mut sent = part("r1", ReplayItemState::Sent, 1);
    sent.generation = Some(1);
    let (first, mut second) = (letter("m", "e"), letter("m", "e"));
    second.generation = 1;
    let of = |letter: &DeadLetter, part: &Part, before: Option<&Entry>| {
        implied(letter, &history(std::slice::from_ref(part), &[]), &HashMap::new(), before)
    };
    let under_way = of(&first, &sent, None);
    assert_eq!((under_way.entry.state.name(), under_way.entry.generation), ("replaying", 0));
    assert!(under_way.open.is_none());
    let back = of(&second, &sent, None);
    assert_eq!((back.entry.state.name(), back.entry.generation), ("archived", 1));
    assert_eq!(back.open, Some(("r1".into(), ReplayItemState::Sent)));
    assert_eq!(back.entry.replays[0].stored, Some(false));
    // A log from before the generation was in it: the time decides.
    let old = Part { generation: None, ..sent.clone() };
    second.archived_at = at(12 * 3600 + 59);
    assert_eq!(of(&second, &old, None).entry.state.name(), "replaying");
    second.archived_at = at(12 * 3600 + 61);
    assert_eq!(of(&second, &old, None).entry.state.name(), "archived");
    // The index from before the return, and one that took the letter for a new one.
    for before in [&under_way.entry, &Entry::of(&second)] {
        assert!(!is_right(before, &of(&second, &sent, Some(before))));
    }
}

#[test]
fn a_damaged_entry_is_never_right_and_is_replaced_by_what_the_bucket_has() {
    let letter = letter("m", "e");
    let right = Entry::of(&letter);
    let damaged = Entry { message: String::new(), damage: Some(Item::new()), ..right.clone() };
    let implied = implied(&letter, &history(&[], &[]), &HashMap::new(), Some(&damaged));
    assert!(!is_right(&damaged, &implied) && is_right(&right, &implied));
    assert_eq!(implied.entry, right);
}

#[test]
fn a_copy_of_a_released_message_does_not_end_the_next_replay() {
    let mut parts = [part("r1", ReplayItemState::Returned, 1), part("r2", ReplayItemState::Sent, 3)];
    (parts[0].generation, parts[1].generation) = (Some(1), Some(2));
    let mut late = letter("m", "e");
    (late.generation, late.archived_at) = (1, at(12 * 3600 + 500));
    let of = |letter: &DeadLetter| implied(letter, &history(&parts, &[]), &HashMap::new(), None);
    assert_eq!((of(&late).entry.state.name(), of(&late).entry.generation), ("replaying", 1));
    late.generation = 2;
    assert_eq!((of(&late).entry.state.name(), of(&late).entry.generation), ("archived", 2));
}

#[test]
fn a_released_message_whose_event_is_stored_after_all_stays_stored() {
    let mut late = part("r1", ReplayItemState::Returned, 1);
    late.stored_late = Some(at(13 * 3600));
    let found = implied(&letter("m", "e"), &history(&[late], &[]), &HashMap::new(), None);
    assert_eq!(found.entry.state.name(), "stored");
}

#[test]
fn an_entry_of_an_older_version_is_written_again_as_it_is() {
    let letter = letter("m", "e");
    let older = Entry { is_older: true, generation: 3, ..Entry::of(&letter) };
    let implied = implied(&letter, &history(&[], &[]), &HashMap::new(), Some(&older));
    assert!(!is_right(&older, &implied));
    assert_eq!(implied.entry, older.written());
    assert!(is_right(&implied.entry, &implied));
}
