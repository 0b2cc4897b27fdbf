//! Actions of a composite alarm with an actions suppressor.

use crate::state::AlarmState;
use jiff::{SignedDuration, Timestamp};

/// Why a composite alarm does not act at the moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Suppressed {
    /// The suppressor is in ALARM.
    Alarm,
    /// The alarm changed, and waits if the suppressor is about to go into ALARM.
    WaitPeriod,
    /// The suppressor left ALARM, and the alarm waits if it is about to clear.
    ExtensionPeriod,
}

/// Decides when a composite alarm with a suppressor performs its actions.
///
/// It acts on its state at the end of a wait, not on the states it went through meanwhile. A change within a wait
/// discards it and begins a wait period, as in examples 3 and 6 of the user guide. After the suppressor has
/// left ALARM and the extension period is over, an alarm that is still in ALARM acts, although it did not change. So
/// a suppressor suits business hours. Switching actions on in the morning would notify nothing.
#[derive(Clone, Debug)]
pub struct ActionGate {
    wait: SignedDuration,
    extension: SignedDuration,
    state: AlarmState,
    /// The state that was acted on last.
    acted_on: AlarmState,
    suppressor_in_alarm: bool,
    waiting: Option<(Suppressed, Timestamp)>,
}

impl ActionGate {
    /// A gate of an alarm that starts in `INSUFFICIENT_DATA`, with a suppressor that is not in ALARM.
    pub fn new(wait: SignedDuration, extension: SignedDuration) -> Self {
        let state = AlarmState::default();
        Self { wait, extension, state, acted_on: state, suppressor_in_alarm: false, waiting: None }
    }

    /// Why it does not act at the moment, if so.
    pub fn suppressed(&self) -> Option<Suppressed> {
        if self.suppressor_in_alarm { Some(Suppressed::Alarm) } else { self.waiting.map(|(why, _)| why) }
    }

    /// Brings the gate up to date and returns the state to act on now, if any. To be called at each change of either
    /// alarm and at least once a minute.
    pub fn update(
        &mut self,
        now: Timestamp,
        state: AlarmState,
        suppressor: AlarmState,
    ) -> Option<AlarmState> {
        let changed = std::mem::replace(&mut self.state, state) != state;
        let in_alarm = suppressor == AlarmState::Alarm;
        let was_in_alarm = std::mem::replace(&mut self.suppressor_in_alarm, in_alarm);
        if in_alarm {
            self.waiting = None;
            return None;
        }
        if was_in_alarm {
            self.waiting = Some((Suppressed::ExtensionPeriod, now + self.extension));
        } else if changed {
            self.waiting = Some((Suppressed::WaitPeriod, now + self.wait));
        }
        let (why, until) = self.waiting?;
        if now < until {
            return None;
        }
        self.waiting = None;
        // A wait period begins with a change, so there is something to act on, even if the state is the one before.
        let nothing_new = why == Suppressed::ExtensionPeriod && state != AlarmState::Alarm;
        if nothing_new && state == self.acted_on {
            return None;
        }
        self.acted_on = state;
        Some(state)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use AlarmState::{Alarm, Ok};

    /// Runs a minute by minute story with a wait and an extension of two minutes. Returns the actions and
    /// their minutes.
    fn story(minutes: &[(AlarmState, AlarmState)]) -> Vec<(i64, AlarmState)> {
        let two = SignedDuration::from_mins(2);
        let mut gate = ActionGate::new(two, two);
        let mut acted = Vec::new();
        for (minute, (state, suppressor)) in minutes.iter().enumerate() {
            let now = Timestamp::from_second(minute as i64 * 60).unwrap();
            if let Some(state) = gate.update(now, *state, *suppressor) {
                acted.push((minute as i64, state));
            }
        }
        acted
    }

    fn repeat(times: usize, state: AlarmState, suppressor: AlarmState) -> Vec<(AlarmState, AlarmState)> {
        vec![(state, suppressor); times]
    }

    #[test]
    fn it_acts_after_the_wait_period_if_the_suppressor_does_not_fire() {
        let minutes = [repeat(3, Ok, Ok), repeat(5, Alarm, Ok)].concat();
        assert_eq!(story(&minutes), [(2, Ok), (5, Alarm)]);
    }

    #[test]
    fn a_suppressor_that_fires_within_the_wait_period_prevents_the_action() {
        let minutes = [repeat(3, Ok, Ok), repeat(1, Alarm, Ok), repeat(5, Alarm, Alarm)].concat();
        assert_eq!(story(&minutes), [(2, Ok)]);
    }

    #[test]
    fn an_alarm_that_clears_within_the_wait_period_acts_on_ok_after_a_wait_of_its_own() {
        // The user guide's example 3: the first wait is discarded, and a new one begins with the change back.
        let minutes = [repeat(3, Ok, Ok), repeat(1, Alarm, Ok), repeat(5, Ok, Ok)].concat();
        assert_eq!(story(&minutes), [(2, Ok), (6, Ok)]);
    }

    #[test]
    fn an_alarm_that_fires_again_within_the_wait_period_waits_from_then_on() {
        let minutes =
            [repeat(3, Ok, Ok), repeat(1, Alarm, Ok), repeat(1, Ok, Ok), repeat(5, Alarm, Ok)].concat();
        assert_eq!(story(&minutes), [(2, Ok), (7, Alarm)]);
    }

    #[test]
    fn still_in_alarm_after_the_suppressor_notifies_after_the_extension_period() {
        let minutes = [repeat(3, Ok, Alarm), repeat(3, Alarm, Alarm), repeat(5, Alarm, Ok)].concat();
        assert_eq!(story(&minutes), [(8, Alarm)]);
    }

    #[test]
    fn notified_before_and_still_in_alarm_notifies_again_when_the_suppressor_ends() {
        let minutes = [repeat(4, Alarm, Ok), repeat(4, Alarm, Alarm), repeat(4, Alarm, Ok)].concat();
        assert_eq!(story(&minutes), [(2, Alarm), (10, Alarm)]);
    }

    #[test]
    fn an_alarm_that_clears_within_the_extension_period_never_acts_on_its_alarm() {
        // The user guide's example 6: the extension is discarded, and a wait period begins with the change back.
        let minutes = [repeat(3, Alarm, Alarm), repeat(1, Alarm, Ok), repeat(5, Ok, Ok)].concat();
        assert_eq!(story(&minutes), [(6, Ok)]);
    }

    #[test]
    fn what_fires_and_clears_under_the_suppressor_never_notifies() {
        let minutes =
            [repeat(3, Ok, Ok), repeat(3, Alarm, Alarm), repeat(3, Ok, Alarm), repeat(5, Ok, Ok)].concat();
        assert_eq!(story(&minutes), [(2, Ok)]);
    }
}
